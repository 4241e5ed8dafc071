"""Datasets, one file each; the array cache; the one cut of the images."""

from prune_core.data import arrays_file, cifar10, cifar100, digits, fashion_mnist, image_folder, mnist5k
from prune_core.data.dataset import DATASETS, Dataset
from prune_core.data.load import load_dataset
from prune_core.data.split import Split, Subset, balanced_subset, split_dataset

__all__ = [
    "DATASETS",
    "Dataset",
    "Split",
    "Subset",
    "arrays_file",
    "balanced_subset",
    "cifar10",
    "cifar100",
    "digits",
    "fashion_mnist",
    "image_folder",
    "load_dataset",
    "mnist5k",
    "split_dataset",
]
