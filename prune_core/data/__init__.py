"""Datasets by name, each one file in ``datasets/``; the array cache; the one cut of the images.

The public names are looked up when they are asked for: `prune_core.base.lazy`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prune_core.base.lazy import lazy_names

if TYPE_CHECKING:
    from prune_core.data.dataset import DATASETS, Arrays, Dataset, Request, Size, Source, source_of
    from prune_core.data.load import load_dataset
    from prune_core.data.split import Split, Subset, balanced_subset, split_dataset

__all__ = [
    "Arrays",
    "DATASETS",
    "Dataset",
    "Request",
    "Size",
    "Source",
    "Split",
    "Subset",
    "balanced_subset",
    "load_dataset",
    "source_of",
    "split_dataset",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Arrays": "prune_core.data.dataset",
        "DATASETS": "prune_core.data.dataset",
        "Dataset": "prune_core.data.dataset",
        "Request": "prune_core.data.dataset",
        "Size": "prune_core.data.dataset",
        "Source": "prune_core.data.dataset",
        "Split": "prune_core.data.split",
        "Subset": "prune_core.data.split",
        "balanced_subset": "prune_core.data.split",
        "load_dataset": "prune_core.data.load",
        "source_of": "prune_core.data.dataset",
        "split_dataset": "prune_core.data.split",
    },
)
