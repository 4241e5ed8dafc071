"""Corruptions by name, each family one file in ``families/``; generated and official sets of corrupted images."""

from __future__ import annotations

from prune_core.corruptions import families as families
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
    "EXTRA",
    "GROUPS",
    "SEVERITIES",
    "STANDARD",
    "CorruptedSet",
    "Corruption",
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
