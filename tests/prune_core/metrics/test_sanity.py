"""What is doubtful about an unpruned network, against networks whose fault is known."""

from __future__ import annotations

import numpy as np
import pytest

from prune_core.metrics.sanity import better_numbering, doubts


@pytest.mark.parametrize(
    ("accuracy", "confidence", "classes", "said"),
    [
        (0.24, 0.98, 4, ["near chance", "confident and wrong"]),  # class folders permuted
        (0.78, 0.97, 10, []),  # over-confident as published networks are
        (0.10, 0.11, 10, ["near chance"]),  # never trained
        (0.60, 0.97, 4, ["confident and wrong"]),
        (0.54, 0.60, 2, ["near chance"]),
        (0.30, 0.35, 100, []),
        (0.93, 0.99, 10, []),
        (0.24, float("nan"), None, []),
    ],
)
def test_doubts(accuracy: float, confidence: float, classes: int | None, said: list[str]) -> None:
    found = doubts(accuracy, confidence, classes)
    assert len(found) == len(said) and all(part in line for part, line in zip(said, found, strict=True))


def test_a_permutation_of_the_classes_is_found() -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 5, 500)
    order = np.array([3, 1, 0, 2, 4])  # output k stands for label order[k]
    outputs = np.argsort(order)[labels]
    wrong = generator.random(500) < 0.1
    predicted = np.where(wrong, generator.integers(0, 5, 500), outputs)
    found = better_numbering(predicted, labels, 5)
    assert found is not None and found[1] == order.tolist()
    assert found[0] == pytest.approx((order[predicted] == labels).mean())


def test_a_network_that_is_only_confused_is_numbered_as_it_is() -> None:
    generator = np.random.default_rng(1)
    labels = generator.integers(0, 5, 500)
    assert better_numbering(generator.integers(0, 5, 500), labels, 5) is None  # guesses
    assert better_numbering(np.zeros(500, dtype=np.int64), labels, 5) is None  # says one class
    assert better_numbering(np.where(labels == 2, 3, labels), labels, 5) is None  # takes one class for another
    assert better_numbering(labels, labels, 5) is None
