"""The one cut of the images: training, validation (selection) and test (report) never share an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prune_core.base.errors import BadInput
from prune_core.base.seeds import numpy_generator
from prune_core.data.dataset import Dataset, Images, Labels


@dataclass(frozen=True)
class Subset:
    """Some images of a pool.

    Attributes:
        images: The whole pool ``(N, H, W, C)`` uint8, mapped.
        labels: ``(n,)`` int64, of the chosen images.
        index: ``(n,)`` int64, sorted positions of the chosen images in the pool.
        pool: ``"train"`` or ``"test"``: whose positions these are.
    """

    images: Images
    labels: Labels
    index: NDArray[np.int64]
    pool: str = "train"

    def __len__(self) -> int:
        return len(self.index)

    def array(self) -> Images:
        """Return the chosen images ``(n, H, W, C)`` as an array of their own."""
        return np.ascontiguousarray(self.images[self.index])


@dataclass(frozen=True)
class Split:
    """The images of a study: for training, for selection (``validation``) and for the report (``test``)."""

    train: Subset
    validation: Subset
    test: Subset


def split_dataset(
    dataset: Dataset, study_seed: int, *, validation: int, test: int | None, train: int | None = None
) -> Split:
    """Cut a dataset once for a whole study, stratified by class; the same for every trial seed.

    Args:
        dataset: What to cut.
        study_seed: The study's seed, never a trial's.
        validation: Number of images for selection, cut from the training images; 0 for none.
        test: Number of images for the report; None for all of the dataset's own test images. A dataset without test images
            of its own has them cut from its training images, and needs a number.
        train: Number of training images; None for all that are left.

    Raises:
        BadInput: when there are not that many images.
    """
    own_test = dataset.test_images is not None
    for name, count, least in (("validation", validation, 0), ("test", test, 1), ("train", train, 1)):
        if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < least):
            raise BadInput(f"{name} images asked of {dataset.name!r}: {count!r} (allowed: a whole number from {least})")
    if not own_test and test is None:
        raise BadInput(f"dataset {dataset.name!r} has no test images of its own: say how many to cut off (test)")
    labels = dataset.train_labels
    left = np.arange(len(labels))
    if own_test:
        test_subset = _own_test(dataset, study_seed, test)
    else:
        picked = _stratified(dataset, labels, left, test, "test", study_seed)
        test_subset = _subset(dataset.train_images, labels, picked, "train")
        left = np.setdiff1d(left, picked, assume_unique=True)
    picked = _stratified(dataset, labels, left, validation, "validation", study_seed)
    validation_subset = _subset(dataset.train_images, labels, picked, "train")
    left = np.setdiff1d(left, picked, assume_unique=True)
    if not len(left):
        raise BadInput(f"dataset {dataset.name!r} has {len(labels)} images: validation and test leave none to train on")
    picked = _stratified(dataset, labels, left, train, "train", study_seed)
    return Split(_subset(dataset.train_images, labels, picked, "train"), validation_subset, test_subset)


def balanced_subset(labels: Labels, count: int, *parts: object) -> NDArray[np.int64]:
    """Return ``count`` sorted positions with the classes as equal as they can be.

    Each class present gives ``count // classes`` images and as many classes as needed one more; a class that has too few
    gives all it has and the others make up for it.

    Args:
        labels: ``(N,)`` int64.
        count: How many; at most N.
        parts: What the choice depends on, see `derive_seed`.

    Raises:
        BadInput: when there are fewer than ``count`` labels.
    """
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or not 0 <= count <= len(labels):
        raise BadInput(f"a balanced subset of {count!r} images asked of {len(labels)} (allowed: 0 to {len(labels)})")
    generator = numpy_generator(*parts)
    shuffled = generator.permutation(len(labels))
    # Rank of each image within its class, in shuffled order: taking the lowest ranks takes from every class in turn.
    order = np.argsort(labels[shuffled], kind="stable")
    by_class = labels[shuffled][order]
    rank = np.arange(len(labels)) - np.searchsorted(by_class, by_class, side="left")
    turn = generator.permutation(int(labels.max()) + 1)[by_class] if len(labels) else by_class
    chosen = np.lexsort((turn, rank))[: int(count)]
    return np.sort(shuffled[order[chosen]]).astype(np.int64)


def _own_test(dataset: Dataset, study_seed: int, count: int | None) -> Subset:
    images, labels = dataset.test_images, dataset.test_labels
    if images is None or labels is None:
        raise ValueError(f"{dataset.name} has no test images")
    picked = _stratified(dataset, labels, np.arange(len(labels)), count, "test", study_seed)
    return _subset(images, labels, picked, "test")


def _subset(images: Images, labels: Labels, index: NDArray[np.int64], pool: str) -> Subset:
    return Subset(images=images, labels=labels[index].astype(np.int64), index=index.astype(np.int64), pool=pool)


def _stratified(
    dataset: Dataset, labels: Labels, pool: NDArray[np.int64], count: int | None, purpose: str, study_seed: int
) -> NDArray[np.int64]:
    """Return ``count`` sorted positions out of ``pool``, each class in proportion (largest remainders); None for all."""
    if count is None:
        return pool
    if count > len(pool):
        raise BadInput(
            f"{purpose} images asked of {dataset.name!r}: {count} (allowed: at most the {len(pool)} that are left)"
        )
    generator = numpy_generator(study_seed, "split", purpose)
    chosen = []
    classes, sizes = np.unique(labels[pool], return_counts=True)
    exact = sizes * count / max(1, len(pool))
    take = np.floor(exact).astype(np.int64)
    # Ties between equal remainders are broken by the study's stream, not by the class number.
    order = np.lexsort((generator.random(len(classes)), take - exact))
    take[order[: count - int(take.sum())]] += 1
    for label, number in zip(classes, take, strict=True):
        chosen.append(generator.permutation(pool[labels[pool] == label])[:number])
    return np.sort(np.concatenate(chosen)) if chosen else pool[:0]
