"""One network in one picture, for its run in MLflow: reliability, and accuracy by corruption and severity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dashboards.figures.palette import LIGHT
from dashboards.figures.print_style import PAGE, styled
from prune_core.base.files import replacing
from prune_core.evaluation.logits import LogitSet
from prune_core.metrics import CellPredictions, Reliability, cell_accuracy, reliability


@styled
def print_network(logits: LogitSet, temperature: float, bins: int, title: str, path: Path) -> None:
    """Write a PNG of one network.

    Args:
        logits: what it says about the report images.
        temperature: of its scaling; 1 where none was fitted.
        bins: of the reliability diagram.
        title: what it is called; shown as it stands.
        path: the file.
    """
    from matplotlib.figure import Figure

    predictions, cells = logits.predictions(), logits.cell_predictions()
    figure = Figure(figsize=(PAGE if cells is not None else PAGE / 2, 3.4))
    grid = figure.add_gridspec(1, 2 if cells is not None else 1, width_ratios=[1, 1.05] if cells is not None else None)
    axis = figure.add_subplot(grid[0, 0])
    curves = (("as trained", 1.0, LIGHT[0], "o"), ("after temperature scaling", temperature, LIGHT[1], "D"))
    axis.plot([0, 1], [0, 1], color="#808080", linestyle=":", linewidth=1, label="perfect")
    for name, scale, colour, marker in curves:
        _curve(axis, reliability(predictions.scaled(scale), bins=bins), name, colour, marker)
    axis.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.02), ylim=(0, 1.02))
    axis.legend(loc="lower right")
    axis.set_title(f"reliability, {len(logits.labels)} report images, {bins} bins", fontsize=8)
    if cells is not None:
        _cells(figure.add_subplot(grid[0, 1]), cells)
    figure.suptitle(title, fontsize=9)
    figure.subplots_adjust(left=0.08 if cells is not None else 0.15, right=0.985, top=0.83, bottom=0.13, wspace=0.5)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=150, metadata={"Software": None})


def _curve(axis: Any, bins: Reliability, name: str, colour: str, marker: str) -> None:
    """Draw the filled bins; larger marks where there are more images, so that a nearly empty bin does not shout."""
    filled = bins.count > 0
    sizes = 6 + 44 * (bins.count[filled] / bins.count.max()) ** 0.5
    axis.plot(bins.confidence[filled], bins.accuracy[filled], color=colour, linewidth=1.2, label=name)
    axis.scatter(bins.confidence[filled], bins.accuracy[filled], s=sizes, color=colour, marker=marker, zorder=3)


def _cells(axis: Any, cells: CellPredictions) -> None:
    percent = 100 * cell_accuracy(cells)
    axis.imshow(percent, cmap="cividis", vmin=0, vmax=100, aspect="auto")
    axis.set_xticks(range(len(cells.severities)), [str(severity) for severity in cells.severities])
    axis.set_yticks(range(len(cells.corruptions)), [name.replace("_", " ") for name in cells.corruptions])
    axis.set_xlabel("severity")
    axis.grid(visible=False)
    for (row, column), value in _entries(percent):
        ink = "black" if value > 55 else "white"
        axis.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=6, color=ink)
    axis.set_title(f"accuracy in %, {cells.correct.shape[2]} images per cell", fontsize=8)


def _entries(table: Any) -> list[tuple[tuple[int, int], float]]:
    return [((row, column), float(table[row, column])) for row in range(table.shape[0]) for column in range(table.shape[1])]
