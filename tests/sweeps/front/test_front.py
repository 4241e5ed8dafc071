from __future__ import annotations

import moocore
import numpy as np
import optuna
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from prune_core.metrics import Direction
from sweeps.front.front import candidates, front, hypervolume, membership, non_dominated, write_front
from sweeps.front.scatter import scatter_of
from sweeps.front.seeds import seed_adjusted

# Few distinct values, so that ties and equal points are common.
FEW = arrays(np.float64, st.tuples(st.integers(1, 14), st.integers(2, 4)), elements=st.integers(0, 4).map(float))


def test_a_hand_made_front_with_equal_points():
    points = [[0.9, 100], [0.9, 100], [0.9, 120], [0.95, 200], [0.8, 90], [0.8, 110], [0.94, 200]]
    assert non_dominated(points, ["max", "min"]).tolist() == [True, True, False, True, True, False, False]


def test_a_nan_objective_does_not_compete():
    with pytest.raises(ValueError, match="NaN"):
        non_dominated([[np.nan, 1.0]], ["max", "min"])


@given(FEW)
@settings(max_examples=150, deadline=None)
def test_domination_agrees_with_moocore_and_with_the_definition(points):
    directions = ["min"] * points.shape[1]
    mine = non_dominated(points, directions)
    assert (mine == moocore.is_nondominated(points, keep_weakly=True)).all()
    naive = [not any((other <= point).all() and (other < point).any() for other in points) for point in points]
    assert mine.tolist() == naive
    assert (non_dominated(-points, ["max"] * points.shape[1]) == mine).all()


@given(FEW)
@settings(max_examples=150, deadline=None)
def test_hypervolume_agrees_with_moocore(points):
    reference = np.full(points.shape[1], 4.0)
    expected = moocore.hypervolume(points, ref=reference)
    assert hypervolume(points, reference, ["min"] * points.shape[1]) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("dimensions", [2, 3, 4])
def test_hypervolume_agrees_with_optuna_on_random_fronts(dimensions):
    points = np.random.default_rng(dimensions).random((60, dimensions))
    reference = np.full(dimensions, 1.1)
    expected = optuna._hypervolume.compute_hypervolume(points, reference)
    assert hypervolume(points, reference, ["min"] * dimensions) == pytest.approx(expected, rel=1e-12)


def test_front_agrees_with_optunas_best_trials():
    points = np.random.default_rng(3).integers(0, 6, (40, 3)).astype(float)
    directions = ["maximize", "minimize", "minimize"]
    study = optuna.create_study(directions=directions)
    study.add_trials([optuna.trial.create_trial(values=list(point)) for point in points])
    mine = non_dominated(points, [direction[:3] for direction in directions])
    assert sorted(np.flatnonzero(mine).tolist()) == sorted(trial.number for trial in study.best_trials)


def test_hypervolume_by_hand():
    # Boxes 3x1 and 1x3 up to (0, 0) in gains: 3 + 3 - 1.
    assert hypervolume([[3, 1], [1, 3]], [0, 0], ["max", "max"]) == 5.0
    assert hypervolume([[5, 5]], [4, 9], ["min", "min"]) == 0.0
    assert hypervolume(np.empty((0, 2)), [1, 1], ["min", "min"]) == 0.0


def record(method="l1", ratio="0.5", seed=0, budget=2, accuracy=0.9, parameters=50, status="complete", **more):
    return {
        "key": f"{method}-{ratio}-{seed}",
        "study": "s",
        "arm": method,
        "network": "net",
        "method": method,
        "ratio": ratio,
        "seed": seed,
        "budget": budget,
        "status": status,
        "accuracy": accuracy,
        "nonzero_parameters": parameters,
        **more,
    }


TWO: dict[str, Direction] = {"accuracy": "max", "nonzero_parameters": "min"}


def test_candidates_have_mean_sample_deviation_and_completeness():
    records = pd.DataFrame(
        [
            record(seed=0, accuracy=0.8),
            record(seed=1, accuracy=0.9),
            record(method="random", seed=0),
            record(method="random", seed=1, status="failed", accuracy=np.nan),
        ]
    )
    table = candidates(records, TWO).set_index("method")
    assert table.loc["l1", "accuracy"] == pytest.approx(0.85)
    assert table.loc["l1", "accuracy_std"] == pytest.approx(0.1 / np.sqrt(2))
    assert table["complete"].to_dict() == {"l1": True, "random": False}
    assert table["seeds"].to_dict() == {"l1": 2, "random": 1}
    assert candidates(records, TWO, seeds=[0]).set_index("method")["complete"].all()


def test_a_stopped_or_nan_record_never_competes():
    records = pd.DataFrame(
        [record(accuracy=0.99, status="stopped"), record(ratio="0.7", accuracy=np.nan), record(ratio="0.3", accuracy=0.5)]
    )
    table = candidates(records, TWO)
    assert table.loc[front(table, TWO).tolist(), "ratio"].tolist() == [0.3]


def test_fronts_never_mix_budgets_unless_asked():
    records = pd.DataFrame([record(budget=0, accuracy=0.5), record(budget=2, accuracy=0.9)])
    table = candidates(records, TWO)
    assert front(table, TWO).tolist() == [True, True]
    assert front(table, TWO, mix_budgets=True).tolist() == [False, True]


def test_the_baseline_competes_at_every_budget():
    records = pd.DataFrame([record("baseline", "0", budget=0, accuracy=0.95, parameters=50), record(budget=2, accuracy=0.9)])
    table = candidates(records, TWO)
    assert table.loc[front(table, TWO).tolist(), "method"].tolist() == ["baseline"]


def test_empty_records_have_no_candidates():
    table = candidates(pd.DataFrame(columns=list(record())), TWO)
    assert len(table) == 0
    assert front(table, TWO).tolist() == []


def test_front_csv_is_decided_by_selection_and_shows_the_report(tmp_path):
    records = pd.DataFrame(
        [record("a", seed=seed, accuracy=0.9, val_accuracy=0.5) for seed in (0, 1)]
        + [record("b", seed=seed, accuracy=0.8, val_accuracy=0.6) for seed in (0, 1)]
    )
    table = pd.read_csv(write_front(tmp_path, records, TWO))
    assert table["method"].tolist() == ["b"]
    assert table["accuracy"].tolist() == [0.8]
    assert table["front_frequency"].tolist() == [1.0]


def test_membership_is_sure_where_seeds_agree_and_not_where_they_do_not():
    stream = np.random.default_rng(0)
    rows = []
    for seed in range(5):
        rows += [
            record("clear", seed=seed, accuracy=0.95 + stream.normal(0, 0.001)),
            record("bad", seed=seed, accuracy=0.7 + stream.normal(0, 0.001)),
        ]
        # Same size, same mean accuracy, independent seeds: a coin decides between them.
        rows += [
            record(name, seed=seed, parameters=10, accuracy=0.6 + stream.normal(0, 0.01)) for name in ("twin-1", "twin-2")
        ]
    records = pd.DataFrame(rows)
    table = candidates(records, TWO)
    frequency = dict(zip(table["method"], membership(records, table, TWO), strict=True))
    assert frequency["clear"] == 1.0
    assert frequency["bad"] == 0.0
    assert frequency["twin-1"] + frequency["twin-2"] == pytest.approx(1.0, abs=0.01)
    assert 0.02 < frequency["twin-1"] < 0.98


def test_membership_draws_shared_seeds_jointly():
    # Both move by the same seed effect; the difference between them is the same in every seed, hence sure.
    effects = [-0.05, 0.0, 0.05]
    records = pd.DataFrame(
        [
            record(name, seed=seed, accuracy=0.8 + effect + gain)
            for seed, effect in enumerate(effects)
            for name, gain in (("better", 0.01), ("worse", 0.0))
        ]
    )
    table = candidates(records, TWO)
    frequency = dict(zip(table["method"], membership(records, table, TWO), strict=True))
    assert frequency == {"better": 1.0, "worse": 0.0}


def test_one_seed_has_no_frequency():
    records = pd.DataFrame([record()])
    assert np.isnan(membership(records, candidates(records, TWO), TWO)).all()


def test_what_a_seed_does_to_all_does_not_cancel_against_those_that_lack_it():
    # five networks that seeds move alike, by +1 and -1; the last one has four seeds, the others two
    values = np.full((5, 4, 1), np.nan)
    values[:, :2, 0] = np.arange(5)[:, None] + np.array([1.0, -1.0])
    same = scatter_of(values, np.full(5, "n"), [False])
    assert same.error == pytest.approx(0, abs=1e-12)
    values[4, 2:, 0] = 4 + np.array([1.0, -1.0])
    more = scatter_of(values, np.full(5, "n"), [False])
    # the variance of a seed is 4/3; a mean of four has a half less of it in common with a mean of two: (1/2 - 1/4) of it
    assert more.error[:4] == pytest.approx(0, abs=1e-12)
    assert more.error[4, 0] == pytest.approx(np.sqrt(4 / 3 / 4))


def test_extra_seeds_of_poor_baselines_put_nobody_off_the_front():
    level = {"a": 0.91, "b": 0.90, "control": 0.92}
    rows = [
        {
            "arm": f"n-{method}",
            "network": "n",
            "method": method,
            "ratio": 0.5,
            "budget": 2,
            "status": "complete",
            "seed": seed,
            "key": f"{method}{seed}",
            "accuracy": mean - (0.2 if seed >= 3 else 0.0),
        }
        for method, mean in level.items()
        for seed in range(3 if method == "b" else 5)  # the two extra seeds have poor baselines
    ]
    table = pd.DataFrame(rows)
    found = candidates(table, {"accuracy": "max"}, seeds=(0, 1, 2)).set_index("method")
    assert found["accuracy"].to_dict() == pytest.approx(level)  # by hand: as without them
    assert found.loc["a", "seeds"] == 5
    own = candidates(table[table["seed"] < 3], {"accuracy": "max"}, seeds=(0, 1, 2)).set_index("method")
    assert found["accuracy"]["b"] == own["accuracy"]["b"]


def test_extra_seeds_make_a_wrong_order_rarer_and_not_more_frequent():
    # a is better than b by .5, and alone has two more seeds; baselines scatter by 1, candidates by .5.
    stream, own = np.random.default_rng(1), np.array([True, True, True, False, False])
    few = bare = adjusted = 0
    for _ in range(4000):
        values = stream.normal(size=5) + 0.5 * stream.normal(size=(4, 5)) + np.array([[0.5], [0.0], [0.0], [0.0]])
        values[1, 3:] = np.nan
        few += values[0, :3].mean() < values[1, :3].mean()
        bare += np.nanmean(values[0]) < np.nanmean(values[1])
        mean = seed_adjusted(values, own)
        adjusted += mean[0] < mean[1]
    assert bare > 1.3 * few  # extra work made it worse
    assert adjusted < few


def test_an_adjusted_mean_is_that_of_the_two_way_layout_with_missing_cells():
    # By hand: candidates 1 and 3 apart by 2 at both own seeds; at the extra seed all that have it are 5 lower.
    values = np.array([[1.0, 2.0, -3.5], [3.0, 4.0, np.nan], [5.0, 6.0, 0.5]])
    own = np.array([True, True, False])
    assert seed_adjusted(values, own) == pytest.approx([1.5, 3.5, 5.5])
    assert seed_adjusted(values[:, :2], own[:2]) == pytest.approx([1.5, 3.5, 5.5])
    alone = np.array([[1.0, 2.0, -3.5], [3.0, 4.0, np.nan]])
    assert seed_adjusted(alone, own) == pytest.approx([1.5, 3.5])  # nobody else has the seed: it says nothing
