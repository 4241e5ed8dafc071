"""What the printed front draws beside its points: the front of a panel as steps, and the networks that the answer names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from dashboards.analysis.points import rows_of
from dashboards.figures.front.data import direction
from dashboards.figures.palette import GREY, INK


def step_points(table: pd.DataFrame, name: str) -> list[tuple[float, float]]:
    """Return the corners of a panel's front as (value, accuracy): the best value first, each more accurate than the last.

    Args:
        table: complete candidates of one budget, with the column ``collapsed``, references among them.
        name: the column on the x axis.
    """
    shown = table[~table["collapsed"].astype(bool)].dropna(subset=[name, "accuracy"])
    ordered = shown.sort_values([name, "accuracy"], ascending=[direction(name) == "min", False], kind="stable")
    kept: list[tuple[float, float]] = []
    for value, accuracy in zip(ordered[name].astype(float), ordered["accuracy"].astype(float), strict=True):
        if not kept or accuracy > kept[-1][1]:
            kept.append((value, accuracy))
    return kept


def draw_steps(axis: Any, table: pd.DataFrame, name: str) -> None:
    """Draw the front of a panel as steps, from the lower edge of the frame to its end; the frame stays as it is."""
    corners = step_points(table, name)
    if not corners:
        return
    (left, right), (bottom, top) = axis.get_xlim(), axis.get_ylim()
    end = right if direction(name) == "min" else left
    xs = [corners[0][0], *(x for x, _ in corners), end]
    ys = [bottom, *(y for _, y in corners), corners[-1][1]]
    axis.step(xs, ys, where="post", color=GREY, linewidth=0.9, zorder=1.5)
    axis.set_xlim(left, right)
    axis.set_ylim(bottom, top)


def draw_labels(axis: Any, table: pd.DataFrame, name: str, named: Mapping[int, str]) -> None:
    """Name the networks of the answer in a panel: labels on the roomier side, in an order without crossings."""
    found = []
    wanted = table[list(dict.fromkeys([name, "accuracy"]))]
    for place, label in named.items():
        for row in rows_of(wanted[table["place"].eq(place)].dropna()):
            x, y = axis.transAxes.inverted().transform(axis.transData.transform((getattr(row, name), row.accuracy)))
            if 0 <= x <= 1 and 0 <= y <= 1:
                found.append((float(x), float(y), label))
    right = sum(x for x, _, _ in found) < len(found) / 2
    for at, (x, y, label) in enumerate(sorted(found, reverse=right)):
        axis.annotate(
            label,
            xy=(x, y),
            xytext=(x + (0.05 if right else -0.05), 0.42 - 0.11 * at),
            xycoords="axes fraction",
            fontsize="small",
            ha="left" if right else "right",
            va="center",
            color=INK,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "relpos": (0.0 if right else 1.0, 0.5)},
            zorder=5,
        )


def in_frame(axis: Any, value: float, accuracy: float) -> bool:
    """Return whether a point is inside a panel: the bars of one that is not would hang there without it.

    An axis without a frame of its own takes whatever is drawn.
    """
    (left, right), (bottom, top) = sorted(axis.get_xlim()), sorted(axis.get_ylim())
    beside, above = axis.get_autoscalex_on(), axis.get_autoscaley_on()
    return bool((beside or left <= value <= right) and (above or bottom <= accuracy <= top))
