"""The part of a judgement's table that is about corrupted images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from prune_core.base.benchmark import JPEG
from prune_core.evaluation.logits import LogitSet
from prune_core.evaluation.uncertainty import intervals
from prune_core.metrics import Interval, Quantity, ece, pooled_ece, worst_corruption
from prune_core.metrics.likelihood import image_nll
from prune_core.metrics.predictions import CellPredictions, Predictions
from prune_core.metrics.quantities import quantities_known
from prune_core.metrics.robustness import cell_accuracy
from sweeps.one_network.text import Row, aligned, percent, within

if TYPE_CHECKING:
    from prune_core.evaluation.logits import LogitSet
    from sweeps.one_network.judged import Judgement


_ELSEWHERE = ("corruption_ece", "worst_corruption_accuracy")
"""Stand in lines of their own: by severity beside the clean ECE, and with the name of the corruption."""


def severity_lines(
    judged: Judgement, cells: CellPredictions, scaled: LogitSet, raw: dict[str, Interval], after: dict[str, Interval]
) -> list[str]:
    """Return accuracy, NLL and ECE by severity, the corruptions of each pooled, beside the clean ones; raw and scaled."""
    record, levels = judged.record, cells.severities
    rows: list[Row] = [("by severity", "clean", *map(str, levels), "mean 1-5")]
    rows.append(_across("accuracy (mPC)", [record["accuracy"], *(record[f"mpc_s{s}"] for s in levels), record["mpc"]]))
    rows.append(("  95 %", *(within(raw.get(name)) for name in ("accuracy", *(f"mpc_s{s}" for s in levels), "mpc"))))
    rows.append(_nll("NLL", judged.logits))
    columns = ("ece", *(f"corruption_ece_s{s}" for s in levels), "corruption_ece")
    rows.append(_across("ECE, corruptions pooled", [record[name] for name in columns]))
    rows.append(("  95 %", *(within(raw.get(name)) for name in columns)))
    rows.append(_nll("NLL after temperature", scaled))
    rows.append(_across("ECE after temperature", _pooled_ece(scaled, judged.bins)))
    rows.append(("  95 %", *(within(after.get(name)) for name in columns)))
    for one in quantities_known():
        if one.on == "severity" and one.name in record and one.name not in ("mpc", "corruption_ece"):
            columns = (*(f"{one.name}_s{s}" for s in levels), one.name)
            rows.append((one.title, "", *(_text(one, float(record[name])) for name in columns)))
    return aligned(rows)


def _text(one: Quantity, value: float) -> str:
    if math.isnan(value):
        return "-"
    return percent(value) if one.unit in ("fraction", "ratio") else f"{value:.4f}"


def _nll(title: str, logits: LogitSet) -> Row:
    each = _severity_nll(logits)
    values = [float(image_nll(logits.predictions()).mean()), *each, float(np.mean(each))]
    return (title, *(f"{value:.3f}" for value in values))


def _pooled_ece(logits: LogitSet, bins: int) -> list[float]:
    """Clean, by severity, and the mean over severities."""
    cells = logits.cell_predictions()
    each = [pooled_ece(cells.severity(severity), bins) for severity in cells.severities] if cells is not None else []
    return [ece(logits.predictions(), bins), *each, float(np.mean(each))]


def _across(title: str, values: Sequence[float | int | str]) -> Row:
    return (title, *(percent(float(value)) for value in values))


def _severity_nll(logits: LogitSet) -> list[float]:
    """The mean NLL of each severity over all corruptions."""
    each = [
        [float(image_nll(Predictions(at_severity, logits.cell_labels)).mean()) for at_severity in cell]
        for cell in logits.cells.values()
    ]
    return [float(value) for value in np.mean(each, axis=0)]


def robustness_lines(judged: Judgement, cells: CellPredictions, raw: dict[str, Interval]) -> list[str]:
    """Return mPC and rPC, for JPEG re-encoded images also without that corruption, and the worst corruption."""
    record, logits = judged.record, judged.logits
    rows = [("over all corruptions", "", "95 %")]
    rows += [
        (one.title, _text(one, float(record[one.name])), within(raw.get(one.name), one.unit))
        for one in quantities_known()
        if one.needs_corruptions and one.tracked and one.name in record and one.name not in _ELSEWHERE
    ]
    if judged.dataset.jpeg and JPEG in logits.cells:
        kept = {name: cell for name, cell in logits.cells.items() if name != JPEG}
        without = intervals(LogitSet(logits.labels, logits.clean, kept, logits.cell_index), bins=judged.bins).get("mpc")
        rows.append((f"mPC without {JPEG}", percent(float(cells.without(JPEG).correct.mean())), within(without)))
    name, accuracy = worst_corruption(cells)
    rows.append((f"worst: {name}", percent(accuracy), ""))
    return aligned(rows)


def corruption_lines(cells: CellPredictions) -> list[str]:
    """Return the accuracy of each corruption at each severity."""
    rows: list[Row] = [("accuracy by corruption", *map(str, cells.severities), "mean")]
    for name, each in zip(cells.corruptions, cell_accuracy(cells), strict=True):
        rows.append((name, *(f"{100 * value:.1f} %" for value in each), f"{100 * each.mean():.1f} %"))
    return aligned(rows)
