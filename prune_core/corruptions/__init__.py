"""The CIFAR-C corruptions, one file per family."""

from prune_core.corruptions import blur, digital, elastic, extra, noise, weather
from prune_core.corruptions.apply import corrupt, corrupt_with
from prune_core.corruptions.definition import CORRUPTIONS, EXTRA, SEVERITIES, STANDARD, Corruption
from prune_core.corruptions.sets import CorruptedSet, generated_set, set_label

__all__ = [
    "CORRUPTIONS",
    "EXTRA",
    "SEVERITIES",
    "STANDARD",
    "CorruptedSet",
    "Corruption",
    "corrupt",
    "corrupt_with",
    "blur",
    "digital",
    "elastic",
    "extra",
    "weather",
    "generated_set",
    "noise",
    "set_label",
]
