"""Figures on paper: the style, the sizes and the files of every PNG and SVG, drawn by matplotlib."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from textwrap import fill
from typing import Any, TypeVar, cast

from dashboards import labels
from prune_core.base.files import replacing

COLUMN, PAGE = 3.25, 6.75
"""Inches: the width of a column and of the text of a two-column paper (IEEE, ACM, ICML and NeurIPS differ by 0.25)."""
_STYLE: Any = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "legend.handletextpad": 0.4,
    "legend.columnspacing": 1.2,
    "legend.fontsize": 7.5,
    "svg.hashsalt": "prunefront",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "savefig.dpi": 300,
    "figure.dpi": 100,
    # Names come from study files: a dollar sign in one is no formula.
    "text.parse_math": False,
    "axes.formatter.use_mathtext": False,
}
F = TypeVar("F", bound=Callable[..., Any])


def styled(function: F) -> F:
    """Draw under our style and no other, whatever the caller's is; a letter that the font lacks is a box, not a warning."""

    @wraps(function)
    def drawn(*arguments: Any, **named: Any) -> Any:
        import logging
        import warnings

        import matplotlib as mpl

        with mpl.rc_context(_STYLE), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
            return function(*arguments, **named)

    return cast(F, drawn)


def panels_of(
    width: float, tall: float, rows: int, columns: int, legend: int = 0, *, shared: bool, title: int = 0
) -> tuple[Any, list[Any]]:
    """Return a figure with rows of panels; fixed places, since matplotlib's own layout costs more than the drawing.

    Args:
        width: inches, `COLUMN` or `PAGE`.
        tall: inches of one panel.
        rows: of panels.
        columns: of panels.
        legend: how many lines of a legend stand below.
        shared: whether panels beside each other share their y axis, so that only the first needs room for its numbers.
        title: how many lines the panels' titles have.
    """
    from matplotlib.figure import Figure

    left, right, head, foot, between = 0.7, 0.12, 0.12 + 0.13 * title, 0.42, 0.14 if shared else 0.5
    down = foot + head
    height = head + rows * tall + (rows - 1) * down + foot + 0.17 * legend
    wide = (width - left - right - between * (columns - 1)) / columns
    figure = Figure(figsize=(width, height))
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    figure.subplots_adjust(
        left=left / width,
        right=1 - right / width,
        top=1 - head / height,
        bottom=(foot + 0.17 * legend) / height,
        wspace=between / wide,
        hspace=down / tall,
    )
    return figure, list(axes)


def legend_below(figure: Any, handles: list[Any], names: list[str], columns: int) -> None:
    """Set a legend below the panels; long names are cut, since a figure has a width."""
    letters = round(62 * figure.get_figwidth() / PAGE / columns * 1.6)
    cut = [name if len(name) <= letters else f"{name[: letters - 1]}…" for name in names]
    figure.legend(handles, cut, loc="lower center", ncol=columns, borderaxespad=0.1)


def lines_of(names: list[str], width: float) -> tuple[int, int]:
    """Return how many columns and lines a legend of these names takes."""
    longest = min(40, max((len(name) for name in names), default=1))
    columns = max(1, min(len(names), int((width - 0.2) / (0.32 + 0.062 * longest))))
    return columns, -(-len(names) // columns)


def note_corruptions(figure: Any, text: str) -> None:
    """Write which corrupted images these are along the right edge of a figure, small."""
    figure.text(0.998, 0.5, text, rotation=90, ha="right", va="center", fontsize=5, color="#555555")


def panel_title(axis: Any, title: str, width: float, count: int) -> None:
    """Set the title of one of so many panels side by side in a figure of a width in inches; two lines at most."""
    letters = max(12, int(16 * (width - 1) / count))
    axis.set_title(fill(title, letters, max_lines=2, placeholder=" …"), fontsize=6.5)


def percent(axis: Any, column: str) -> None:
    """Print an axis of shares in percent."""
    if labels.is_share(column):
        from matplotlib.ticker import FuncFormatter

        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g} %"))


def save(figure: Any, folder: Path, name: str) -> list[Path]:
    """Write PNG and SVG without dates, so that the same records give the same bytes."""
    files = []
    for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
        path = folder / f"{name}.{kind}"
        with replacing(path) as temporary:
            figure.savefig(temporary, format=kind, metadata=metadata)
        files.append(path)
    return files


def file_name(text: str) -> str:
    """Return a name without path tricks: a network's label comes from a study file."""
    plain = "".join(letter if (letter.isascii() and letter.isalnum()) or letter in "-_" else "-" for letter in text)[:60]
    # Two names that differ only in what a file name cannot hold must not share a file.
    return plain if plain == text else f"{plain}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}"
