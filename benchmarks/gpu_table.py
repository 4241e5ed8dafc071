"""The table of `benchmarks.gpu`, and the hours of the study `paper` that follow from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

TRAINING_STEPS = 3 * 160 * 782 + 45 * 40 * 782
"""Of one network of `paper`: 3 baselines of 160 epochs, 45 walks (2 arms of 7 ratios and the control, 3 seeds) of 40; an
epoch is 50,000 images in batches of 64."""
JUDGED_IMAGES = 3 * (750_000 + 20_000) + 42 * (750_000 + 5 * 20_000) + 3 * (750_000 + 4 * 20_000)
"""Of one network: test and training images at each of 5 budgets, those under corruption at the last one. A control at budget
0 is its baseline, which is judged once."""


def hours(training: Sequence[Mapping[str, Any]], evaluation: Iterable[Mapping[str, Any]], precision: str) -> float | None:
    """Return what `paper` takes on one such card, one trial at a time, judged in fp32; None where a row is missing.

    An upper bound as far as the steps go: pruned networks are counted as if they were whole.
    """
    steps = {
        row["network"]: row["rate"]
        for row in training
        if row.get("precision") == precision and isinstance(row.get("rate"), float)
    }
    images = {row["network"]: row["best"] for row in evaluation if isinstance(row.get("best_batch"), int)}
    names = {row["network"] for row in training}
    if len(names) < 6 or not names <= steps.keys() or not names <= images.keys():
        return None
    return sum(TRAINING_STEPS / steps[name] + JUDGED_IMAGES / images[name] for name in names) / 3600


def table(result: Mapping[str, Any]) -> str:
    """Return the result as Markdown."""
    rows = result["rows"]
    lines = [f"# {result['card']}", "", result["about"], ""]
    for part, (title, header, cells) in _SECTIONS.items():
        lines += _section(title, header, [cells(row) for row in rows.get(part, [])])
    if result["hours"]:
        named = ", ".join(f"{precision} {_number(found)} h" for precision, found in result["hours"].items())
        lines += [f"The study `paper` on one such card, one trial at a time: {named}.", ""]
    return "\n".join(lines)


def line(row: Mapping[str, Any]) -> str:
    """Return a row on one line, without its traceback."""
    named = {name: value for name, value in row.items() if not isinstance(value, dict) and name != "traceback"}
    named |= {name: f"{row[name]['median']:.1f}/s" for name in ("eager", "graph") if isinstance(row.get(name), dict)}
    return "  ".join(f"{name}={_number(value)}" for name, value in named.items())


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


def _cells(*names: str) -> Callable[[Mapping[str, Any]], tuple[str, ...]]:
    """Return how a row becomes cells; where it failed, the first one that is missing says why."""

    def cells(row: Mapping[str, Any]) -> tuple[str, ...]:
        missing = next((name for name in names if name not in row), None)
        return tuple(_rate(row.get("error") if name == missing else row.get(name)) for name in names)

    return cells


_SECTIONS: dict[str, tuple[str, tuple[str, ...], Callable[[Mapping[str, Any]], tuple[str, ...]]]] = {
    "training": (
        "Training, steps per second (median; least to most)",
        ("network", "precision", "eager", "graph", "times eager", "peak GiB", "GiB of the process", "equal to the bit"),
        _cells("network", "precision", "eager", "graph", "times_eager", "peak_gib", "used_gib", "equal"),
    ),
    "layout": (
        "Layout, replayed steps per second",
        ("network", "precision", "channels last", "ordinary"),
        _cells("network", "precision", "channels last", "ordinary"),
    ),
    "busy": (
        "What runs on the device during a replayed step",
        ("network", "precision", "busy", "kernels", "their ms", "of a step without profiler"),
        _cells("network", "precision", "busy", "kernels", "kernel_milliseconds", "of_step"),
    ),
    "evaluation": (
        "Evaluation, images per second in fp32",
        ("network", "best batch", "resident", "streamed", "bare loop", "resident to bare"),
        lambda row: (
            row["network"],
            _number(row.get("best_batch", row.get("error"))),
            *_at_best(row),
            _number(row.get("to_bare")),
        ),
    ),
    "sharing": (
        "Several trainings at once, steps per second together",
        ("network", "way", "at once", "steps per second", "times one alone", "each as alone"),
        _cells("network", "way", "at_once", "steps_per_second", "times_one", "equal"),
    ),
    "options": (
        "What might be worth building (1.5 times)",
        ("option", "network", "times", "in turn or plain", "together or fused", "compile seconds", "steps to pay it back"),
        lambda row: (
            row["option"],
            row.get("network", row.get("error", "")),
            _number(row.get("times")),
            _number(row.get("in_turn", row.get("plain"))),
            _number(row.get("together", row.get("fused"))),
            _number(row.get("compile_seconds", "")),
            _number(row.get("paid_back_steps", "")),
        ),
    ),
    "checks": ("Checks", ("check", "outcome"), _cells("check", "outcome")),
}
