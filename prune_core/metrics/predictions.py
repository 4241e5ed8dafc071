"""What each image contributes to every metric, in float64, from stored logits of any precision."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from prune_core.base.errors import BadInput, Diverged

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]


def log_softmax(logits: npt.NDArray[Any]) -> Floats:
    """Return the float64 log-softmax over the last axis.

    Float32 is not enough: it gives confidence exactly 1.0 to images that differ, which then tie in equal-mass bins.
    """
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


def softmax(logits: npt.NDArray[Any]) -> Floats:
    """Return the float64 softmax over the last axis."""
    return np.asarray(np.exp(log_softmax(logits)))


def check_finite(logits: npt.NDArray[Any], what: str) -> None:
    """Raise `Diverged` where a logit is NaN or infinite."""
    finite = np.isfinite(logits)
    if not finite.all():
        raise Diverged(f"{int((~finite).any(axis=-1).sum())} images have logits that are not finite ({what})")


SOFTMAX_TWICE = (
    "its outputs are probabilities (in [0, 1], each row sums to 1) and are read as logits: ECE, NLL, Brier score and "
    "confidence are of a softmax taken twice; take the softmax out of the network"
)
"""What to tell where `are_probabilities` holds."""


def are_probabilities(logits: npt.NDArray[Any]) -> bool:
    """Return whether ``(N, K)`` outputs look like a softmax was taken already: all in [0, 1], every row sums to 1."""
    if logits.ndim != 2 or not len(logits) or logits.shape[1] < 2:
        return False
    values = logits.astype(np.float64)
    tolerance = 1e-4  # a softmax in float32 is within 1e-6, one in float16 within 1e-3 / 16
    within = values.min() >= -tolerance and values.max() <= 1 + tolerance
    return bool(within and np.abs(values.sum(axis=1) - 1).max() <= 16 * tolerance)


@dataclass(frozen=True)
class Predictions:
    """Logits ``(N, K)`` of N images beside their labels ``(N,)``, and the float64 statistics of each image.

    Raises:
        BadInput: shapes do not fit, no image, or a label outside 0 .. K-1.
        Diverged: a logit is not finite.
    """

    logits: npt.NDArray[Any]
    labels: Integers

    def __post_init__(self) -> None:
        check_pair(self.logits, self.labels, "logits")
        check_finite(self.logits, "clean images")

    @cached_property
    def log_probabilities(self) -> Floats:
        """``(N, K)``."""
        return log_softmax(self.logits)

    @cached_property
    def probabilities(self) -> Floats:
        """``(N, K)``."""
        return np.asarray(np.exp(self.log_probabilities))

    @cached_property
    def correct(self) -> Bools:
        """``(N,)``: the class of the largest logit (the first one of a tie) is the label."""
        return np.asarray(self.logits.argmax(axis=-1) == self.labels)

    @cached_property
    def confidence(self) -> Floats:
        """``(N,)``: the largest probability."""
        return np.asarray(np.exp(self.log_probabilities.max(axis=-1)))

    def scaled(self, temperature: float) -> Predictions:
        """Return the predictions of logits / temperature."""
        return Predictions(self.logits.astype(np.float64) / temperature, self.labels)

    def subset(self, keep: npt.NDArray[Any]) -> Predictions:
        """Return the predictions of some images, by mask or by positions."""
        return Predictions(self.logits[keep], self.labels[keep])


def check_pair(scores: npt.NDArray[Any], labels: npt.NDArray[Any], what: str) -> None:
    """Raise `BadInput` unless ``scores`` is (N, K), ``labels`` (N,) of integers in 0 .. K-1, and N at least 1."""
    if scores.ndim != 2 or labels.ndim != 1 or len(scores) != len(labels):
        raise BadInput(f"{what} must be (N, K) and labels (N,), got {scores.shape} and {labels.shape}")
    if not len(labels) or not scores.shape[1]:
        raise BadInput(f"{what} {scores.shape}: at least one image and one class are needed")
    if not np.issubdtype(labels.dtype, np.integer):
        raise BadInput(f"labels must be integers, got {labels.dtype}")
    if labels.min() < 0 or labels.max() >= scores.shape[1]:
        raise BadInput(f"labels must lie in 0 .. {scores.shape[1] - 1}, got {labels.min()} .. {labels.max()}")


@dataclass(frozen=True)
class CellPredictions:
    """What the images contribute under corruption: C corruptions x S severities x N images.

    Attributes:
        corruptions: the C names.
        severities: the S severities, 1 .. 5.
        correct: ``(C, S, N)``.
        confidence: ``(C, S, N)``, float64.
        clean_accuracy: of the same network on all its clean images of this set; what `rpc` divides by.
    """

    corruptions: tuple[str, ...]
    severities: tuple[int, ...]
    correct: Bools
    confidence: Floats
    clean_accuracy: float

    @classmethod
    def from_logits(
        cls, cells: dict[str, npt.NDArray[Any]], labels: npt.NDArray[Any], clean_accuracy: float
    ) -> CellPredictions:
        """Judge cells ``{corruption: (S, N, K)}`` against the labels ``(N,)`` of their images.

        Raises:
            Diverged: a logit is not finite.
        """
        correct, confidence = [], []
        for name, logits in cells.items():
            check_finite(logits, name)
            correct.append(logits.argmax(axis=-1) == labels)
            confidence.append(np.exp(log_softmax(logits).max(axis=-1)))
        count = len(next(iter(cells.values())))
        return cls(tuple(cells), tuple(range(1, count + 1)), np.stack(correct), np.stack(confidence), clean_accuracy)

    def severity(self, severity: int) -> CellPredictions:
        """Return one severity alone."""
        at = self.severities.index(severity)
        here = slice(at, at + 1)
        return CellPredictions(
            self.corruptions, (severity,), self.correct[:, here], self.confidence[:, here], self.clean_accuracy
        )

    def without(self, corruption: str) -> CellPredictions:
        """Return all corruptions but one: JPEG re-encoded images are judged without ``jpeg_compression`` too."""
        keep = [at for at, name in enumerate(self.corruptions) if name != corruption]
        names = tuple(self.corruptions[at] for at in keep)
        return CellPredictions(names, self.severities, self.correct[keep], self.confidence[keep], self.clean_accuracy)
