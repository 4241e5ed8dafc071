"""Extra seeds against new candidates: decisions worked out by hand, the model's worth against sampling, a killed study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import torch
from optuna.distributions import CategoricalDistribution
from scipy.stats import norm

from prune_core.base.errors import BadInput
from prune_core.base.files import read_json
from sweeps.plan.plan import make_plan
from sweeps.run.plan_text import plan_text
from sweeps.samplers import COUNT, SEEDS
from sweeps.samplers.front_gp import seeds
from sweeps.samplers.front_gp.encoding import Encoding
from sweeps.samplers.front_gp.kernel import Kernel
from sweeps.samplers.front_gp.problem import Problem, Settings
from sweeps.samplers.front_gp.sampler import FrontGPSampler, _counts
from sweeps.search.competition import Competition
from tests.sweeps.search.test_more_seeds import empty_storage as empty_storage
from tests.sweeps.search.test_more_seeds import run, study

SEARCH = "search={kind: optuna, candidates: 8, batch: 2, more_seeds: {candidates: 3, seeds: [7, 8], when: compete}}"


def needs(candidate, seed):
    """Its own trial, and the baseline of its network at that seed."""
    return {f"{candidate.key} {seed}", f"baseline {candidate.arm} {seed}"}


def competition(out: Path, *, most: int = 9, total: int = 20) -> Competition:
    return Competition({"rule": 1}, seeds=(7, 8), most=most, total=total, new=2, needs=needs, out=out)


def test_what_is_worth_most_per_trial_is_next_and_a_baseline_is_paid_once(tmp_path: Path) -> None:
    told = [("a|0.5|2", 0.06), ("a|0.7|2", 0.05), ("b|0.5|2", 0.03), ("b|0.7|2", 0.001)]
    # new: 0.036 / 2 = 0.018 per trial. a|0.5 costs two trials, its own and a baseline: 0.03. After it a|0.7 costs one: 0.05.
    # b|0.5 costs two: 0.015, which is less than new candidates
    found = competition(tmp_path).decide(4, told, [0.036, 0.02], batch=2)
    assert found.new == pytest.approx(0.018)
    assert [extra for extra, _ in found.chosen] == [("a|0.5|2", 7), ("a|0.7|2", 7)]
    assert [worth for _, worth in found.chosen] == pytest.approx([0.03, 0.05])
    assert competition(tmp_path).decide(4, told, [0.2], batch=2).chosen == ()
    # a batch of two new candidates is four trials: a, its baseline, a, and nothing is left for b and its baseline
    assert [extra for extra, _ in competition(tmp_path).decide(4, told, [], batch=2).chosen] == [
        ("a|0.5|2", 7),
        ("a|0.7|2", 7),
    ]
    # of 9 trials 8 were spent on four candidates: one is left, and an extra seed needs two
    assert competition(tmp_path, total=9).decide(4, told, [], batch=2).chosen == ()
    assert len(competition(tmp_path, most=1).decide(4, told, [], batch=2).chosen) == 1


def test_decisions_are_written_down_and_paid_with_new_candidates(tmp_path: Path) -> None:
    one = competition(tmp_path)
    assert one.limit == 10
    one.note(one.decide(4, [("a|0.5|2", 0.06)], [0.036], batch=2))
    again = competition(tmp_path)
    assert again.given == [("a|0.5|2", 7)] and again.limit == 9, "two trials are one new candidate"
    second = again.decide(4, [("a|0.5|2", 0.06)], [0.036], batch=2)
    assert second.chosen[0][0] == ("a|0.5|2", 8), "the next seed"
    again.note(again.decide(4, [], [0.036], batch=2))
    assert again.settled(4) and not again.settled(6)
    assert Competition({"rule": 2}, seeds=(7,), most=1, total=20, new=2, needs=needs, out=tmp_path).given == []


MEANS, SPREADS, NOISE = np.array([0.0, 0.3, -3.0, 0.1]), np.array([0.4, 0.3, 0.3, 0.8]), 0.09


class Gaussian:
    """What was learned: independent normal distributions."""

    objectives = 1

    def draw(self, rows, random):
        drawn = random_normal(random, (4096, len(rows)))
        return (MEANS[rows] + SPREADS[rows] * drawn)[:, :, None], np.ones((4096, len(rows)), dtype=bool)

    def uncertainty(self, rows):
        yield 0, SPREADS[rows] ** 2, NOISE


def random_normal(random: torch.Generator, size: tuple[int, int]) -> Any:
    return torch.randn(size, generator=random, dtype=torch.float64).numpy()


def test_worth_of_a_measurement_is_the_expected_best_mean_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """One objective: the front is the best mean, so the worth is E max(others, own mean then) - max now, in closed form."""
    monkeypatch.setattr(seeds, "learned_of", lambda *_: Gaussian())
    problem = Problem(
        points=Encoding({"arm": CategoricalDistribution(list("abcd"))}).points([{"arm": name} for name in "abcd"]),
        values=MEANS[:3, None],
        largest=(True,),
        running=(),
        known=np.full((4, 1), np.nan),
        excess=np.zeros((3, 0)),
        known_excess=np.zeros((4, 0)),
    )
    told, new = seeds.measurement_worth(problem, Kernel(1, 0), torch.Generator().manual_seed(0), Settings(grid=16384), 2)

    def by_hand(one: int, others: list[int], repeats: int) -> float:
        spread = SPREADS[one] ** 2 / np.sqrt(SPREADS[one] ** 2 + NOISE / repeats)
        best = max(MEANS[at] for at in others)
        z = (MEANS[one] - best) / spread
        return float(best + spread * (z * norm.cdf(z) + norm.pdf(z)) - 0.3)

    expected = np.array([by_hand(0, [1, 2], 1), by_hand(1, [0, 2], 1), by_hand(3, [0, 1, 2], 2)])
    found = np.array([told[0], told[1], new[0]])
    assert len(new) == 1 and abs(told[2]) < 0.01 * told[1], "nothing about the hopeless one moves the front"
    assert found / found[2] == pytest.approx(expected / expected[2], rel=0.08)


def test_a_mean_over_more_seeds_counts_as_so_many_measurements() -> None:
    def trial(value: float, **attributes: Any) -> optuna.trial.FrozenTrial:
        return optuna.trial.create_trial(value=value, user_attrs={SEEDS: [[value], [value]], **attributes})

    assert _counts([trial(0.5), trial(0.6, **{COUNT: 3})], SEEDS) == (2, 3)
    assert _counts([trial(0.5), trial(0.6)], SEEDS) is None


def worth_by_accuracy(self, study, seeds):
    """A seed is worth the accuracy told, a new candidate little: who has the highest is tried again and again."""
    told = [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == "COMPLETE"]
    return [(trial.params, trial.values[0]) for trial in told], [0.3]


def test_a_killed_study_decides_as_an_undisturbed_one_within_its_trials(
    tmp_path: Path, empty_storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FrontGPSampler, "measurement_worth", worth_by_accuracy)
    of = study(tmp_path, SEARCH)
    whole = run(tmp_path / "a" / "mine", of, empty_storage)
    decisions = read_json(tmp_path / "a" / "mine" / "more_seeds.json")["decisions"]
    given = [one for decision in decisions for one in decision["chosen"]]
    assert given, "accuracy over three trials is more than 0.3 over two"
    own = [name for name in whole if "-r0." in name]
    assert len(own) <= 16 and {name.rsplit("-s", 1)[1] for name in own} >= {"0", "1", "7"}
    first = run(tmp_path / "b" / "mine", of, empty_storage, killed_after=len(whole) - 4)
    rest = run(tmp_path / "b" / "mine", of, empty_storage)
    assert sorted(first + rest) == sorted(whole)
    assert read_json(tmp_path / "b" / "mine" / "more_seeds.json")["decisions"] == decisions
    text = plan_text(make_plan(of, tmp_path / "a" / "mine"), tmp_path / "a" / "mine")
    assert f"so far {given[0]['candidate']} (seed 7)" in text and "more seeds besides" not in text
    assert run(tmp_path / "a" / "mine", of, empty_storage) == []


def test_where_nothing_competes_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"search\.more_seeds\.when: compete needs a search by Optuna in batches"):
        study(tmp_path, "search.more_seeds.when=compete")
    with pytest.raises(BadInput, match=r"search\.more_seeds\.when: with early stopping no seeds compete"):
        study(tmp_path, SEARCH, "search.early_stopping=0.5")
