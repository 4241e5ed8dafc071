"""Damage beside the mean: which classes, which corruptions, which images pruning hurt. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prune_core.evaluation.logits import LogitSet
from prune_core.evaluation.uncertainty import check_same_images
from prune_core.metrics.likelihood import class_accuracy
from prune_core.metrics.predictions import Floats
from prune_core.metrics.robustness import cell_accuracy


@dataclass(frozen=True)
class Damage:
    """What changed against the control, on the same images; changes are network minus control, in fractions.

    Attributes:
        classes: ``(K,)``: change of each class's accuracy; NaN for a class without images.
        corruptions: change of each corruption's accuracy, mean over severities; empty without cells.
        flipped: positions of the clean images whose predicted class changed, increasing.
        broken: those of them that the control had right and the network has wrong.
        mended: those of them that the control had wrong and the network has right.
    """

    classes: Floats
    corruptions: dict[str, float]
    flipped: npt.NDArray[Any]
    broken: npt.NDArray[Any]
    mended: npt.NDArray[Any]

    def to_dict(self, classes: Sequence[str] | None = None) -> dict[str, Any]:
        """Return it as plain JSON values; classes by name if names are given, those without images as None."""
        names = list(classes) if classes is not None else [str(k) for k in range(len(self.classes))]
        changes = [None if np.isnan(change) else float(change) for change in self.classes]
        return {
            "classes": dict(zip(names, changes, strict=True)),
            "corruptions": self.corruptions,
            "flipped": self.flipped.tolist(),
            "broken": self.broken.tolist(),
            "mended": self.mended.tolist(),
        }


def damage(network: LogitSet, control: LogitSet) -> Damage:
    """Compare a pruned network with its control (or its baseline).

    Raises:
        BadInput: they were not judged on the same images.
        Diverged: a logit is not finite.
    """
    check_same_images(network, control)
    here, there = network.predictions(), control.predictions()
    flipped = here.logits.argmax(axis=1) != there.logits.argmax(axis=1)
    return Damage(
        class_accuracy(here) - class_accuracy(there),
        _corruption_changes(network, control),
        np.flatnonzero(flipped),
        np.flatnonzero(there.correct & ~here.correct),
        np.flatnonzero(here.correct & ~there.correct),
    )


def _corruption_changes(network: LogitSet, control: LogitSet) -> dict[str, float]:
    here, there = network.cell_predictions(), control.cell_predictions()
    if here is None or there is None:
        return {}
    changes = (cell_accuracy(here) - cell_accuracy(there)).mean(axis=1)
    return dict(zip(here.corruptions, changes.tolist(), strict=True))
