"""One network: reliability, and accuracy and ECE by corruption and severity. As one picture, or as a file each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dashboards.figures.heat_map import HeatMap, draw_heat_map
from dashboards.figures.palette import ACCURACY, ERROR, GREY, PAPER
from dashboards.figures.print_style import PAGE, styled
from dashboards.figures.reliability import ReliabilityDiagram, draw_reliability
from prune_core.base.files import replacing
from prune_core.evaluation.scoring import Scaling, scaled_as_recorded
from prune_core.metrics import accuracy, cell_accuracy, cell_ece, mpc, nll, pooled_ece, reliability
from prune_core.metrics.predictions import CellPredictions
from sweeps.folder.pages import JudgedNetwork

CELL_IMAGES = 1000
"""Below so many images a cell has no ECE worth drawing."""
POOLED = "all corruptions"
"""The last row of a heat map: ``mpc_s1`` to ``mpc_s5``, or ``corruption_ece_s1`` to ``corruption_ece_s5``."""


@styled
def print_network(network: JudgedNetwork, path: Path) -> None:
    """Write one PNG: the reliability diagram, and beside it accuracy by corruption and severity where there is any."""
    from matplotlib.figure import Figure

    maps = heat_maps(network)[:1]
    figure = Figure(figsize=(PAGE if maps else PAGE / 2, 3.7))
    axes = figure.subplots(1, 1 + len(maps), squeeze=False, width_ratios=[1, 1.05][: 1 + len(maps)])[0]
    diagram, scaling = reliability_diagram(network)
    axes[0].legend(*_legend(draw_reliability(axes[0], diagram)), loc="lower right")
    axes[0].set_title(diagram.title, fontsize=7)
    for axis, one in zip(axes[1:], maps, strict=True):
        draw_heat_map(axis, one, size=6)
        axis.set_title(one.title, fontsize=7)
    figure.suptitle("\n".join([network.title, *_notes(network, scaling)]), fontsize=8)
    figure.subplots_adjust(left=0.09 if maps else 0.17, right=0.985, top=0.76, bottom=0.12, wspace=0.5)
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
    fitted = [f"temperature {scaling.temperature:.3f}, {scaling.source}"] if scaling is not None else []
    return [*([network.corruptions] if network.corruptions else []), *fitted]


def _reliability_page(network: JudgedNetwork) -> Any:
    """Draw accuracy by confidence, and below it how many images lie where."""
    from matplotlib.figure import Figure

    diagram, scaling = reliability_diagram(network)
    figure = Figure(figsize=(PAGE / 1.6, 5.2))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.legend(*_legend(draw_reliability(upper, diagram)), loc="lower right")
    upper.set_xlabel("")
    upper.set_title(diagram.title, fontsize=8)
    for _, look, bins in diagram.curves:
        edges = [*bins.low, bins.high[-1]]
        lower.stairs(bins.count, edges, color=look.light, linewidth=1.0)
    lower.axvline(1.0, color=GREY, linewidth=0.6)
    lower.set(xlabel="confidence", ylabel="images", yscale="symlog", xlim=(0, 1.02))
    summary = f"accuracy {100 * accuracy(network.logits.predictions()):.1f} %, NLL {nll(network.logits.predictions()):.3f}"
    fitted = [line for line in _notes(network, scaling) if line != network.corruptions]
    figure.suptitle("\n".join([network.title, summary, *fitted]), fontsize=8)
    figure.subplots_adjust(left=0.15, right=0.97, top=0.81, bottom=0.09, hspace=0.08)
    return figure


def _corruptions_page(network: JudgedNetwork, maps: list[HeatMap]) -> Any:
    from matplotlib.figure import Figure

    height = 1.2 + 0.22 * len(maps[0].rows)
    width = 1.5 + 2.7 * len(maps)
    figure = Figure(figsize=(width, height))
    axes = figure.subplots(1, len(maps), squeeze=False)[0]
    for place, (axis, one) in enumerate(zip(axes, maps, strict=True)):
        draw_heat_map(axis, one, size=6.5)
        axis.axhline(len(one.rows) - 1.5, color=PAPER, linewidth=2.5)
        axis.tick_params(labelleft=place == 0)
        axis.set_title(one.title, fontsize=8)
    clean = f"clean: accuracy {100 * accuracy(network.logits.predictions()):.1f} %"
    figure.suptitle("\n".join([network.title, f"{network.corruptions or 'corrupted images'}; {clean}"]), fontsize=8)
    figure.subplots_adjust(left=1.3 / width, right=0.985, top=1 - 0.72 / height, bottom=0.42 / height, wspace=0.06)
    return figure


def _legend(drawn: dict[str, Any]) -> tuple[list[Any], list[str]]:
    return list(drawn.values()), list(drawn)


def _save(figure: Any, path: Path) -> None:
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=150, metadata={"Software": None})
