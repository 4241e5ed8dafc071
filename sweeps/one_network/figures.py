"""Pictures of one network: reliability diagram and corruption heat map, as PNG by matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prune_core.base.errors import BadInput
from prune_core.base.files import replacing
from prune_core.metrics import cell_accuracy, cell_ece, reliability
from prune_core.metrics.predictions import CellPredictions
from sweeps.one_network.images import called

if TYPE_CHECKING:
    from sweeps.one_network.judged import Judgement

CELL_IMAGES = 1000
"""Below so many images a cell has no ECE worth drawing."""
_BLUE, _RED, _GREY = "#2c6fa6", "#c8553d", "#8a8a8a"
_STYLE: Any = {"font.size": 8, "font.family": "DejaVu Sans", "savefig.dpi": 150, "axes.titlesize": 8, "axes.axisbelow": True}


def write_figures(judged: Judgement, folder: Path) -> list[Path]:
    """Write ``reliability.png``, and where there are corruptions ``corruptions.png``; return the files.

    Raises:
        BadInput: the folder cannot be written.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure  # without pyplot: no windows, no state

    drawn = {"reliability.png": _reliability}
    if judged.logits.cells:
        drawn["corruptions.png"] = _corruptions
    try:
        with mpl.rc_context(_STYLE):
            for name, draw in drawn.items():
                figure = Figure(layout="constrained")
                draw(judged, figure)
                with replacing(folder / name) as temporary:
                    figure.savefig(temporary, format="png", metadata={"Software": "prunefront"})
    except OSError as error:
        raise BadInput(f"--plot: {folder} cannot be written: {error.strerror or error}") from None
    return [folder / name for name in drawn]


def _reliability(judged: Judgement, figure: Any) -> None:
    """Accuracy by confidence, the gap to the diagonal, and how many images lie where."""
    data, record = reliability(judged.logits.predictions(), bins=judged.bins), judged.record
    figure.set_size_inches(3.6, 4.4)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    width = data.high - data.low
    accuracy, confidence = np.nan_to_num(data.accuracy), np.nan_to_num(data.confidence)
    upper.bar(data.low, accuracy, width, align="edge", color=_BLUE, edgecolor="white", label="accuracy")
    upper.bar(
        data.low,
        confidence - accuracy,
        width,
        bottom=accuracy,
        align="edge",
        color="none",
        edgecolor=_RED,
        hatch="////",
        linewidth=0.5,
        label="gap to mean confidence",
    )
    upper.plot([0, 1], [0, 1], color=_GREY, linestyle="--", linewidth=1, label="calibrated")
    upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy in the bin")
    upper.legend(loc="upper left", frameon=False)
    upper.set_title(
        f"{judged.network} on {called(judged.dataset)}, {len(judged.logits.labels):,} images\n"
        f"accuracy {100 * float(record['accuracy']):.1f} %, NLL {record['nll']:.3f}, "
        f"ECE {100 * float(record['ece']):.2f} % ({judged.bins} bins)"
    )
    lower.bar(data.low, data.count, width, align="edge", color=_GREY, edgecolor="white")
    lower.set(xlabel="confidence", ylabel="images", yscale="symlog")


def _corruptions(judged: Judgement, figure: Any) -> None:
    """Accuracy, and where cells are large enough ECE, by corruption and severity."""
    cells = judged.logits.cell_predictions()
    if cells is None:
        raise ValueError("there are no corruptions to draw")
    panels = [("accuracy", cell_accuracy(cells), "YlGnBu", 1.0)]
    if cells.correct.shape[2] >= CELL_IMAGES:
        panels.append((f"ECE ({judged.bins} bins)", cell_ece(cells, judged.bins), "OrRd", 0.5))
    figure.set_size_inches(1.6 + 2.6 * len(panels), 1.1 + 0.24 * len(cells.corruptions))
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (title, values, colours, highest) in zip(axes, panels, strict=True):
        _heat(axis, values, colours, highest)
        axis.set(title=f"{title}, %", xlabel="severity")
        _name_axes(axis, cells, first=axis is axes[0])
    clean = f"clean: accuracy {100 * float(judged.record['accuracy']):.1f} %, NLL {judged.record['nll']:.3f}"
    each = f"{cells.correct.shape[2]:,} images per cell"
    figure.suptitle(f"{judged.network}, {judged.corruptions}\n{clean}; {each}", fontsize=8)


def _heat(axis: Any, values: Any, colours: str, highest: float) -> None:
    axis.imshow(values, cmap=colours, vmin=0.0, vmax=highest, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if value > 0.6 * highest else "black"  # the scales are dark at their upper ends
        axis.text(column, row, f"{100 * value:.0f}", ha="center", va="center", fontsize=7, color=colour)


def _name_axes(axis: Any, cells: CellPredictions, *, first: bool) -> None:
    axis.set_xticks(range(len(cells.severities)), [str(severity) for severity in cells.severities])
    names = [name.replace("_", " ") for name in cells.corruptions]
    axis.set_yticks(range(len(names)), names if first else [""] * len(names))
