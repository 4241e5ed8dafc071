"""What a baseline's key holds. Imports no torch: the plan of a sweep needs it too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prune_core.description import content_key


def keyed_baseline(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a baseline's description that its key is made of: a checkpoint counts by content, not by place."""
    plain = dict(description)
    if plain.get("checkpoint"):
        plain["checkpoint"] = {"sha256": plain["checkpoint"]["sha256"]}
    return plain


def baseline_key(description: Mapping[str, Any]) -> str:
    """Return the key of a baseline, under which the store holds it."""
    return content_key(keyed_baseline(description))
