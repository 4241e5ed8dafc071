"""Is an unpruned network what its user takes it for? What is doubtful about its numbers, before anything is pruned.

The thresholds are here and nowhere else.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

NEAR_CHANCE = 0.1
"""Of the way from guessing (one over the number of classes) to perfect; a network that gets no further has learned next to
nothing of these labels. A trained network is never there: 19 % for ten classes, 55 % for two."""

CONFIDENT_AND_WRONG = 0.25
"""Mean confidence minus accuracy. Networks as trained, without any calibration, are over-confident by .01 to .17 (Guo et
al., "On Calibration of Modern Neural Networks", ICML 2017, table 1); beyond .25 the labels are more likely to be wrong than
the network."""

MAJORITY = 0.5
"""Of the images of every class that is numbered otherwise: more than so many must fit the other number. A network that is
only confused spreads its errors, or takes one class for another without taking the other for the first."""

FEWEST_IMAGES = 100
"""Of which something is said when a network is judged once: accuracy then has a standard error of .05 at most."""

REMEDY = (
    "check the order of the classes (class folders are numbered by their sorted names, data option classes says another "
    "order), then mean and std"
)
"""What to do about a network of the user's that is near chance, or confident and wrong."""

RETRAIN = "check the labels and the training recipe"
"""What to do about such a network that was trained here."""


def doubts(accuracy: float, confidence: float, classes: int | None) -> list[str]:
    """Return what is doubtful about an unpruned network, a sentence each; nothing where a number is missing.

    Args:
        accuracy: on clean images, a fraction.
        confidence: mean of the largest probability on the same images.
        classes: how many there are; None where that is not known.
    """
    found = []
    if classes is not None and classes > 1 and math.isfinite(accuracy):
        chance = 1 / classes
        if (accuracy - chance) / (1 - chance) < NEAR_CHANCE:
            found.append(f"accuracy {accuracy:.1%} is near chance ({chance:.1%} for {classes} classes)")
    if math.isfinite(accuracy) and confidence - accuracy > CONFIDENT_AND_WRONG:
        found.append(f"it is confident and wrong: accuracy {accuracy:.1%} at a mean confidence of {confidence:.1%}")
    return found


def better_numbering(
    predicted: NDArray[np.int64], labels: NDArray[np.int64], classes: int
) -> tuple[float, list[int]] | None:
    """Return the accuracy under another numbering of the classes that fits much better; None where there is no such.

    Args:
        predicted: outputs that won, ``(N,)``.
        labels: ``(N,)``.
        classes: K, the number of outputs.

    Returns:
        A fraction, and for each output the label that it stands for, ``(K,)``: the assignment with the most hits, if most
        images of each class that it moves fit it (`MAJORITY`).
    """
    from scipy.optimize import linear_sum_assignment

    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (predicted, labels), 1)
    outputs, meant = linear_sum_assignment(counts, maximize=True)
    hits = counts[outputs, meant]
    images = counts.sum(axis=0)
    moved = meant[(outputs != meant) & (images[meant] > 0)]
    fits = [hits[outputs[meant == label][0]] > MAJORITY * images[label] for label in moved]
    return (float(hits.sum() / len(labels)), meant.tolist()) if len(moved) and all(fits) else None
