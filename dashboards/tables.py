"""The report's own tables as CSV, beside the page: numbers unrounded, one difference per line."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from dashboards import labels
from dashboards.answers import Answer
from dashboards.claims import Paired
from dashboards.effects import Effect
from prune_core.files import replacing

_DIFFERENCE = ("metric", "difference", "low", "high", "seeds")


def write_tables(folder: Path, answers: Sequence[Answer], effects: Sequence[Effect]) -> None:
    """Write ``answers.csv`` and ``effects.csv`` into a folder; intervals are 95 % t intervals over seeds."""
    _write(
        folder / "answers.csv",
        ("question", "candidate", "against", *_DIFFERENCE),
        (
            (answer.question, labels.candidate(answer.row), against, *line)
            for answer in answers
            for against, found in (("control", answer.differences), ("dense ladder", answer.ladder or {}))
            for line in _lines(found)
        ),
    )
    _write(
        folder / "effects.csv",
        ("factor", "contrast", "pairs_per_seed", *_DIFFERENCE),
        ((effect.factor, effect.contrast, effect.blocks, *line) for effect in effects for line in _lines(effect.measured)),
    )


def _lines(found: Mapping[str, Paired]) -> Iterable[tuple[object, ...]]:
    for name, one in found.items():
        yield name, f"{one.mean:.10g}", f"{one.low:.10g}", f"{one.high:.10g}", one.seeds


def _write(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows([_plain(value) for value in row] for row in rows)


def _plain(value: object) -> object:
    """Return a value that no spreadsheet takes for a formula: names come from study files."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+@\t\r" and value[:1] else value
