"""What a baseline's key holds. Imports no torch: the plan of a sweep needs it too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prune_core.base.description import content_key

PLACES = ("root", "download")
"""Options of a dataset that say where its images are, and not which they are."""


def keyed_baseline(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a baseline's description that its key is made of: files count by content, not by place."""
    plain = dict(description)
    plain["data"] = keyed_data(plain["data"])
    if plain.get("checkpoint"):
        plain["checkpoint"] = {"sha256": plain["checkpoint"]["sha256"]}
    return plain


def keyed_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data without its places: the checksum says which images they are. All of it where there is no checksum."""
    plain = dict(data)
    if plain.get("checksum") is None:
        return plain
    options = {name: value for name, value in plain.get("options", {}).items() if name not in PLACES}
    return {**plain, "name": str(plain["name"]).partition(":")[0], "options": options}


def baseline_key(description: Mapping[str, Any]) -> str:
    """Return the key of a baseline, under which the store holds it."""
    return content_key(keyed_baseline(description))
