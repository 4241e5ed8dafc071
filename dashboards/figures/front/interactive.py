"""The front figure, for the page: accuracy against ECE, against mPC and against cost, with error bars over seeds.

A trace names its candidates by their place (``text``); what they are called, say and can be filtered by is on the page only
once, in `hovers` and `candidate_columns`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

import pandas as pd

from dashboards import labels
from dashboards.analysis.columns import headline_columns, hover_columns, table_columns
from dashboards.analysis.points import Points, rows_of
from dashboards.figures.front.data import FRAME, direction, marker_size, panels
from dashboards.figures.page_style import Arrangement, Figure, LegendEntry, axes_of, suffix
from dashboards.figures.palette import FILLS, Look, looks, order
from prune_core.base.kinds import NEVER_FINE_TUNED, REFERENCES
from prune_core.metrics.numbers import share_text
from prune_core.metrics.quantities import is_cost


def hover(row: Any, asked: Sequence[str] = ()) -> str:
    """Return everything about one candidate, in the few tags that plotly reads.

    Args:
        row: of `Points.table`.
        asked: columns that the study's objectives and limits name.
    """
    frequency = "" if math.isnan(row.frequency) else f" (in {share_text(row.frequency)} of the draws)"
    place = ("on the front" if row.front else "dominated") if row.complete else "incomplete: does not compete"
    title = "<br>".join(labels.safe(line) for line in wrap(labels.candidate(row), 72, break_on_hyphens=False))
    lines = [f"<b>{title}</b>", f"{place}{frequency}"]
    shown = hover_columns()
    for name in [*shown, *(each for each in asked if each not in (*shown, *table_columns()))]:
        value = getattr(row, name)
        if not math.isnan(value):
            lines.append(f"{labels.safe(labels.title(name))}: {labels.spread(value, getattr(row, f'{name}_std'), name)}")
    costs = [name for name in table_columns() if is_cost(name)]
    sizes = [
        f"{labels.number(getattr(row, name), name)} {labels.safe(labels.title(name))}"
        for name in costs
        if labels.is_log(name)
    ]
    rest = [
        f"{labels.safe(labels.title(name))} {labels.number(getattr(row, name), name)}"
        for name in costs
        if not labels.is_log(name)
    ]
    lines.append(", ".join([*sizes, *rest]))
    if row.method not in REFERENCES:
        deltas = [
            f"{labels.safe(labels.title(name))} {labels.number(getattr(row, f'delta_{name}'), name, sign=True)}"
            for name in headline_columns()
        ]
        lines.append(f"against its control: {', '.join(deltas)}")
    if row.verdict:
        lines.append(f"limits: {row.verdict}")
    lines.append(f"{row.seeds} seed{'s' if row.seeds != 1 else ''}" + ("; MLflow:" if row.runs else ""))
    lines += [labels.safe(run) for run in row.runs.split(", ") if run]
    return "<br>".join(lines)


def hovers(points: Points) -> list[str]:
    """Return the text of each candidate, by its place: traces name the place, so that a text is on the page only once."""
    return [str(labels.typeset(hover(row, [*points.asked, *points.limited]))) for row in rows_of(points.table)]


def front_figure(points: Points, named: Mapping[int, str] | None = None, *, unfinished: bool = False) -> Figure:
    """Return the front as a plotly figure (plain data): one panel per x axis, one trace per method, network and place.

    Args:
        points: the candidates.
        named: place -> label of the candidates that the answer names.
        unfinished: also draw, paler, those whose seeds have not all ended: they do not compete, but one sees them come.
    """
    table, names = points.table if unfinished else points.complete, panels(points, unfinished=unfinished)
    look = looks(table["method"].unique())
    networks = sorted(table["network"].unique())
    traces: list[Figure] = []
    for panel, name in enumerate(names, start=1):
        for method in order(table["method"].unique()):
            for network in networks:
                rows = table[(table["method"] == method) & (table["network"] == network)].dropna(subset=[name, "accuracy"])
                fill = FILLS[networks.index(network) % len(FILLS)]
                for (complete, on_front), part in rows.groupby(["complete", "front"], sort=True):
                    traces.append(
                        _trace(part, name, panel, look[method], fill, _tone(bool(complete), bool(on_front), method))
                    )
    arrangement = Arrangement(
        columns=3 if len(names) <= 3 else 2,
        least=300,
        tall=370,
        paper=205,
        shared=True,
        legend=_legend(look, networks, float(table["compression"].max()), unfinished=unfinished),
    )
    meta = {"frame": FRAME, "references": list(REFERENCES), "always": list(NEVER_FINE_TUNED)}
    meta |= {"directions": {f"x{suffix(panel)}": direction(name) for panel, name in enumerate(names, start=1)}}
    meta |= {"named": {str(place): label for place, label in (named or {}).items()}}
    layout: Figure = {"hovermode": "closest", "meta": arrangement.plain() | meta}
    for panel, name in enumerate(names, start=1):
        tail = suffix(panel)
        layout[f"xaxis{tail}"] = axis(name) | {"anchor": f"y{tail}"}
        layout[f"yaxis{tail}"] = axis("accuracy") | {"anchor": f"x{tail}", "matches": "y" if tail else None}
    return {"data": traces, "layout": layout}


def _tone(complete: bool, on_front: bool, method: str) -> str:
    """Return how loudly candidates are drawn: "full", "pale" (not all seeds yet) or "grey" (dominated)."""
    return "pale" if not complete else "full" if on_front or method in REFERENCES else "grey"


def _trace(rows: pd.DataFrame, name: str, panel: int, look: Look, fill: str, tone: str) -> Figure:
    method, network = str(rows["method"].iloc[0]), str(rows["network"].iloc[0])
    colour = "@dominated" if tone == "grey" else look.colour
    bars = f"{colour}~" if tone == "full" else "@faint"
    return axes_of(panel) | {
        "type": "scatter",
        "mode": "markers",
        "name": labels.safe(method),
        "x": rows[name].tolist(),
        "y": rows["accuracy"].tolist(),
        "error_x": _bars(rows, name, bars),
        "error_y": _bars(rows, "accuracy", bars),
        "marker": {
            "symbol": look.symbol + fill,
            "color": colour,
            "size": [marker_size(value) for value in rows["compression"]],
            "opacity": {"full": 1.0, "pale": 0.4, "grey": 0.55}[tone],
            "line": {"width": 1.6 if fill else 1.0, "color": colour},
        },
        "text": rows["place"].tolist(),
        "hovertemplate": "%{text}<extra></extra>",
        "meta": {"method": method, "network": network},
    }


def _bars(rows: pd.DataFrame, name: str, colour: str) -> Figure:
    return {"type": "data", "array": rows[f"{name}_std"].fillna(0).tolist(), "color": colour, "thickness": 1, "width": 0}


def _legend(look: dict[str, Look], networks: list[str], strongest: float, *, unfinished: bool) -> tuple[LegendEntry, ...]:
    """Return what the page's legend says: methods by colour and symbol, networks by filling, compression by size."""
    found = [
        LegendEntry(kind="method", key=name, label=name, symbol=look[name].symbol, colour=look[name].colour)
        for name in order(look)
    ]
    found.append(LegendEntry(kind="note", label="dominated", symbol="circle", colour="@dominated"))
    if unfinished:
        found.append(LegendEntry(kind="note", label="pale: seeds are missing", colour="@muted"))
    for place, name in enumerate(networks if len(networks) > 1 else []):
        symbol = "circle" + FILLS[place % len(FILLS)]
        found.append(LegendEntry(kind="network", key=name, label=name, symbol=symbol, colour="@ink"))
    if len(networks) > len(FILLS):
        note = "fillings repeat: point at one, or choose a network"
        found.append(LegendEntry(kind="note", label=note, colour="@muted"))
    sizes = [size for size in (1, 4, 16) if size == 1 or size < 2 * strongest]
    for size in sizes if len(sizes) > 1 else []:
        diameter = marker_size(size)
        found.append(LegendEntry(kind="size", label=f"{size}×", symbol="circle", colour="@muted", size=diameter))
    return tuple(found)


def axis(name: str) -> Figure:
    """Return an axis for a column: its title with the better side, and the unit of its ticks."""
    log = labels.is_log(name)
    better = "log scale" if log else labels.better(name)
    plain: Figure = {
        "title": {
            "text": f"{labels.safe(labels.title(name))} <span style='font-size:.85em'>({better})</span>"
            if better
            else labels.safe(labels.title(name)),
            "standoff": 8,
        },
        "zeroline": False,
        "automargin": True,
    }
    if labels.is_share(name):
        plain |= {"tickformat": ".1~%", "maxallowed": 1.0}  # no accuracy lies beyond 100 %
    if log:
        plain |= {"type": "log", "tickformat": "~s", "dtick": "D2"}
    return plain
