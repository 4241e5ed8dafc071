"""What was found about one network, as a table for people: every number with its interval, ECE never alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from prune_core.base.trial_folder import NORMALISATION
from prune_core.evaluation.logits import LogitSet
from prune_core.evaluation.scoring import Scaling, metric_value, scale, selective_by_severity
from prune_core.evaluation.uncertainty import intervals
from prune_core.metrics import METRICS, Interval, Metric, Predictions, class_accuracy, confidence_gap, first_half
from prune_core.metrics.numbers import cost_text
from prune_core.metrics.quantities import costs_known, quantities_known
from prune_core.metrics.temperature import HIGHEST, LOWEST
from sweeps.one_network.images import images_title
from sweeps.one_network.table_corrupted import corruption_lines, robustness_lines, severity_lines
from sweeps.one_network.text import Row, aligned, percent, within

if TYPE_CHECKING:
    from sweeps.one_network.judged import Judgement

SHOWN_CLASSES = 20


def judgement_lines(judged: Judgement, *, accepted_error: float) -> list[str]:
    """Return a judgement as lines of text.

    Args:
        judged: what was found.
        accepted_error: the rate of errors among accepted answers that the threshold of selective prediction is set for.

    Raises:
        BadInput: the rate lies outside [0, 1).
    """
    scaling = scale(selection=None, report=judged.logits)
    raw, scaled = _intervals(judged.logits, judged.bins), _scaled_set(judged.logits, scaling)
    after = _intervals(scaled, judged.bins)
    blocks = [_head(judged), _clean(judged, scaling, scaled, raw, after)]
    cells = judged.logits.cell_predictions()
    if cells is not None:
        lines = severity_lines(judged, cells, scaled, raw, after)
        blocks += [lines, robustness_lines(judged, cells, raw), corruption_lines(cells)]
    blocks += [_selective(judged.logits, accepted_error), _costs(judged)]
    return "\n\n".join("\n".join(block) for block in blocks if block).split("\n")


def recorded_on(*kinds: str) -> list[str]:
    """Return the metrics whose columns are numbers, on ``images``, ``severity`` or ``cells``, in the order of tables."""
    return [one.name for one in quantities_known() if one.on in kinds and one.recorded and not one.is_text]


def shown_value(metric: Metric, predictions: Predictions, bins: int) -> float:
    """Return a metric of clean images; NaN where it is not defined there."""
    value = metric_value(metric, predictions, bins)
    return math.nan if value is None else float(value)


def value_text(name: str, value: float) -> str:
    """Return a metric's value as people read it; "-" where it is not defined."""
    if math.isnan(value):
        return "-"
    return percent(value) if METRICS.get(name).unit in ("fraction", "ratio") else f"{value:.4f}"


def _intervals(logits: LogitSet, bins: int) -> dict[str, Interval]:
    """One image alone has no interval."""
    return intervals(logits, bins=bins) if len(logits.labels) > 1 else {}


def _scaled_set(logits: LogitSet, scaling: Scaling) -> LogitSet:
    """Return all logits after temperature: each image, and what was made of it, by the temperature of its half."""
    if scaling.report is None:
        raise ValueError("the report images were not scaled")
    raw, divided = np.abs(logits.clean.astype(np.float64)).sum(axis=1), np.abs(scaling.report.logits).sum(axis=1)
    by = np.where(divided > 0, raw / np.where(divided > 0, divided, 1.0), scaling.temperature)
    cells = {name: cell.astype(np.float32) / by[logits.cell_index][:, None] for name, cell in logits.cells.items()}
    return LogitSet(logits.labels, scaling.report.logits, cells, logits.cell_index)


def _head(judged: Judgement) -> list[str]:
    shown, dataset = judged.shown, judged.dataset
    kind = "test images" if shown.test else "images"
    few = f"{len(shown.labels):,} of {shown.total:,} {kind}, a seeded choice balanced over classes"
    lines = [
        judged.network,
        f"on {images_title(dataset)}: {few if len(shown.labels) < shown.total else f'all {shown.total:,} {kind}'}",
    ]
    if not shown.test:
        lines.append("  this dataset has no test images of its own: those the network was trained on may be among these")
    lines.insert(2, f"  read: {dataset.contents}")
    if dataset.jpeg:
        lines.append("  numbers of JPEG re-encoded images differ from those of the original ones")
    if judged.corruptions is not None:
        count, each = len(judged.logits.cells), len(judged.logits.cell_index)
        lines.append(f"corrupted: {judged.corruptions}, {count} corruptions x 5 severities x {each:,} images")
    if NORMALISATION in judged.record:
        lines.append(f"normalised: {judged.record[NORMALISATION]}")
    lines.append(
        f"ECE: {judged.bins} bins; intervals: 95 %, bootstrap over the images (this network on more such images; another "
        "training seed is not in them)"
    )
    return lines


def _clean(
    judged: Judgement, scaling: Scaling, scaled: LogitSet, found: dict[str, Interval], after: dict[str, Interval]
) -> list[str]:
    """Every number of the clean images, raw and after temperature scaling."""
    predictions, divided = judged.logits.predictions(), scaled.predictions()
    rows: list[Row] = [("clean images", "", "95 %", "after temperature", "95 %")]
    for name in recorded_on("images"):
        metric = METRICS.get(name)
        rows.append(
            (
                metric.title,
                value_text(name, float(judged.record[name])),
                within(found.get(name), metric.unit),
                value_text(name, shown_value(metric, divided, judged.bins)),
                within(after.get(name), metric.unit),
            )
        )
    gaps = [confidence_gap(each) for each in (predictions, divided)]
    signs = ["overconfident" if gap > 0 else "underconfident" for gap in gaps]
    rows.append((METRICS.get("confidence_gap").title, percent(gaps[0]), signs[0], percent(gaps[1]), signs[1]))
    lines = [*aligned(rows), f"temperature: {scaling.temperature:.3f}, {scaling.source}"]
    if scaling.temperature in (LOWEST, HIGHEST):
        lines[-1] += "; at its bound: no temperature makes these outputs probabilities"
    if len(judged.dataset.classes) <= SHOWN_CLASSES:
        each = zip(judged.dataset.classes, class_accuracy(predictions), strict=False)
        known = [f"{name} {100 * value:.0f} %" for name, value in each if not np.isnan(value)]
        lines.append(f"accuracy by class: {', '.join(known)}")
    lines.append(
        f"The interval of the ECE is that of the true one: the ECE of {len(predictions.labels):,} images lies above it on "
        "average, the more so the fewer images."
    )
    return lines


def _selective(logits: LogitSet, accepted_error: float) -> list[str]:
    """Answering only where confident enough; threshold and judgement on different images."""
    half = first_half(logits.labels)
    if half.all():
        return []
    found = selective_by_severity(selection=_part(logits, half), report=_part(logits, ~half), accepted_error=accepted_error)
    threshold = found[0].threshold
    rows: list[Row] = [("selective prediction", "clean", *(str(s) for s in found if s))]
    for name in ("coverage", "accepted_error", "undetected_error"):
        rows.append((name.replace("_", " "), *(percent(getattr(each, name)) for each in found.values())))
    said = f"at confidence {threshold:.4f} or more" if threshold <= 1 else "never: no confidence is high enough"
    whole = logits.predictions()
    areas = ", ".join(f"{METRICS.get(name).title} {METRICS.get(name).function(whole, 0):.4f}" for name in ("aurc", "augrc"))
    return [
        *aligned(rows),
        f"over all thresholds, clean: {areas} (smaller is better)",
        f"answers are accepted {said}: set for at most {percent(accepted_error)} errors among those accepted, on one half "
        f"of the clean images; judged on the other ({int((~half).sum()):,} images, by severity)",
    ]


def _part(logits: LogitSet, keep: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> LogitSet:
    """Return the logits of some images and of what was made of them."""
    number = np.cumsum(keep) - 1
    here = keep[logits.cell_index]
    cells = {name: cell[:, here] for name, cell in logits.cells.items()}
    return LogitSet(logits.labels[keep], logits.clean[keep], cells, number[logits.cell_index[here]])


def _costs(judged: Judgement) -> list[str]:
    """Every cost; what counts nonzero weights alone stands beside what counts all."""
    record = judged.record
    known = {one.name: cost_text(one, float(record[one.name])) for one in costs_known() if one.name in record}
    titles = {one.name: one.title for one in costs_known()}
    beside = {f"nonzero_{name}" for name in known} & set(known)
    rows: list[Row] = [("cost of one image", "", "nonzero")]
    rows += [(titles[name], text, known.get(f"nonzero_{name}", "")) for name, text in known.items() if name not in beside]
    pictures = len(judged.logits.labels) + 5 * len(judged.logits.cells) * len(judged.logits.cell_index)
    rows.append(("forward passes", f"{pictures:,}", f"{pictures / max(judged.seconds, 1e-9):,.0f} per second"))
    return aligned(rows)
