"""Stopping by the probability of a place on the front: certain cases, the same whatever the order, written as cause."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from prune_core.base.errors import BadInput
from sweeps.search.front_chances import FrontChances, Judged
from sweeps.search.measured import Measured
from sweeps.search.space import ArmSpace, Candidate, Space
from sweeps.stopping_rules import Standing, choose_rule
from tests.sweeps.search.test_early_stopping import empty_storage as empty_storage
from tests.sweeps.search.test_early_stopping import outcomes, run, study

RATIOS = ("0.2", "0.4", "0.6", "0.8")
SPACE = Space(tuple(ArmSpace(arm, RATIOS, walks=(0, 1, 3)) for arm in ("net-good", "net-bad")))


def worth(candidate: Candidate, budget: int) -> Measured:
    """The bad arm loses far more accuracy at every ratio and budget, and is no smaller."""
    ratio, lost = float(candidate.ratio), 0.3 if candidate.arm == "net-bad" else 0.0
    values = {"val_accuracy": 0.9 - 0.2 * ratio - lost + 0.01 * budget, "parameters": 1000 * (1 - ratio)}
    return Measured(values, {name: (value, value) for name, value in values.items()})


def costs(arm: str, ratio: str) -> Mapping[str, float]:
    return {"parameters": 1000 * (1 - float(ratio))}


def chances_of(judged: list[Judged], asked: list[Candidate]) -> list[float]:
    found = FrontChances(SPACE, {"val_accuracy": "max", "parameters": "min"}, (), costs)(judged, asked)
    return [float(one) for one in found]


def test_who_is_beaten_at_every_budget_has_no_chance_and_who_beats_has_one_whatever_the_order() -> None:
    every = [Candidate(arm, ratio) for arm in ("net-good", "net-bad") for ratio in RATIOS]
    ended = [(one, budget, worth(one, budget)) for one in every[:2] for budget in (0, 1, 3)]
    walking = [(one, budget, worth(one, budget)) for one in every[2:] for budget in (0, 1)]
    asked = every[2:]
    found = chances_of([*ended, *walking], asked)
    assert min(found[:2]) > 0.8 and max(found[2:]) < 0.1
    assert chances_of([*walking[::-1], *ended], asked) == found
    assert chances_of([*ended, *walking], asked[::-1]) == found[::-1]


def test_the_rule_stops_below_its_bound_and_never_everybody() -> None:
    table = np.zeros((3, 1))

    def standing(*chances: float) -> Standing:
        return Standing(
            1,
            (0, 1, 3),
            ("val_accuracy",),
            ("max",),
            table,
            np.ones(3, dtype=int),
            lambda _: table,
            lambda: np.array(chances),
        )

    rule = choose_rule({"rule": "front_chance", "below": 0.05})
    said = "probability 0.049 of a place on the front at budget 3, less than 0.05, among 3 candidates "
    said += "(early_stopping front_chance)"
    assert rule.decide(standing(0.05, 0.049, 0.5)) == [None, said, None]
    assert [why is None for why in rule.decide(standing(0.01, 0.02, 0.0))] == [False, True, False]
    assert rule.setting() == {"rule": "front_chance", "below": 0.05}
    for wrong in (0, 1, True, "much", None):
        with pytest.raises(BadInput, match=r"below is .* \(allowed: numbers greater than 0 and less than 1\)"):
            choose_rule({"rule": "front_chance", "below": wrong})


@pytest.mark.parametrize(
    "search",
    [
        "search={early_stopping: {rule: front_chance, below: 0.3}}",
        "search={kind: optuna, candidates: 6, batch: 3, early_stopping: {rule: front_chance, below: 0.8}}",
    ],
)
def test_a_killed_run_stops_the_same_candidates_and_says_how_likely_they_were(tmp_path, empty_storage, search) -> None:
    of = study(tmp_path, search, "seeds=[0]")
    whole = run(tmp_path / "a" / "mine", of, empty_storage)
    first = run(tmp_path / "b" / "mine", of, empty_storage, killed_after=9)
    rest = run(tmp_path / "b" / "mine", of, empty_storage)
    assert sorted(first + rest) == sorted(whole)
    assert outcomes(tmp_path / "b" / "mine") == outcomes(tmp_path / "a" / "mine")
    stopped = [one for one in outcomes(tmp_path / "a" / "mine").values() if one["status"] == "stopped"]
    assert stopped and all(" of a place on the front at budget 3, less than 0." in str(one["cause"]) for one in stopped)
    assert all("'front_chance'" in str(one["rule"]) for one in stopped)
