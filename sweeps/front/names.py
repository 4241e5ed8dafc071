"""What a candidate is called: in tables, as a folder, and where one is picked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from prune_core.base.description import content_key
from prune_core.base.kinds import UNPRUNED


def title_of(row: Mapping[str, Any]) -> str:
    """Return a candidate's name: arm, ratio and budget, as the trials are called."""
    arm, method, budget = str(row["arm"]), str(row["method"]), int(row["budget"])
    if method in UNPRUNED:
        return f"{arm}-{method}" + (f"-b{budget}" if method == "control" else "")
    ratio = f"{row['ratio']:.10g}"
    return f"{arm}-r{ratio if len(ratio) > 4 else f'{float(ratio):.2f}'}-b{budget}"


def folder_name(title: str) -> str:
    """Return a folder's name for a title from a study file: no separators, no dots at its ends, no other surprises.

    Whatever is replaced makes way for a few digits of a hash, so that different titles never share a folder.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", title).strip("._-")
    if title and plain == title and len(title) <= 100:
        return title
    return f"{plain[:80] or 'network'}-{content_key(title, length=8)}"
