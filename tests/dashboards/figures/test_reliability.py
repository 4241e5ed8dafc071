"""A reliability diagram shows what the columns ``ece`` and ``ece_t`` measure: computed here from the points drawn."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from dashboards.analysis.calibration_and_damage import Depth, depths, ece_sentences
from dashboards.analysis.points import candidate_points, rows_of
from dashboards.figures.depth import damage_maps, diagrams, scaling_words
from dashboards.figures.network import reliability_diagram
from dashboards.figures.reliability import PERFECT, draw_reliability, reliability_figure
from dashboards.reading.study_folder import read_study_folder
from dashboards.report.report import build_report
from prune_core.base.errors import BadInput
from prune_core.evaluation.logits import LogitSet
from prune_core.evaluation.scoring import record_columns
from sweeps.folder.pages import JudgedNetwork
from tests.dashboards import synthetic
from tests.matching import find
from tests.sweeps.judging import judgement

STATES = {"ece": "as trained", "ece_t": "after temperature scaling"}


def judged_study(out: Path, *, validation: bool, seeds: tuple[int, ...], bins: int = 15) -> tuple[Path, pd.DataFrame]:
    """A study whose records of one network at budget 2 were computed from its logits, with or without validation images."""
    table = synthetic.records(seeds=seeds, networks=("small_vgg",))
    changes: dict[str, Any] = (
        {} if validation else {"select_on": "report", "data": {"name": "mnist5k", "validation": 0, "test": 1000}}
    )
    evaluation = {"corruptions": "generated", "images_per_cell": 100, "ece_bins": bins}
    synthetic.write(out, seeds=list(seeds), evaluation=evaluation, **changes)
    synthetic.write_logits(out, table)
    if not validation:
        table = table[[name for name in table.columns if not name.startswith("val_")]].copy()
    for place, row in table[(table["budget"] == 2)].iterrows():
        folder = out / "trials" / row["key"] / "budget-0002"
        if not validation:
            (folder / "selection.npz").unlink()
        selection = LogitSet.load(folder / "selection.npz") if validation else None
        report = LogitSet.load(folder / "report.npz")
        for name, value in record_columns(selection=selection, report=report, train=None, bins=bins).items():
            table.loc[place, name] = value
    control = table[table["method"] == "control"].set_index(["seed", "budget"])
    for name in ("accuracy", "ece", "nll", "mpc"):
        own = pd.MultiIndex.from_frame(table[["seed", "budget"]])
        table[f"delta_{name}"] = table[name].to_numpy() - control[name].reindex(own).to_numpy()
    table.to_parquet(out / "records.parquet", index=False)
    return out, table


def chosen(out: Path) -> tuple[Any, Depth]:
    study = read_study_folder(out)
    table = candidate_points(study).complete
    rows = rows_of(table[(table["method"] == "l1_filter") & (table["ratio"] == 0.5) & (table["budget"] == 2)])
    (depth,) = depths(study, rows)
    return rows[0], depth


def by_hand(points: list[tuple[int, float, float]]) -> float:
    """The ECE of (predictions, confidence, accuracy), a bin each."""
    return sum(n * abs(confidence - accuracy) for n, confidence, accuracy in points) / sum(n for n, _, _ in points)


@pytest.mark.parametrize("bins", [15, 4])
@pytest.mark.parametrize("validation", [True, False])
def test_the_reports_diagram_has_the_ece_of_the_columns(tmp_path: Path, validation: bool, bins: int) -> None:
    out, table = judged_study(tmp_path / "s", validation=validation, seeds=(0,), bins=bins)
    row, depth = chosen(out)
    record = table[(table["key"] == row.keys) & (table["budget"] == 2)].iloc[0]
    figure, axis = reliability_figure(diagrams([depth])), Figure().subplots()
    printed = draw_reliability(axis, diagrams([depth])[0])
    traces = {trace["name"]: trace for trace in figure["data"]}
    for column, state in STATES.items():
        trace = traces[state]
        counts = [int(find(r"^(\d+) predictions", text)[1]) for text in trace["hovertext"]]
        assert by_hand(list(zip(counts, trace["x"], trace["y"], strict=True))) == pytest.approx(record[column], abs=1e-9)
        np.testing.assert_array_equal(printed[state].get_xdata(), trace["x"])
        np.testing.assert_array_equal(printed[state].get_ydata(), trace["y"])
    assert ("cross-fit on the report images" in scaling_words([depth])) is not validation
    # What went wrong once: one temperature for all images is another curve where there is no validation set.
    one = LogitSet.load(out / "trials" / row.keys / "budget-0002" / "report.npz").predictions().scaled(record["temperature"])
    sums = np.array(traces["after temperature scaling"]["x"]) @ counts
    assert math.isclose(sums, one.confidence.sum(), abs_tol=1e-9) is validation


@pytest.mark.parametrize("validation", [True, False])
def test_every_seed_has_its_own_ece_and_the_report_says_their_mean(tmp_path: Path, validation: bool) -> None:
    out, table = judged_study(tmp_path / "s", validation=validation, seeds=(0, 1, 2))
    row, depth = chosen(out)
    records = table[table["key"].isin(row.keys.split(";")) & (table["budget"] == 2)].set_index("seed")
    page = build_report(out, print_figures=False)
    fitted = "fitted on one half of the selection images" if validation else "fitted on the report images, each half for the"
    assert fitted in page.read_text(encoding="utf-8")
    lines = pd.read_csv(page.parent / "tables" / "reliability.csv")
    mine = lines[(lines["candidate"] == lines["candidate"].iloc[0]) & (lines["count"] > 0)]
    name = mine["candidate"].iloc[0]
    assert set(mine["seed"]) == {"pooled", "0", "1", "2"}
    for seed in depth.seeds:
        for column, bins in (("ece", seed.raw), ("ece_t", seed.scaled)):
            assert bins is not None
            filled = bins.count > 0
            points = zip(bins.count[filled], bins.confidence[filled], bins.accuracy[filled], strict=True)
            assert by_hand(list(points)) == pytest.approx(records.loc[seed.seed, column], abs=1e-9)
    (sentence,) = ece_sentences([depth])
    assert f"ECE {100 * records['ece'].mean():.2f} % as trained, {100 * records['ece_t'].mean():.2f} % after" in sentence
    assert f"(debiased {100 * records['ece_debiased'].mean():.2f} % and " in sentence  # the column of the same images
    # The table beside the page, of whichever candidate comes first: the columns of its records, seed by seed.
    known = {f"{value:.8f}" for value in table["ece_t"]}
    for number in "012":
        part = mine[(mine["seed"] == number) & (mine["state"] == STATES["ece_t"])]
        ece = by_hand(list(zip(part["count"], part["confidence"], part["accuracy"], strict=True)))
        assert f"{ece:.8f}" in known, name


def test_a_record_without_a_temperature_has_no_scaled_curve(tmp_path: Path) -> None:
    out, table = judged_study(tmp_path / "s", validation=True, seeds=(0,))
    table.drop(columns=[name for name in table.columns if "temperature" in name or name.endswith("_t")]).to_parquet(
        out / "records.parquet", index=False
    )
    _, depth = chosen(out)
    assert depth.scaled is None
    assert [trace["name"] for trace in reliability_figure(diagrams([depth]))["data"]] == ["perfect", "as trained"]
    assert list(draw_reliability(Figure().subplots(), diagrams([depth])[0])) == [PERFECT, "as trained"]


def test_bins_that_the_study_cannot_have_had_are_refused_not_replaced(tmp_path: Path) -> None:
    for wrong in (0, 1001, True, "many"):
        out = synthetic.write(tmp_path / "s", evaluation={"ece_bins": wrong})
        with pytest.raises(BadInput, match=r"evaluation\.ece_bins: .*allowed: whole numbers from 1 to 1,000"):
            build_report(out)


def test_one_judged_networks_diagram_has_the_ece_of_its_record(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 16, 16, 1), dtype=np.uint8)
    np.savez(tmp_path / "few.npz", images=images, labels=np.repeat(np.arange(3), 20))
    judged = judgement(f"arrays:{tmp_path / 'few.npz'}")
    selection = LogitSet(judged.logits.labels[::2], 2 * judged.logits.clean[::2])
    validated = record_columns(selection=selection, report=judged.logits, train=None, bins=10)
    assert abs(float(validated["ece_t"]) - float(judged.record["ece_t"])) > 1e-3
    for record in (judged.record, validated):
        network = JudgedNetwork("a network", "images", judged.logits, record, 10, None)
        diagram, _ = reliability_diagram(network)
        drawn = draw_reliability(Figure().subplots(), diagram)
        for column, state, bins in (("ece", "as trained", diagram.raw), ("ece_t", STATES["ece_t"], diagram.scaled)):
            assert bins is not None
            line = drawn[state]
            points = zip(bins.count[bins.count > 0], line.get_xdata(), line.get_ydata(), strict=True)
            assert by_hand(list(points)) == pytest.approx(record[column], abs=1e-9)
        assert f"ECE {100 * record['ece']:.2f} %, after temperature scaling {100 * record['ece_t']:.2f} %" in diagram.title


def test_damage_is_the_difference_of_the_column_or_not_shown(tmp_path: Path) -> None:
    out, table = judged_study(tmp_path / "s", validation=True, seeds=(0, 1))
    row, depth = chosen(out)
    table = table[table["budget"] == 2].set_index(["method", "seed"])
    mine: Any = table.loc[table["key"].isin(row.keys.split(";")), "mpc"]
    control: Any = table["mpc"]
    differences = [mine["l1_filter", seed] - control["control", seed] for seed in (0, 1)]
    assert depth.damage.mean() == pytest.approx(np.mean(differences), abs=1e-9)
    # One seed judged under other corruptions: a mean over the other one alone is not what the column says.
    path = out / "trials" / row.keys.split(";")[1] / "budget-0002" / "report.npz"
    logits = LogitSet.load(path)
    LogitSet(logits.labels, logits.clean, {"fog": logits.cells["fog"]}, logits.cell_index).save(path)
    _, other = chosen(out)
    assert other.corruptions == () and other.damage.size == 0
    assert damage_maps([other]) == []
