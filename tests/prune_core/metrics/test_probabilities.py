"""Outputs that are probabilities already are told from logits."""

from __future__ import annotations

import numpy as np
import pytest

from prune_core.metrics.predictions import are_probabilities, softmax

LOGITS = np.random.default_rng(0).normal(0, 3, (200, 10)).astype(np.float32)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16])
def test_a_softmax_is_seen_in_any_precision(kind: type) -> None:
    assert are_probabilities(softmax(LOGITS).astype(kind))
    assert are_probabilities(softmax(LOGITS[:, :2]).astype(kind))
    assert are_probabilities(np.eye(10, dtype=kind))


def test_logits_are_not_probabilities() -> None:
    shifted = LOGITS - LOGITS.max(axis=1, keepdims=True)
    for logits in (LOGITS, shifted, np.log(softmax(LOGITS)), np.zeros((5, 3)), 1 / (1 + np.exp(-LOGITS)), np.ones((5, 1))):
        assert not are_probabilities(logits)
    one_row_off = softmax(LOGITS)
    one_row_off[7] *= 1.5
    assert not are_probabilities(one_row_off)
