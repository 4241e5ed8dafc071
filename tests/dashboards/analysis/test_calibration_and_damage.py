from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

from dashboards.analysis.calibration_and_damage import ACCEPTED_ERROR, depths
from dashboards.analysis.csv_tables import damage_table
from dashboards.analysis.equal_cost import equal_cost
from dashboards.analysis.kept_logits import away_sentence
from dashboards.analysis.points import Points, candidate_points, rows_of
from dashboards.figures.depth import damage_maps, diagrams
from dashboards.figures.heat_map import heat_map_figure
from dashboards.figures.reliability import reliability_figure
from dashboards.reading.study_folder import StudyFolder, read_study_folder
from dashboards.report.parts import selective_rows
from prune_core.evaluation.logits import LogitSet
from sweeps.front.front import candidates
from sweeps.storage.files import copy_away, to_send
from tests.dashboards import synthetic


@pytest.fixture(scope="module")
def found(study_folder):
    study = read_study_folder(study_folder)
    table = candidate_points(study).complete
    chosen = table[(table["network"] == "small_vgg") & (table["method"] == "l1_filter") & (table["budget"] == 2)]
    return study, rows_of(chosen)[:1], depths(study, rows_of(chosen)[:1])


def test_damage_and_classes_are_differences_to_the_control_of_the_same_seed(found, study_folder):
    study, rows, (depth,) = found
    records = study.records.set_index("key")
    cells, classes = [], []
    for key in rows[0].keys.split(";"):
        control = records[
            (records["method"] == "control")
            & (records["seed"] == records.loc[key, "seed"].iloc[0])
            & (records["network"] == "small_vgg")
        ].index[0]
        own, other = (
            LogitSet.load(study_folder / "trials" / name / "budget-0002" / "report.npz") for name in (key, control)
        )
        right = [
            [(one.cells[name].argmax(-1) == one.labels[:20]).mean(axis=1) for name in one.cells] for one in (own, other)
        ]
        cells.append(np.array(right[0]) - np.array(right[1]))
        hits = [one.clean.argmax(-1) == one.labels for one in (own, other)]
        classes.append([hits[0][own.labels == k].mean() - hits[1][own.labels == k].mean() for k in range(10)])
    assert depth.corruptions == ("fog", "snow")
    assert depth.damage == pytest.approx(np.mean(cells, axis=0))
    assert np.array(depth.damage_by_seed) == pytest.approx(np.array(cells))
    assert [one.mean for one in depth.damage_cells] == pytest.approx(np.mean(cells, axis=0).ravel())
    for (_, _, _, _, _, low, high), one in zip(damage_table([depth])[1], depth.damage_cells, strict=False):
        assert (low, high) == (one.low, one.high)
    (drawn,) = heat_map_figure(damage_maps([depth]))["data"]
    one = depth.damage_cells[9]
    words = f"{drawn['z'][1][4]:+.1f} points [{100 * one.low:+.1f}, {100 * one.high:+.1f}]"
    assert drawn["hovertext"][1][4] == words.replace("-", "\u2212")
    assert drawn["text"][1][4] == f"{drawn['z'][1][4]:+.1f}".replace("-", "\u2212")
    assert depth.classes == pytest.approx(np.mean(classes, axis=0))


def test_reliability_pools_the_seeds_and_scaling_moves_confidence_only(found):
    _, _, (depth,) = found
    assert depth.raw.count.sum() == depth.scaled.count.sum() == 3 * 60
    weights = [np.nansum(bins.count * bins.accuracy) for bins in (depth.raw, depth.scaled)]
    assert weights[0] == pytest.approx(weights[1])
    assert np.nansum(depth.scaled.count * depth.scaled.confidence) < np.nansum(depth.raw.count * depth.raw.confidence)
    assert len(reliability_figure(diagrams([depth]))["data"]) == 3
    assert np.array(heat_map_figure(damage_maps([depth]))["data"][0]["z"]).shape == (2, 5)


def test_coverage_and_accepted_error_are_those_of_the_threshold_of_each_seed(found, study_folder):
    study, rows, (depth,) = found
    coverage, errors = [], []
    for key in rows[0].keys.split(";"):
        folder = study_folder / "trials" / key / "budget-0002"
        chosen, judged = (
            LogitSet.load(folder / "selection.npz").predictions(),
            LogitSet.load(folder / "report.npz").predictions(),
        )
        # By hand: the lowest confidence that, as a threshold, lets at most 1 % of the accepted selection images be wrong.
        able = [
            border
            for border in chosen.confidence
            if (~chosen.correct.astype(bool))[chosen.confidence >= border].mean() <= ACCEPTED_ERROR
        ]
        accepted = judged.confidence >= min(able, default=2.0)
        coverage.append(accepted.mean())
        errors.append((~judged.correct.astype(bool))[accepted].mean() if accepted.any() else 0.0)
    assert list(depth.selective) == [0, 1, 2, 3, 4, 5]
    assert depth.selective[0].coverage == pytest.approx(np.mean(coverage))
    assert depth.selective[0].accepted_error == pytest.approx(np.mean(errors))
    assert [name for name, _ in selective_rows([depth])] == [depth.name, "its control"]


def test_without_kept_logits_there_is_no_depth(tmp_path):
    study = read_study_folder(synthetic.write(tmp_path / "s", synthetic.records()))
    assert depths(study, rows_of(candidate_points(study).complete)[:2]) == []


def test_equal_cost_interpolates_each_seed_in_the_logarithm_and_never_beyond(tmp_path):
    rows = [
        {
            "key": f"k{seed}{ratio}",
            "network": "n",
            "method": "m",
            "arm": "n-m",
            "budget": 2,
            "ratio": ratio,
            "seed": seed,
            "status": "complete",
            "compression": compression,
            "accuracy": accuracy + 0.02 * seed,
            "ece": 0.1,
            "mpc": 0.5,
        }
        for ratio, compression, accuracy in ((0.5, 2.0, 0.9), (0.8, 8.0, 0.7))
        for seed in (0, 1)
    ]
    study = StudyFolder(tmp_path, {}, pd.DataFrame(rows))
    points = Points(candidates(study.records, {"accuracy": "max"}, shown=["compression", "ece", "mpc"]), {"accuracy": "max"})
    found = {row.share: row for row in equal_cost(study, points)}
    # 4 lies halfway between 2 and 8 on a log scale; 16 was not reached.
    assert {share: row.measured["accuracy"] for share, row in found.items()} == pytest.approx(
        {0.5: 0.91, 0.25: 0.81, 0.125: 0.71}
    )
    assert found[0.25].deviation["accuracy"] == pytest.approx(0.02 / np.sqrt(2))


def test_logits_on_object_storage_come_back_and_their_absence_is_said(found, study_folder, tmp_path):
    _, rows, before = found
    folder = shutil.copytree(study_folder, tmp_path / "study")
    store, moved = tmp_path / "store", tmp_path / "moved"
    for budget in folder.glob("trials/*/budget-0002"):
        (budget / "record.json").touch()
        for name in to_send(budget):
            copy_away(budget, name, f"file://{store}", "s/1")
            (budget / name).unlink()
    study = read_study_folder(folder)
    store.rename(moved)
    assert depths(study, rows) == []
    assert before[0].name in away_sentence(study, rows) and f"file://{store}" in away_sentence(study, rows)
    moved.rename(store)
    (again,) = depths(study, rows)
    assert again.damage == pytest.approx(before[0].damage) and again.raw.count.tolist() == before[0].raw.count.tolist()
    assert away_sentence(study, rows) == ""
