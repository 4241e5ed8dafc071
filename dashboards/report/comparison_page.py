"""The comparison of two studies as a page: what changed, a picture of who moved, and every candidate in a table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboards import labels
from dashboards.analysis.comparison_text import changes, study_names
from dashboards.analysis.points import rows_of
from dashboards.analysis.study_comparison import Comparison, all_columns, compared
from dashboards.reading.study_folder import read_study_folder
from dashboards.report.environment import environment_of
from prune_core.base.files import write_atomically
from prune_core.metrics.quantities import known_here

_WIDE, _HIGH, _LEFT, _BELOW = 880.0, 380.0, 64.0, 44.0
_TICKS = 5
_X, _Y = "nonzero_parameters", "accuracy"


@dataclass(frozen=True)
class Moved:
    """A candidate in the picture, from the first study to the second, in its units.

    Attributes:
        name: what it is called.
        words: its numbers.
        start: (x, y) in the first.
        end: (x, y) in the second.
        changed: whether the accuracy differs by more than chance.
    """

    name: str
    words: str
    start: tuple[float, float]
    end: tuple[float, float]
    changed: bool


def write_comparison(first: Path, second: Path, page: Path) -> Path:
    """Write the page of two output folders; it opens from disk, and asks nobody for anything.

    Args:
        first: an output folder.
        second: another.
        page: the file.

    Raises:
        BadInput: a folder is no study's.
        OSError: the file cannot be written.
    """
    studies = read_study_folder(first), read_study_folder(second)
    with known_here([one for study in studies for one in study.quantities]):
        text = comparison_html(compared(*studies))
    write_atomically(page, lambda temporary: temporary.write_text(text, encoding="utf-8"))
    return page


def comparison_html(found: Comparison) -> str:
    """Return the page of a comparison."""
    names = found.measured(all_columns())
    environment = environment_of("dashboards.report")
    script = environment.get_template("comparison.js").render()
    picture = _picture(found)
    return environment.get_template("comparison.html").render(
        studies=study_names(found),
        changes=changes(found),
        heads=[labels.heading(name) for name in names],
        rows=[(labels.candidate(row), [_cell(row, name) for name in names]) for row in rows_of(found.both)],
        script=script,
        moved=picture[0],
        ticks=picture[1],
        size=(_WIDE, _HIGH, _LEFT, _BELOW),
    )


def _cell(row: Any, name: str) -> tuple[str, str, bool]:
    """Return the number in the second study, where it comes from, and whether that is beyond chance."""
    left, right = (labels.number(getattr(row, f"{name}_{side}"), name) for side in (1, 2))
    return right, "" if left == right else f"was {left}", bool(getattr(row, f"{name}_changed"))


def _picture(found: Comparison) -> tuple[list[Moved], tuple[list[tuple[float, str]], list[tuple[float, str]]]]:
    """Return who moved from where to where, and the ticks of both axes: accuracy against the size, logarithmic."""
    values = [
        (row, [float(getattr(row, f"{name}_{side}")) for side in (1, 2) for name in (_X, _Y)]) for row in rows_of(found.both)
    ]
    known = [(row, four) for row, four in values if all(map(math.isfinite, four)) and min(four[0], four[2]) > 0]
    if not known:
        return [], ([], [])
    xs, ys = ([each for _, four in known for each in four[at::2]] for at in (0, 1))
    across, down = (math.log(min(xs)), math.log(max(xs))), (min(ys), max(ys))

    def place(x: float, y: float) -> tuple[float, float]:
        wide, high = across[1] - across[0] or 1.0, down[1] - down[0] or 1.0
        return (
            round(_LEFT + 14 + (math.log(x) - across[0]) / wide * (_WIDE - _LEFT - 34), 1),
            round(14 + (down[1] - y) / high * (_HIGH - _BELOW - 28), 1),
        )

    moved = [
        Moved(
            labels.candidate(row),
            "; ".join(f"{labels.title(name)} {_said(row, name)}" for name in (_Y, _X)),
            place(one, two),
            place(three, four),
            bool(getattr(row, f"{_Y}_changed")),
        )
        for row, (one, two, three, four) in known
    ]
    shares = [at / (_TICKS - 1) for at in range(_TICKS)]
    sizes = [math.exp(across[0] + share * (across[1] - across[0])) for share in shares]
    heights = [down[0] + share * (down[1] - down[0]) for share in shares]
    return moved, (
        [(place(each, down[0])[0], labels.number(each, _X)) for each in sizes],
        [(place(sizes[0], each)[1], labels.number(each, _Y)) for each in heights],
    )


def _said(row: Any, name: str) -> str:
    left, right = (labels.number(getattr(row, f"{name}_{side}"), name) for side in (1, 2))
    return right if left == right else f"{left} to {right}"
