"""Datasets by name, each one file in ``datasets/``; the array cache; the one cut of the images."""

from __future__ import annotations

from prune_core.data import datasets as datasets
from prune_core.data.dataset import DATASETS, Arrays, Dataset, Request, Size, Source, source_of
from prune_core.data.load import load_dataset
from prune_core.data.split import Split, Subset, balanced_subset, split_dataset

__all__ = [
    "DATASETS",
    "Arrays",
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
