"""Extra seeds for uncertain places: a table made by hand says who gets them; a killed run decides as an undisturbed one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import optuna
import pytest

from prune_core.base.errors import BadInput
from prune_core.base.files import read_json, write_json
from sweeps.folder.paths import MORE_SEEDS, store_folder, trial_folder
from sweeps.front.front import candidates
from sweeps.plan.plan import make_plan
from sweeps.plan.state import final_status
from sweeps.plan.trials import PlannedTrial
from sweeps.run.books import Books
from sweeps.run.driver import _workload
from sweeps.run.plan_text import plan_text
from sweeps.search.more_seeds import choose
from sweeps.search.whole_plan import whole_plan
from sweeps.study.model import Study, load_study

SMALL = """
name: mine
data: {name: digits, validation: 200, test: 200}
networks: {small_vgg: {options: {width: 4}}}
arms: [{methods: [unstructured, l1_filter]}]
training: {epochs: 1}
ratios: [0.2, 0.4, 0.6]
budgets: [0, 1]
seeds: [0, 1]
objectives: [accuracy, nonzero_parameters]
evaluation: {corruptions: none}
search: {more_seeds: {candidates: 1, seeds: [7, 8]}}
"""
TIED = ("small_vgg-l1_filter", "small_vgg-unstructured")


@pytest.fixture(scope="module")
def empty_storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("storage")
    optuna.storages.RDBStorage(f"sqlite:///{folder / 'optuna.db'}").engine.dispose()
    return folder / "optuna.db"


def study(folder: Path, *overrides: str) -> Study:
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / "mine.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return load_study(path, overrides)


def measured(trial: PlannedTrial, budget: int) -> dict[str, float]:
    """Filters are far worse than weights at every ratio but 0.4, where the two differ by less than their seeds do.

    Nobody loses the ten points from which on a network is called collapsed and gets no extra seeds.
    """
    ratio, even = float(trial.ratio), trial.seed % 2 == 0
    filters = trial.method == "l1_filter"
    accuracy = 0.9 - 0.1 * ratio + 0.01 * budget + (0.001 if even else -0.001)
    if filters:
        accuracy += (-0.002 if even else 0.0025) if trial.ratio == "0.4" else -0.03
    return {
        "val_accuracy": accuracy,
        "accuracy": accuracy,
        "nonzero_parameters": 1000 * (1 - ratio),
        "parameters": 1000.0,
        "train_seconds": 1.0,
        "evaluate_seconds": 1.0,
    }


def run(out: Path, of: Study, storage: Path, *, killed_after: int = 10**6, failing: str = "") -> list[str]:
    """Run a study with trials that only write down numbers; return the name of each, in order."""
    out.mkdir(exist_ok=True, parents=True)
    if not (out / "optuna.db").exists():
        shutil.copy(storage, out / "optuna.db")
    plan = make_plan(of, out)
    books = Books.open(of, plan, out)
    workload = _workload(plan, books, out)
    ran: list[Any] = []
    while len(ran) < killed_after and (trial := workload.next()) is not None:
        folder = trial_folder(out, trial.key)
        failed = trial.name == failing
        if trial.kind == "baseline" and not failed:
            write_json(store_folder(out) / trial.baseline_key / "meta.json", {})
        write_json(folder / "description.json", trial.description.to_plain())
        for budget in () if failed else trial.budgets:
            write_json(folder / f"budget-{budget:04d}" / "record.json", measured(trial, budget))
        status = {"status": "failed", "cause": "by hand"} if failed else {"status": "complete", "cause": None}
        write_json(folder / "outcome.json", {**status, "budgets": [] if failed else list(trial.budgets)})
        ran.append(trial.name)
        workload.finished(trial.key, final_status(trial, out))
    return ran


def test_the_most_uncertain_places_are_chosen_never_a_certain_one_nor_a_collapsed_network() -> None:
    known = (("a", 0.5, True), ("b", 0.5, False), ("c", 0.4, False), ("d", 0.95, False), ("e", 0.04, False))
    ranked = [{"name": name, "frequency": one, "collapsed": lost} for name, one, lost in known]
    assert [one["name"] for one in choose(ranked, 1)] == ["b"]
    assert [one["name"] for one in choose(ranked, 9)] == ["b", "c"]


def test_the_two_that_the_seeds_do_not_tell_apart_get_the_extra_seeds(tmp_path: Path, empty_storage: Path) -> None:
    of, out = study(tmp_path, "search.more_seeds.candidates=3"), tmp_path / "runs" / "mine"
    ran = run(out, of, empty_storage)
    # baselines first, one control per seed, and nothing of the five whose place is certain
    assert ran[-8:-4] == [f"small_vgg-{kind}-s{seed}" for kind in ("baseline", "control") for seed in (7, 8)]
    assert sorted(ran[-4:]) == [f"{arm}-r0.40-s{seed}" for arm in TIED for seed in (7, 8)]
    assert len(ran) == 16 + 8 and run(out, of, empty_storage) == []
    written = read_json(out / MORE_SEEDS)
    assert sorted(one["name"] for one in written["chosen"]) == [f"{arm} at 0.4, 1 epoch" for arm in TIED]
    assert [one["frequency"] for one in written["frequencies"][2:]] == [0, 0, 1, 1]  # filters at 0.2 and 0.6, then weights
    # they differ by a quarter of a thousandth, with a standard error of about three: as good as a coin, and never both
    assert [one["frequency"] for one in written["chosen"]] == pytest.approx([0.5, 0.5], abs=0.1)
    assert sum(one["frequency"] for one in written["chosen"]) == pytest.approx(1)
    assert written["based_on"]["records"] == 30 and written["rule"]["study_seeds"] == [0, 1]

    books = Books.open(of, make_plan(of, out), out)
    records = books._records()
    assert {trial.key for trial in whole_plan(out).trials} == set(records["key"])
    assert records[records["seed"].ge(7) & records["method"].ne("baseline")]["delta_accuracy"].notna().all()
    table = candidates(records, of.decisive, seeds=of.seeds).set_index(["arm", "ratio", "budget"])
    assert table["complete"].all()
    assert {arm: table.loc[(arm, 0.4, 1), "seeds"] for arm in TIED} == dict.fromkeys(TIED, 4)
    assert table.loc[("small_vgg-l1_filter", 0.2, 1), "seeds"] == 2
    # seeds 0 and 8 are even, 1 and 7 odd: 0.87 plus the mean of (-0.001, 0.0015), twice each
    assert table.loc[("small_vgg-l1_filter", 0.4, 1), "val_accuracy"] == pytest.approx(0.87025)
    rows = optuna.load_study(study_name="mine", storage=f"sqlite:///{out / 'optuna.db'}").trials
    assert len(rows) == 12 and all(row.state.name == "COMPLETE" for row in rows)


@pytest.mark.parametrize("killed_after", [5, 19])
def test_a_killed_run_decides_as_an_undisturbed_one_and_does_nothing_twice(
    tmp_path: Path, empty_storage: Path, killed_after: int
) -> None:
    of = study(tmp_path)
    whole = run(tmp_path / "a" / "mine", of, empty_storage)
    first = run(tmp_path / "b" / "mine", of, empty_storage, killed_after=killed_after)
    assert first + run(tmp_path / "b" / "mine", of, empty_storage) == whole
    decisions = [(tmp_path / name / "mine" / MORE_SEEDS).read_text() for name in "ab"]
    assert decisions[0] == decisions[1] and len(read_json(tmp_path / "a" / "mine" / MORE_SEEDS)["chosen"]) == 1


def test_growing_the_seeds_finds_the_extra_ones_and_without_the_key_they_leave_the_report(
    tmp_path: Path, empty_storage: Path
) -> None:
    out = tmp_path / "runs" / "mine"
    run(out, study(tmp_path), empty_storage)
    off = study(tmp_path, "search.more_seeds=null")
    assert run(out, off, empty_storage) == [] and not (out / MORE_SEEDS).exists()
    assert set(Books.open(off, make_plan(off, out), out)._records()["seed"]) == {0, 1}
    grown = study(tmp_path, "search.more_seeds=null", "seeds=[0, 1, 7, 8]")
    again = run(out, grown, empty_storage)
    assert len(again) == 32 - 16 - 6  # a baseline, a control and a pruned network, at two seeds, are there
    assert not {name for name in again if "baseline" in name or "control" in name}


def test_a_grown_study_decides_as_one_that_began_so(tmp_path: Path, empty_storage: Path) -> None:
    narrow, wide = study(tmp_path, "ratios=[0.2, 0.6]"), study(tmp_path)
    assert len(run(tmp_path / "a" / "mine", narrow, empty_storage)) == 12  # every place is certain
    run(tmp_path / "a" / "mine", wide, empty_storage)
    run(tmp_path / "b" / "mine", wide, empty_storage)
    assert (tmp_path / "a" / "mine" / MORE_SEEDS).read_text() == (tmp_path / "b" / "mine" / MORE_SEEDS).read_text()


def test_after_a_search_over_rates_the_extra_seeds_have_controls_of_their_own(tmp_path: Path, empty_storage: Path) -> None:
    of = study(
        tmp_path,
        "search={kind: random, candidates: 6, learning_rate: [0.001, 0.1], more_seeds: {candidates: 6, seeds: [7]}}",
        "budgets=[1]",
    )
    out = tmp_path / "runs" / "mine"
    ran = run(out, of, empty_storage)
    chosen = read_json(out / MORE_SEEDS)["chosen"]
    extra = [name for name in ran if name.endswith("-s7")]
    assert len(chosen) == 5 and len(extra) == 1 + 2 * 5  # one baseline, and a control of each one's own rate
    assert run(out, of, empty_storage) == []


def test_a_baseline_of_an_extra_seed_that_fails_blocks_its_trials_only(tmp_path: Path, empty_storage: Path) -> None:
    of, out = study(tmp_path), tmp_path / "runs" / "mine"
    ran = run(out, of, empty_storage, failing="small_vgg-baseline-s7")
    assert [name for name in ran if name.endswith("s7")] == ["small_vgg-baseline-s7"]
    assert sum(name.endswith("s8") for name in ran) == 3
    plan = make_plan(of, out)
    assert {status for _, status, _ in Books.open(of, plan, out).failures()} == {"failed"}
    records = Books.open(of, plan, out)._records()
    assert candidates(records, of.decisive, seeds=of.seeds)["complete"].all()


def test_the_plan_says_the_allowance_besides_the_study(tmp_path: Path, empty_storage: Path) -> None:
    of, out = study(tmp_path), tmp_path / "runs" / "mine"
    before = plan_text(make_plan(of, out), out)
    assert "trials     16: 2 baseline, 2 control, 12 pruned" in before
    assert "for up to 1 candidate of uncertain place" in before and "up to 2 baseline, 2 control, 2 pruned; about" in before
    run(out, of, empty_storage, killed_after=17)
    between = plan_text(make_plan(of, out), out)
    assert "2 pruned trials, 1 of them there; about" in between and "none of the study's own seeds" in between
    run(out, of, empty_storage)
    after = plan_text(make_plan(of, out), out)
    assert "2 baseline, 2 control, 2 pruned trials, 6 of them there" in after and "at 0.4, 1 epoch (" in after
    grown = study(tmp_path, "ratios=[0.2, 0.4, 0.6, 0.8]")  # what was decided may not stand
    assert "for up to 1 candidate" in plan_text(make_plan(grown, out), out)


def test_where_every_place_is_sure_nobody_gets_more_and_nothing_is_left_to_do(tmp_path: Path, empty_storage: Path) -> None:
    of, out = study(tmp_path, "ratios=[0.2, 0.6]"), tmp_path / "runs" / "mine"
    assert len(run(out, of, empty_storage)) == 12 and read_json(out / MORE_SEEDS)["chosen"] == []
    said = plan_text(make_plan(of, out), out)
    assert "more seeds besides: for no candidate, since no place on the front is uncertain" in said
    assert "none trials" not in said and "cost       none: everything is there" in said


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("search.more_seeds.seeds=[1, 7]", "search.more_seeds.seeds: 1 is among the study's seeds"),
        ("search.more_seeds.candidates=0", "search.more_seeds.candidates: "),
        ("search.more_seeds.seeds=[]", "search.more_seeds.seeds: the list is empty"),
        ("seeds=[0]", "search.more_seeds: with one seed no place can be called uncertain"),
    ],
)
def test_bad_values_get_one_line(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        study(tmp_path, override)
    assert "\n" not in str(caught.value)
