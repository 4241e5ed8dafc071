"""All figures of a report: what they are called, what they say to who cannot see them, and their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dashboards import labels
from dashboards.analysis.calibration_and_damage import Depth
from dashboards.analysis.counts import members_sentence
from dashboards.analysis.learning import LearningCurve
from dashboards.analysis.points import Points
from dashboards.analysis.ratio_panels import ratio_figures
from dashboards.figures.depth import damage_maps, diagrams, scaling_words
from dashboards.figures.front.data import panels
from dashboards.figures.front.interactive import front_figure
from dashboards.figures.front.printed import print_front
from dashboards.figures.heat_map import heat_map_figure, print_heat_maps
from dashboards.figures.learning import learning_figure
from dashboards.figures.page_style import Figure
from dashboards.figures.ratio.curves import curves, networks_of
from dashboards.figures.ratio.interactive import ratio_figure
from dashboards.figures.ratio.printed import print_ratio
from dashboards.figures.reliability import print_reliability, reliability_figure


@dataclass(frozen=True)
class Drawn:
    """One figure as the page shows it.

    Attributes:
        name: its id on the page and the start of its file names.
        group: "front", "depth", or the name of a figure by ratio.
        heading: what stands above it.
        alternative: what it shows, in words.
        figure: plotly data and layout.
        files: the same figure as PNG and SVG.
    """

    name: str
    group: str
    heading: str
    alternative: str
    figure: Figure
    files: tuple[Path, ...]


def all_figures(points: Points, folder: Path | None, named: Mapping[int, str] | None = None) -> list[Drawn]:
    """Return every figure that has numbers; write PNG and SVG where a folder is given; label the named places."""
    return [*front_drawn(points, folder, named), *ratio_drawn(points, folder)]


def front_drawn(points: Points, folder: Path | None, named: Mapping[int, str] | None = None) -> list[Drawn]:
    """Return the front; nothing where no candidate is complete."""
    if not len(points.complete) or not panels(points):
        return []
    words = (
        f"Scatter plot of the candidates at {labels.epochs(points.longest)} of fine-tuning: accuracy against "
        f"{', '.join(map(labels.title, panels(points)))}. {members_sentence(points)} The steps are the front in each panel; "
        f"the table below has the same numbers. {points.corrupted}"
    ).strip()
    files = tuple(print_front(points, folder, named)) if folder else ()
    return [Drawn("front", "front", "The front", words, front_figure(points, named), files)]


def live_drawn(points: Points) -> list[Drawn]:
    """Return the front as it grows: candidates whose seeds have not all ended are there too, paler."""
    if not panels(points, unfinished=True):
        return []
    return [Drawn("front", "front", "The front", "", front_figure(points, unfinished=True), ())]


def ratio_drawn(points: Points, folder: Path | None) -> list[Drawn]:
    """Return the figures by ratio, one per network and kind."""
    drawn = []
    lines, networks = curves(points), networks_of(points)
    for which in ratio_figures():
        for place, network in enumerate(networks):
            figure = ratio_figure(points, lines, which, network)
            if figure is None:
                continue
            files = tuple(print_ratio(points, lines, which, network, folder)) if folder else ()
            words = f"Line chart for {network}: {which.heading.lower()}; one line per method, and the control and baseline."
            words += f" {points.corrupted}" if which.corrupted else ""
            drawn.append(Drawn(f"{which.name}-{place}", which.name, network, words, figure, files))
    return drawn


def learning_drawn(found: Sequence[LearningCurve]) -> list[Drawn]:
    """Return the learning curves of the networks that the answer names; nothing where no trial kept one."""
    if not found:
        return []
    names = "; ".join(dict.fromkeys(one.candidate for one in found))
    words = f"Training loss and accuracy by epoch of fine-tuning, a line per seed: {names}."
    return [Drawn("learning", "learning", "Learning curves", words, learning_figure(found), ())]


def depth_figures(found: Sequence[Depth], points: Points, folder: Path | None) -> list[Drawn]:
    """Return the figures of the chosen candidates in depth; none where no logits were kept. PNG and SVG as above."""
    if not found:
        return []
    names, shown = "; ".join(depth.name for depth in found), diagrams(found)
    words = f"Reliability, {scaling_words(found)}, seeds pooled; larger points for more predictions: {names}."
    files = tuple(print_reliability(shown, folder)) if folder else ()
    heading = "Reliability on the report images"
    drawn = [Drawn("reliability", "depth", heading, words, reliability_figure(shown), files)]
    if maps := damage_maps(found):
        words = f"Heat maps of accuracy minus the control's, in percentage points, by corruption and severity: {names}."
        words = f"{words} {points.corrupted}".strip()
        files = tuple(print_heat_maps(maps, points.corruption_set, folder, "damage")) if folder else ()
        heading = "Accuracy against the control, by corruption and severity"
        drawn.append(Drawn("damage", "depth", heading, words, heat_map_figure(maps), files))
    return drawn
