"""The table of `benchmarks.gpu`, and the hours of the study `paper` that follow from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

TRAINING_STEPS = 3 * 160 * 782 + 45 * 40 * 782
"""Of one network of `paper`: 3 baselines of 160 epochs, 45 walks (2 arms of 7 ratios and the control, 3 seeds) of 40; an
epoch is 50,000 images in batches of 64."""
JUDGED_IMAGES = 3 * (750_000 + 20_000) + 42 * (750_000 + 5 * 20_000) + 3 * (750_000 + 4 * 20_000)
"""Of one network: test and training images at each of 5 budgets, those under corruption at the last one. A control at budget
0 is its baseline, which is judged once."""


def hours(training: Iterable[Mapping[str, Any]], evaluation: Iterable[Mapping[str, Any]], precision: str) -> float | None:
    """Return what `paper` takes on one such card, one trial at a time, judged in fp32; None where a row is missing.

    An upper bound as far as the steps go: pruned networks are counted as if they were whole.
    """
    steps = {row["network"]: row["graph"]["median"] for row in training if _done(row, precision)}
    images = {row["network"]: row["best"] for row in evaluation if isinstance(row.get("best_batch"), int)}
    names = {row["network"] for row in training}
    if len(names) < 6 or not names <= steps.keys() or not names <= images.keys():
        return None
    return sum(TRAINING_STEPS / steps[name] + JUDGED_IMAGES / images[name] for name in names) / 3600


def _done(row: Mapping[str, Any], precision: str) -> bool:
    return row.get("precision") == precision and isinstance(row.get("graph"), dict) and row.get("equal") is True


def table(result: Mapping[str, Any]) -> str:
    """Return the result as Markdown."""
    lines = [f"# {result['card']}", "", result["about"], ""]
    rows = result["rows"]
    lines += _section(
        "Training, steps per second (median; least to most)",
        ("network", "precision", "eager", "graph", "times eager", "busy", "peak GiB", "equal to the bit"),
        [
            (
                row["network"],
                row["precision"],
                _rate(row.get("eager", row.get("error"))),
                _rate(row.get("graph")),
                _number(row.get("times_eager")),
                _number(row.get("busy")),
                _number(row.get("peak_gib")),
                _number(row.get("equal")),
            )
            for row in rows["training"]
        ],
    )
    lines += _section(
        "Evaluation, images per second in fp32",
        ("network", "best batch", "resident", "streamed", "bare loop", "resident to bare"),
        [
            (row["network"], _number(row.get("best_batch", row.get("error"))), *_at_best(row), _number(row.get("to_bare")))
            for row in rows["evaluation"]
        ],
    )
    lines += _section(
        "Several trainings at once, steps per second together",
        ("network", "way", "at once", "steps per second", "each as alone"),
        [
            (
                row["network"],
                row["way"],
                str(row["at_once"]),
                _number(row.get("steps_per_second", row.get("error"))),
                _number(row.get("equal", "")),
            )
            for row in rows["sharing"]
        ],
    )
    lines += _section("Checks", ("check", "outcome"), [(row["check"], row["outcome"]) for row in rows["checks"]])
    if result["hours"]:
        named = ", ".join(f"{precision} {_number(found)} h" for precision, found in result["hours"].items())
        lines += [f"The study `paper` on one such card, one trial at a time: {named}.", ""]
    return "\n".join(lines)


def slug(card: str) -> str:
    """Return a card's name as part of a file's."""
    return re.sub(r"[^a-z0-9]+", "-", card.lower()).strip("-")


def _section(title: str, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    if not rows:
        return []
    ruled = [f"| {' | '.join(row)} |" for row in (header, ("---",) * len(header), *rows)]
    return [f"## {title}", "", *ruled, ""]


def _rate(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{value['median']:.1f} ({value['least']:.1f} to {value['most']:.1f})"
    return _number(value)


def _number(value: Any) -> str:
    if value is None:
        return "not measured"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _at_best(row: Mapping[str, Any]) -> tuple[str, ...]:
    ways = ("resident", "streamed", "bare")
    found = (row.get(way) for way in ways)
    return tuple(_number(rates[str(row["best_batch"])] if isinstance(rates, dict) else rates) for rates in found)
