"""Corruptions by name, each family one file in ``families/``; generated and official sets of corrupted images.

The public names are looked up when they are asked for: `prune_core.base.lazy`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prune_core.base.lazy import lazy_names

if TYPE_CHECKING:
    from prune_core.corruptions.apply import corrupt, corrupt_with
    from prune_core.corruptions.definition import (
        CORRUPTIONS,
        EXTRA,
        GROUPS,
        SEVERITIES,
        STANDARD,
        Corruption,
        corruption,
        expanded,
    )
    from prune_core.corruptions.official import official_digest, official_set
    from prune_core.corruptions.published import official_label
    from prune_core.corruptions.sets import CorruptedSet, generated_set, set_label
    from prune_core.corruptions.sheet import contact_sheet

__all__ = [
    "CORRUPTIONS",
    "CorruptedSet",
    "Corruption",
    "EXTRA",
    "GROUPS",
    "SEVERITIES",
    "STANDARD",
    "contact_sheet",
    "corrupt",
    "corrupt_with",
    "corruption",
    "expanded",
    "generated_set",
    "official_digest",
    "official_label",
    "official_set",
    "set_label",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "CORRUPTIONS": "prune_core.corruptions.definition",
        "CorruptedSet": "prune_core.corruptions.sets",
        "Corruption": "prune_core.corruptions.definition",
        "EXTRA": "prune_core.corruptions.definition",
        "GROUPS": "prune_core.corruptions.definition",
        "SEVERITIES": "prune_core.corruptions.definition",
        "STANDARD": "prune_core.corruptions.definition",
        "contact_sheet": "prune_core.corruptions.sheet",
        "corrupt": "prune_core.corruptions.apply",
        "corrupt_with": "prune_core.corruptions.apply",
        "corruption": "prune_core.corruptions.definition",
        "expanded": "prune_core.corruptions.definition",
        "generated_set": "prune_core.corruptions.sets",
        "official_digest": "prune_core.corruptions.official",
        "official_label": "prune_core.corruptions.published",
        "official_set": "prune_core.corruptions.official",
        "set_label": "prune_core.corruptions.sets",
    },
)
