"""The templates' environment: what they may call, and how values become text on a page."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dashboards import labels
from dashboards.analysis.columns import compared_columns, headline_columns, with_numbers
from dashboards.analysis.points import fell_together
from dashboards.figures.front.data import FRAME
from dashboards.figures.palette import DARK, LIGHT
from dashboards.glossary import TERMS, explained
from prune_core.metrics.quantities import is_cost
from sweeps.front.collapse import COLLAPSED
from sweeps.front.seed_differences import NOTHING
from sweeps.records.checkpoints import ONE_CHECKPOINT

_CARD_HEADS = {"size_bytes": "File", "worst_corruption_accuracy": "Worst corruption"}
"""What a card calls a number where the title of its column is too long for it."""


def environment_of(*rooms: str) -> Environment:
    """Return the templates' environment: everything is escaped, and an unknown name is an error.

    Args:
        rooms: packages whose templates come before the report's own.
    """
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(room) for room in (*rooms, "dashboards.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=labels.typeset,
    )
    environment.globals |= {
        "light": LIGHT,
        "dark": DARK,
        "compared": compared_columns(),
        "headline": headline_columns(),
        "with_numbers": with_numbers,
        "title": labels.title,
        "column_head": labels.heading,
    }
    environment.globals |= {"one_checkpoint": ONE_CHECKPOINT, "nothing": NOTHING}
    environment.globals["frame"] = f"{100 * FRAME:.0f}"
    environment.filters |= {"candidate": labels.candidate, "epochs": labels.epochs}
    environment.filters["terms"] = lambda text: explained(labels.typeset(str(text)))
    environment.globals |= {"glossary": TERMS, "card_head": lambda name: _CARD_HEADS.get(name, labels.heading(name))}
    environment.globals |= {"cell": _cell, "digest": _digest}
    environment.globals |= {"number": labels.number, "spread": labels.spread, "collapsed": f"{100 * COLLAPSED:g}"}
    environment.globals["fell_together"] = fell_together
    environment.globals["difference"] = lambda found, name: found[name].words(name) if name in found else ("–", "")
    return environment


def _digest(script: str) -> Markup:
    """Return what a page's policy calls a script that it lets run: no other does, wherever it came from."""
    return Markup(f"sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}")  # noqa: S704  (base64)


def _cell(row: Any, name: str) -> str:
    """Return a number of a candidate as tables show it: costs without their spread, which would make them too wide."""
    if is_cost(name):
        return labels.number(getattr(row, name), name)
    return labels.spread(getattr(row, name), getattr(row, f"{name}_std"), name)


def json_for_script(value: Any) -> Markup:
    """Return JSON that can stand inside a script element: no ``<``, so nothing in it can end the element."""
    text = json.dumps(value, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))  # noqa: S704
