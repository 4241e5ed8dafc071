"""The report's own tables as CSV, beside the page: numbers unrounded, one value or difference per line."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from dashboards import labels
from dashboards.analysis.answers import Answer
from dashboards.analysis.calibration_and_damage import AFTER_SCALING, AS_TRAINED, Depth
from dashboards.analysis.claims import Paired
from dashboards.analysis.effects import Effect
from dashboards.analysis.equal_cost import EqualCost
from dashboards.analysis.points import Points
from dashboards.analysis.trends import Trend
from prune_core.base.files import replacing
from prune_core.base.plain_text import csv_cell
from sweeps.front.front import CANDIDATE

Table = tuple[Sequence[str], Iterable[Sequence[object]]]
_DIFFERENCE = ("metric", "difference", "low", "high", "seeds")
_PLACE = ("complete", "seeds", "front", "front_mixed", "frequency", "within", "runs")


def write_tables(folder: Path, tables: Mapping[str, Table]) -> None:
    """Write each table as ``NAME.csv``; one without rows is not written, and an older one of that name is removed."""
    for name, (head, rows) in tables.items():
        path, lines = folder / f"{name}.csv", list(rows)
        if lines:
            write_table(path, (head, lines))
        else:
            path.unlink(missing_ok=True)


def write_table(path: Path, table: Table) -> None:
    """Write one table as CSV."""
    head, rows = table
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([_plain(name) for name in head])
        writer.writerows([_plain(value) for value in row] for row in rows)


def candidate_table(points: Points) -> Table:
    """Return every candidate: mean and sample standard deviation of each metric, and its place on the front."""
    first = [*CANDIDATE, *_PLACE]
    left_out = {*first, "keys", "place"}
    table = points.table[[*first, *(name for name in points.table if name not in left_out)]].dropna(axis=1, how="all")
    return list(table.columns), table.itertuples(index=False)


def answer_table(answers: Sequence[Answer]) -> Table:
    """Return the chosen candidates against control and dense ladder, with 95 % intervals over seeds and base images."""
    return ("question", "candidate", "against", *_DIFFERENCE), (
        (answer.question, labels.candidate(answer.row), against, *line)
        for answer in answers
        for against, found in (("control", answer.differences), ("dense ladder", answer.ladder or {}))
        for line in _lines(found)
    )


def effect_table(effects: Sequence[Effect]) -> Table:
    """Return what drives what, with 95 % intervals over seeds and base images."""
    return ("factor", "contrast", "pairs_per_seed", *_DIFFERENCE), (
        (effect.factor, effect.contrast, effect.blocks, *line) for effect in effects for line in _lines(effect.measured)
    )


def trend_table(trends: Sequence[Trend]) -> Table:
    """Return the change per tenth of pruning ratio, with 95 % intervals over seeds and base images."""
    return ("network", "arm", "metric", "change_per_tenth", "low", "high", "seeds"), (
        (one.network, one.arm, one.metric, one.change.mean, one.change.low, one.change.high, one.change.seeds)
        for one in trends
    )


def equal_cost_table(found: Sequence[EqualCost]) -> Table:
    """Return the methods at equal shares of the unpruned network's parameters."""
    return ("network", "method", "share", "metric", "value", "deviation"), (
        (one.network, one.method, one.share, name, value, one.deviation[name])
        for one in found
        for name, value in one.measured.items()
    )


def reliability_table(depths: Sequence[Depth]) -> Table:
    """Return the bins of the reliability diagrams: pooled as drawn, and of each seed, whose ECE they are."""
    return ("candidate", "state", "seed", "bin", "count", "confidence", "accuracy"), (
        (depth.name, state, seed, place, int(bins.count[place]), bins.confidence[place], bins.accuracy[place])
        for depth in depths
        for seed, raw, scaled in (
            ("pooled", depth.raw, depth.scaled),
            *((one.seed, one.raw, one.scaled) for one in depth.seeds),
        )
        for state, bins in ((AS_TRAINED, raw), (AFTER_SCALING, scaled))
        if bins is not None
        for place in range(len(bins.count))
    )


def damage_table(depths: Sequence[Depth]) -> Table:
    """Return accuracy minus the control's (a fraction), by corruption and severity and by class.

    ``low`` and ``high`` are the ends of the 95 % interval over the seeds; of cells only.
    """
    return ("candidate", "by", "name", "severity", "difference", "low", "high"), [
        *(
            (depth.name, "corruption", depth.corruptions[row], column + 1, value, *_ends(one))
            for depth in depths
            for ((row, column), value), one in zip(np.ndenumerate(depth.damage), depth.damage_cells, strict=True)
        ),
        *((depth.name, "class", place, "", value, "", "") for depth in depths for place, value in enumerate(depth.classes)),
    ]


def _ends(one: Paired | None) -> tuple[object, object]:
    return ("", "") if one is None or np.isnan(one.low) else (one.low, one.high)


def coverage_table(depths: Sequence[Depth]) -> Table:
    """Return coverage and accepted error by severity (0 is clean), each candidate's and its control's."""
    return ("candidate", "network", "severity", "coverage", "accepted_error"), (
        (depth.name, which, severity, one.coverage, one.accepted_error)
        for depth in depths
        for which, found in (("candidate", depth.selective), ("control", depth.control_selective))
        for severity, one in found.items()
    )


def _lines(found: Mapping[str, Paired]) -> Iterable[tuple[object, ...]]:
    for name, one in found.items():
        yield name, one.mean, one.low, one.high, one.seeds


def _plain(value: object) -> object:
    """Return a value as CSV holds it: ten digits, nothing for NaN, and no text that a spreadsheet takes for a formula."""
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{value:.10g}"
    return csv_cell(value)
