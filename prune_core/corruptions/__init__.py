"""The CIFAR-C corruptions, one file per family; generated and official sets of corrupted images."""

from prune_core.corruptions import blur, digital, elastic, extra, noise, weather
from prune_core.corruptions.apply import corrupt, corrupt_with
from prune_core.corruptions.definition import CORRUPTIONS, EXTRA, SEVERITIES, STANDARD, Corruption
from prune_core.corruptions.official import official_digest, official_set
from prune_core.corruptions.published import official_label
from prune_core.corruptions.sets import CorruptedSet, generated_set, set_label
from prune_core.corruptions.sheet import contact_sheet

__all__ = [
    "CORRUPTIONS",
    "EXTRA",
    "SEVERITIES",
    "STANDARD",
    "CorruptedSet",
    "Corruption",
    "blur",
    "contact_sheet",
    "corrupt",
    "corrupt_with",
    "digital",
    "elastic",
    "extra",
    "generated_set",
    "noise",
    "official_digest",
    "official_label",
    "official_set",
    "set_label",
    "weather",
]
