"""One network: reliability, and accuracy and ECE by corruption and severity. As one picture, or as a file each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dashboards.figures.heat_map import HeatMap, draw_heat_map
from dashboards.figures.palette import ACCURACY, ERROR, PAPER
from dashboards.figures.print_style import PAGE, styled
from dashboards.figures.reliability import ReliabilityDiagram, draw_reliability, fitted_words
from prune_core.base.files import replacing
from prune_core.evaluation.scoring import Scaling, scaled_as_recorded
from prune_core.metrics import accuracy, cell_accuracy, cell_ece, mpc, nll, pooled_ece, reliability
from prune_core.metrics.numbers import short_count
from prune_core.metrics.predictions import CellPredictions
from sweeps.folder.pages import JudgedNetwork

CELL_IMAGES = 1000
"""Below so many images a cell has no ECE worth drawing."""
TALL = 3.9
"""Inches of a network's picture."""
POOLED = "all corruptions"
"""The last row of a heat map: ``mpc_s1`` to ``mpc_s5``, or ``corruption_ece_s1`` to ``corruption_ece_s5``."""


@styled
def print_network(network: JudgedNetwork, path: Path) -> None:
    """Write one PNG: the reliability diagram, and beside it accuracy by corruption and severity where there is any."""
    maps = heat_maps(network)[:1]
    diagram, scaling = reliability_diagram(network)
    head = [network.title, *_notes(network, scaling)]
    figure, axes = _fixed_panels([diagram.title, *(one.title for one in maps)], len(head))
    _draw_diagram(axes[0], diagram)
    for axis, one in zip(axes[1:], maps, strict=True):
        _draw_map(axis, one)
    figure.suptitle("\n".join(head), fontsize=8, y=1 - 0.06 / TALL)
    _save(figure, path)


@styled
def print_judgement(network: JudgedNetwork, folder: Path) -> list[Path]:
    """Write ``reliability.png``, and where there are corruptions ``corruptions.png``; return the files."""
    drawn = {"reliability.png": _reliability_page(network)}
    if maps := heat_maps(network):
        drawn["corruptions.png"] = _corruptions_page(network, maps)
    for name, figure in drawn.items():
        _save(figure, folder / name)
    return [folder / name for name in drawn]


def reliability_diagram(network: JudgedNetwork) -> tuple[ReliabilityDiagram, Scaling | None]:
    """Return the network's diagram, whose bins have the ECE of its columns ``ece`` and ``ece_t``, and how it was scaled."""
    scaling = scaled_as_recorded(network.logits, network.record)
    after = scaling.report if scaling is not None else None
    raw = reliability(network.logits.predictions(), bins=network.bins)
    scaled = reliability(after, bins=network.bins) if after is not None else None
    title = f"{len(network.logits.labels):,} {network.images}, {network.bins} bins\nECE {100 * raw.ece:.2f} %"
    title += f", after temperature scaling {100 * scaled.ece:.2f} %" if scaled is not None else ""
    return ReliabilityDiagram(title, raw, scaled), scaling


def heat_maps(network: JudgedNetwork) -> list[HeatMap]:
    """Return accuracy, and where cells are large enough ECE, by corruption and severity; none without corrupted images."""
    cells = network.logits.cell_predictions()
    if cells is None:
        return []
    each, bins = cells.correct.shape[2], network.bins
    maps = [_heat_map("accuracy", cells, cell_accuracy(cells), [mpc(one) for one in _severities(cells)])]
    if each >= CELL_IMAGES:
        pooled = [pooled_ece(one, bins) for one in _severities(cells)]
        maps.append(_heat_map(f"ECE ({bins} bins)", cells, cell_ece(cells, bins), pooled))
    return maps


def _severities(cells: CellPredictions) -> list[CellPredictions]:
    return [cells.severity(severity) for severity in cells.severities]


def _heat_map(name: str, cells: CellPredictions, values: Any, pooled: list[float]) -> HeatMap:
    title = f"{name} in %, {cells.correct.shape[2]:,} images per cell"
    high, scale = (100.0, ACCURACY) if name == "accuracy" else (50.0, ERROR)
    rows = np.vstack([100 * values, 100 * np.asarray(pooled)])
    return HeatMap(title, (*cells.corruptions, POOLED), cells.severities, rows, 0.0, high, scale)


def _notes(network: JudgedNetwork, scaling: Scaling | None) -> list[str]:
    """Return what the corrupted images are, and how the temperature was fitted, a line each."""
    return [*([network.corruptions] if network.corruptions else []), *_fitted(scaling)]


def _fitted(scaling: Scaling | None) -> list[str]:
    return [f"temperature {scaling.temperature:.3f}, {fitted_words(scaling.source)}"] if scaling is not None else []


def _reliability_page(network: JudgedNetwork) -> Any:
    """Draw accuracy by confidence, and below it how many images lie where."""
    from matplotlib.ticker import FuncFormatter

    diagram, scaling = reliability_diagram(network)
    figure, (upper, lower) = _panels(PAGE / 1.6, 5.2, 2, 1, sharex=True, height_ratios=(3, 1))
    _draw_diagram(upper, diagram)
    upper.set_xlabel("")
    for _, look, bins in diagram.curves:
        lower.stairs(bins.count, [*bins.low, bins.high[-1]], color=look.light, linewidth=1.0)
    lower.set(xlabel="confidence", ylabel="images", yscale="symlog", xlim=(0, 1.02), ylim=(0, None))
    lower.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short_count(value)))
    predictions = network.logits.predictions()
    summary = f"accuracy {100 * accuracy(predictions):.1f} %, NLL {nll(predictions):.3f}"
    figure.suptitle("\n".join([network.title, summary, *_fitted(scaling)]), fontsize=8)
    return figure


def _corruptions_page(network: JudgedNetwork, maps: list[HeatMap]) -> Any:
    figure, axes = _panels(1.5 + 2.7 * len(maps), 1.2 + 0.22 * len(maps[0].rows), 1, len(maps))
    for place, (axis, one) in enumerate(zip(axes, maps, strict=True)):
        _draw_map(axis, one)
        axis.tick_params(labelleft=place == 0)
    clean = f"clean: accuracy {100 * accuracy(network.logits.predictions()):.1f} %"
    figure.suptitle("\n".join([network.title, f"{network.corruptions or 'corrupted images'}; {clean}"]), fontsize=8)
    return figure


def _fixed_panels(titles: list[str], head: int) -> tuple[Any, list[Any]]:
    """Return a figure with a panel for each title, below a head of so many lines.

    Fixed places: a study draws twenty of these, and matplotlib's own layout costs more than the drawing.
    """
    from matplotlib.figure import Figure  # without pyplot: no windows, no state

    width = PAGE if len(titles) > 1 else PAGE / 1.6
    figure = Figure(figsize=(width, TALL))
    lines = max(title.count("\n") + 1 for title in titles)
    axes = figure.subplots(1, len(titles), squeeze=False).ravel()
    figure.subplots_adjust(
        left=0.68 / width,
        right=1 - 0.12 / width,
        bottom=0.45 / TALL,
        top=1 - (0.2 + 0.135 * (head + lines)) / TALL,
        wspace=2 * 1.1 / (width - 0.68 - 0.12 - 1.1),  # between two panels, in widths of one: room for names of corruptions
    )
    return figure, list(axes)


def _panels(width: float, height: float, rows: int, columns: int, **ratios: Any) -> tuple[Any, list[Any]]:
    from matplotlib.figure import Figure  # without pyplot: no windows, no state

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False, **ratios).ravel())


def _draw_diagram(axis: Any, diagram: ReliabilityDiagram) -> None:
    drawn = draw_reliability(axis, diagram)
    axis.legend(list(drawn.values()), list(drawn), loc="lower right")
    axis.set_title(diagram.title, fontsize=7.5)


def _draw_map(axis: Any, one: HeatMap) -> None:
    draw_heat_map(axis, one, size=6)
    axis.axhline(len(one.rows) - 1.5, color=PAPER, linewidth=2.5)  # its last row sums up the others
    axis.set_title(one.title, fontsize=7.5)


def _save(figure: Any, path: Path) -> None:
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=150, metadata={"Software": None})
