"""Optuna by ask and tell on real sqlite storages: no doubles, no NaN, and a killed search goes on as an undisturbed one."""

from __future__ import annotations

import math
import shutil
import threading
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from prune_core.base.errors import BadInput, UnknownName
from sweeps.samplers import SAMPLERS
from sweeps.search.optuna_search import OptunaSearch
from sweeps.search.optuna_study import STOPPED_AT
from sweeps.search.search import ArmSpace, Candidate, RandomSearch, Space, Span
from sweeps.search.space import KEY
from tests.sweeps.searching import SPACE, books, drive, truth


def drive_all(search):
    while not search.done:
        for candidate in search.next(2):
            search.tell(candidate, {"val_accuracy": float(candidate.ratio), "nonzero_parameters": 1.0})


@pytest.mark.parametrize("sampler", ["front_gp", "tpe", "nsga2", "nsga3", "random"])
def test_a_finite_space_is_searched_empty_without_a_double(out, sampler):
    space = Space((ArmSpace("a-l1", ("0.3", "0.5", "0.7"), (0, 2)),))
    record = books(out, space)
    search = OptunaSearch(record, None, 0, sampler=sampler)
    search.reconcile({})
    order = []
    while not search.done:
        for candidate in search.next(2):
            order.append(candidate.key)
            search.tell(candidate, {"val_accuracy": float(candidate.ratio), "nonzero_parameters": 1.0})
    assert sorted(order) == sorted(candidate.key for candidate in space.candidates())
    trials = optuna.load_study(study_name="toy", storage=f"sqlite:///{out / 'optuna.db'}").trials
    assert [trial.user_attrs[KEY] for trial in trials] == order
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}


@pytest.mark.parametrize(
    "values, status",
    [
        ({"val_accuracy": math.nan, "nonzero_parameters": 1.0}, "complete"),
        ({"val_accuracy": 0.5, "nonzero_parameters": math.inf}, "complete"),
        ({"val_accuracy": 0.5}, "complete"),
        (None, "complete"),
        (None, "diverged"),
        ({"val_accuracy": math.nan, "nonzero_parameters": 1.0}, "stopped"),
    ],
)
def test_whatever_is_no_full_finite_result_is_a_failure_and_the_search_goes_on(out, values, status):
    search = OptunaSearch(books(out), 4, 0)
    (first,) = search.next(1)
    search.tell(first, values, status)
    others = drive(search)
    trials = books(out).rows()
    assert trials[0].state == TrialState.FAIL and trials[0].values is None
    assert len(others) == 3 and first.key not in others
    assert all(trial.state == TrialState.COMPLETE for trial in trials[1:])


@pytest.mark.parametrize("sampler", ["front_gp", "tpe", "nsga2", "nsga3", "random"])
def test_what_was_stopped_early_is_so_in_optuna_and_worse_to_the_sampler_than_what_was_not(out, sampler):
    search = OptunaSearch(books(out), 12, 0, sampler=sampler)
    for _ in range(12):
        (candidate,) = search.next(1)
        stopped = candidate.arm != "vgg-l1"
        search.tell(candidate, truth(candidate), "stopped" if stopped else "complete")
    rows = books(out).rows()
    for row in rows:
        stopped = row.params["arm"] != "vgg-l1"
        assert row.state == (TrialState.PRUNED if stopped else TrialState.COMPLETE)
        assert (row.user_attrs.get(STOPPED_AT) is not None) == stopped
    assert len(rows) == 12 and {row.state for row in rows} == {TrialState.PRUNED, TrialState.COMPLETE}
    # told again, by another start of the driver, it is the same row
    again = books(out)
    for row in rows:
        candidate = Candidate.from_key(row.user_attrs[KEY])
        again.close_row(candidate, truth(candidate), stopped=row.state == TrialState.PRUNED)
    assert [row.state for row in books(out).rows()] == [row.state for row in rows]


@pytest.mark.parametrize(
    "sampler, batch, killed_after",
    [("front_gp", 4, 5), ("front_gp", 1, 7), ("tpe", 4, 5), ("tpe", 4, 12), ("tpe", 1, 13), ("nsga2", 4, 7)],
)
def test_a_killed_search_goes_on_as_an_undisturbed_one(empty_storage, tmp_path, sampler, batch, killed_after):
    def begin(folder):
        folder.mkdir(exist_ok=True)
        if not (folder / "optuna.db").exists():
            shutil.copy(empty_storage / "optuna.db", folder / "optuna.db")
        return OptunaSearch(books(folder), 16, 7, sampler=sampler, batch=batch)

    undisturbed = drive(begin(tmp_path / "a"))
    search = begin(tmp_path / "b")
    known: dict[str, Any] = {}
    order: list[Candidate] = []
    search.reconcile(known)
    while len(order) < killed_after:
        for candidate in search.next(2):
            order.append(candidate)
            known[candidate.key] = truth(candidate)  # the folder has it ...
            if len(order) < killed_after:
                search.tell(candidate, truth(candidate))  # ... and the driver dies before it tells the last ones
    again = begin(tmp_path / "b")
    again.reconcile(known)
    rest = drive(again)
    assert [candidate.key for candidate in order] + rest == undisturbed
    rows = books(tmp_path / "b").rows()
    assert len(rows) == len({row.user_attrs[KEY] for row in rows}) == 16
    assert [row.values for row in rows] == [row.values for row in books(tmp_path / "a").rows()]


def test_rows_that_name_the_budget_as_versions_of_before_did_are_searched_on_from(empty_storage, tmp_path, monkeypatch):
    def begin(folder):
        folder.mkdir(exist_ok=True)
        if not (folder / "optuna.db").exists():
            shutil.copy(empty_storage / "optuna.db", folder / "optuna.db")
        return OptunaSearch(books(folder), 14, 7, sampler="tpe")

    undisturbed = drive(begin(tmp_path / "a"))
    search = begin(tmp_path / "b")
    monkeypatch.setattr(search._books, "_shown", search._books.parameters)
    before = drive(search, stop_after=12)
    again = begin(tmp_path / "b")
    again.reconcile({key: truth(Candidate.from_key(key)) for key in before})
    assert [*before, *drive(again)] == undisturbed


def test_open_candidates_of_a_killed_driver_are_handed_out_again_under_their_number(out):
    first = OptunaSearch(books(out), 10, 0)
    left_open = first.next(3)
    again = OptunaSearch(books(out), 10, 0)
    again.reconcile({})
    assert [(c.key, c.number) for c in again.next(3)] == [(c.key, c.number) for c in left_open]
    assert len(books(out).rows()) == 3


@pytest.mark.parametrize("batch", [None, 2])
def test_what_was_told_and_is_not_there_any_more_is_handed_out_again_before_anything_new(out, batch):
    def begin(count):
        return OptunaSearch(books(out), count, 0, sampler="tpe", batch=batch)

    first = begin(6)
    failed, *others = [
        candidate for _ in range(2) for candidate in first.next(2) if not first.tell(candidate, None, "failed")
    ]
    grown = begin(8)  # with a further seed, or another recipe; what failed is to be tried again, one is there whole
    grown.reconcile({others[-1].key: truth(others[-1])})
    again = grown.next(8)
    assert [(each.key, each.number) for each in again] == [(each.key, each.number) for each in [failed, *others[:-1]]]
    assert grown.next(8) == [] and not grown.done  # nothing new until they have ended
    for candidate in again:
        grown.tell(candidate, truth(candidate))
    assert set(drive(grown)).isdisjoint({failed.key, *(each.key for each in others)})
    told = {row.user_attrs[KEY]: row.values for row in books(out).rows() if row.values}
    assert len(told) == 8 and told[failed.key] == books(out).objective_values(truth(failed))


def test_what_is_not_there_any_more_is_not_handed_out_beyond_a_smaller_number(out):
    first = OptunaSearch(books(out), 4, 0, sampler="tpe")
    order = drive(first)
    fewer = OptunaSearch(books(out), 2, 0, sampler="tpe")
    fewer.reconcile({})
    assert drive(fewer) == order[:2] and fewer.done


def test_a_batch_waits_for_all_of_it_and_the_order_of_its_ends_does_not_matter(empty_storage, tmp_path):
    sequences = []
    for name, backwards in [("a", False), ("b", True)]:
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(empty_storage / "optuna.db", folder / "optuna.db")
        search, order = OptunaSearch(books(folder), 16, 0, batch=4), []
        while not search.done:
            batch = search.next(10)
            assert len(batch) == 4 and search.next(1) == []
            for candidate in reversed(batch) if backwards else batch:
                search.tell(candidate, truth(candidate))
            order += [candidate.key for candidate in batch]
        sequences.append(order)
    assert sequences[0] == sequences[1]


def test_a_new_database_is_told_what_the_folder_holds_and_does_not_ask_it_again(out):
    everything = list(SPACE.candidates())
    known = {candidate.key: truth(candidate) for candidate in everything[:30]} | {
        everything[30].key: None,
        "gone|0.5|2": truth(everything[0]),
    }
    search = OptunaSearch(books(out), None, 0)
    search.reconcile(known)
    order = drive(search)
    assert set(order).isdisjoint(known) and len(order) == len(everything) - 31
    states = [row.state for row in books(out).rows()]
    assert states.count(TrialState.COMPLETE) == len(everything) - 1 and states.count(TrialState.FAIL) == 1


def test_what_is_known_is_answered_and_not_handed_out(out):
    search = OptunaSearch(books(out), 20, 5)
    started = drive(search, stop_after=4)
    known = {candidate.key: truth(candidate) for candidate in SPACE.candidates() if candidate.arm != "res-l1"}
    again = OptunaSearch(books(out), 20, 5)
    again.reconcile(known)
    assert all(key.startswith("res-l1") for key in drive(again))
    rows = books(out).rows()
    assert len(rows) == 20 and [row.user_attrs[KEY] for row in rows][:4] == started
    assert all(row.state == TrialState.COMPLETE for row in rows)


def test_a_sampler_that_thinks_for_long_holds_up_nobody_and_proposes_the_same(empty_storage, tmp_path):
    release = threading.Event()

    class Slow(optuna.samplers.TPESampler):  # type: ignore[misc]
        def sample_relative(self, study, trial, search_space):
            release.wait(60)
            return super().sample_relative(study, trial, search_space)

    orders = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(empty_storage / "optuna.db", folder / "optuna.db")
        search = OptunaSearch(books(folder), 2, 0)
        search._asker._make = lambda seed: optuna.samplers.TPESampler(seed=seed)
        if name == "b":
            search._asker._make = lambda seed: Slow(seed=seed)
            assert search.next(1, wait=False) == [] == search.next(1, wait=False)
            assert books(folder).rows() == []
            release.set()
        orders.append([search.next(1)[0].key, search.next(1)[0].key])
        assert [row.user_attrs[KEY] for row in books(folder).rows()] == orders[-1]
    assert orders[0] == orders[1]


def test_rates_are_conditional_on_their_arm_and_read_back_exactly(out):
    space = Space(
        (
            ArmSpace("a", ("0.5", "0.7"), fine_tuning={"learning_rate": Span(1e-4, 1e-1, log=True)}),
            ArmSpace("b", ("0.5", "0.9")),
        )
    )
    search = OptunaSearch(books(out, space), 12, 0)
    order = []
    while not search.done:
        for candidate in search.next(1):
            order.append(candidate)
            search.tell(candidate, {"val_accuracy": 0.5, "nonzero_parameters": 1.0})
    for candidate, row in zip(order, books(out, space).rows(), strict=True):
        assert ("fine_tuning.learning_rate" in row.params) == (candidate.arm == "a")
        assert row.params.get("fine_tuning.learning_rate") == candidate.fine_tuning.get("learning_rate")
    assert {candidate.arm for candidate in order} == {"a", "b"}


def test_an_arm_is_chosen_step_by_step_and_what_is_the_same_everywhere_is_one_parameter(out):
    def arm(network, method, layers=None):
        parts = (("network", network), ("method", method), *((("layers", layers),) if layers else ()))
        return ArmSpace("-".join(value for _, value in parts), ("0.5", "0.7"), (0, 2), parts=parts)

    both = [arm(network, "l1", layers) for network in ("vgg", "res") for layers in ("all", "late")]
    space = Space((*both, arm("vgg", "weights"), arm("res", "weights"), arm("res", "slim", "1-3"), arm("res", "slim", "4")))
    search = OptunaSearch(books(out, space), None, 0)
    drive_all(search)
    rows = {row.user_attrs[KEY]: row.params for row in books(out, space).rows()}
    assert len(rows) == 8 * 4
    stored = optuna.load_study(study_name="toy", storage=f"sqlite:///{out / 'optuna.db'}").trials
    res = next(row.params for row in stored if row.user_attrs[KEY] == "res-slim-4|0.7|0")
    assert res == {"network": "res", "method of res": "slim", "layers of res-slim": "4", "ratio": 0.7, "tuning epochs": 0}
    assert rows["vgg-l1-late|0.5|2"] == {
        "network": "vgg",
        "method of vgg": "l1",
        "layers of vgg-l1": "late",
        "ratio": 0.5,
        "budget": 2,
    }
    assert rows["res-slim-4|0.7|0"]["layers of res-slim"] == "4"
    assert not any(name.startswith("layers") for key, params in rows.items() if "weights" in key for name in params)
    same = Space((arm("vgg", "l1"), arm("vgg", "weights"), arm("res", "l1"), arm("res", "weights")))
    search = OptunaSearch(books(out, same, name="same"), 3, 0)
    drive_all(search)
    assert {name for row in books(out, same, name="same").rows() for name in row.params} == {
        "network",
        "method",
        "ratio",
        "budget",
    }


def test_tpe_finds_the_best_sooner_than_random(empty_storage, tmp_path):
    space = Space(
        tuple(ArmSpace(f"net-{method}", tuple(f"0.{d}" for d in range(1, 10)), (0, 1, 2, 3, 4)) for method in "abcd")
    )

    def value(candidate):
        return {
            "val_accuracy": -abs(float(candidate.ratio) - 0.6)
            - 0.1 * abs(candidate.budget - 3)
            - 0.3 * (candidate.arm != "net-c")
        }

    def asked_until_best(search):
        search.reconcile({})
        for count in range(1, 181):
            (candidate,) = search.next(1)
            if candidate.key == "net-c|0.6|3":
                return count
            search.tell(candidate, value(candidate))
        raise AssertionError("the best was never asked for")

    smart, blind = [], []
    for seed in range(3):
        folder = tmp_path / str(seed)
        folder.mkdir()
        shutil.copy(empty_storage / "optuna.db", folder / "optuna.db")
        smart.append(asked_until_best(OptunaSearch(books(folder, space, [("val_accuracy", "max")]), None, seed)))
        blind.append(asked_until_best(RandomSearch(space, None, seed)))
    # Of 180 candidates, random needs 90 on average.
    assert sum(smart) / 3 < 60
    assert sum(smart) < sum(blind)


def test_wrong_names_and_missing_counts_are_the_users(out):
    with pytest.raises(UnknownName, match="tpe"):
        OptunaSearch(books(out), 3, 0, sampler="tpee")
    rates = Space((ArmSpace("a", ("0.5",), fine_tuning={"learning_rate": Span(1e-4, 1e-1)}),))
    with pytest.raises(BadInput, match="candidates"):
        OptunaSearch(books(out, rates), None, 0)


@pytest.mark.parametrize(
    "make, said", [(lambda seed: 1 / 0, "cannot be made: ZeroDivisionError"), (lambda seed: "tpe", "returned a str")]
)
def test_a_sampler_of_a_plugin_that_is_none_ends_the_search_in_one_line(out, monkeypatch, make, said):
    monkeypatch.setattr(SAMPLERS, "_entries", {**SAMPLERS._entries, "mine": make})
    with pytest.raises(BadInput, match=f"sampler 'mine' {said}"):
        OptunaSearch(books(out), 3, 0, sampler="mine").next(1)
