"""How many images a study trains on and judges with."""

from __future__ import annotations

from dataclasses import dataclass

from prune_core.corruptions import SEVERITIES
from prune_core.data import source_of
from sweeps.plan.data import study_data
from sweeps.plan.data_facts import DataFacts
from sweeps.study.model import Study


@dataclass(frozen=True)
class Sizes:
    """Counts of images.

    Attributes:
        train: images per epoch.
        clean: images judged clean: validation, test, and those of the training images.
        cells: corrupted images judged, over all corruptions and severities.
        report_cells: those of them that are test images: not judged at every budget.
        shape: (H, W, C) of an image.
        classes: how many there are.
    """

    train: int
    clean: int
    cells: int
    report_cells: int
    shape: tuple[int, int, int]
    classes: int


def judged_images(sizes: Sizes, *, report_cells: bool = True) -> int:
    """Return how many images one record takes a forward pass of, with or without the corrupted test images."""
    return sizes.clean + _cells(sizes, report_cells)


def logit_bytes(sizes: Sizes, *, report_cells: bool = True) -> int:
    """Return what the kept logits of one record weigh: float32 for clean images, float16 for corrupted ones."""
    return sizes.classes * (4 * sizes.clean + 2 * _cells(sizes, report_cells))


def _cells(sizes: Sizes, report: bool) -> int:
    return sizes.cells if report else sizes.cells - sizes.report_cells


def sizes_of(study: Study, data: DataFacts | None = None) -> Sizes | None:
    """Return the counts of a study, or None where its data is not at hand and its size is not known.

    Args:
        study: the resolved study.
        data: what its plan knows of the data; None opens the data, if it is at hand.
    """
    known = study_data(study, None, required=False) if data is None else data
    filed = source_of(study.data.name).size
    if known is not None and known.counted:
        pool, own_test, shape, classes = known.train, known.test, known.shape, known.classes
    elif filed is not None:
        pool, own_test, shape, classes = filed.train, filed.test, filed.shape, filed.classes
    else:
        return None
    test = study.data.test if study.data.test is not None else own_test
    left = pool - study.data.validation - (0 if own_test else test)
    train = study.data.train if study.data.train is not None else left
    evaluation = study.evaluation
    report = selection = 0
    if evaluation.corruptions != "none":
        report = len(SEVERITIES) * len(evaluation.corruption_names) * min(evaluation.images_per_cell, test)
        cell = min(evaluation.selection_images_per_cell, study.data.validation)
        selection = len(SEVERITIES) * len(evaluation.selection_corruptions) * cell
    clean = study.data.validation + test + min(evaluation.train_images, train)
    return Sizes(train, clean, report + selection, report, shape, classes)
