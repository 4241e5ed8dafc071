"""Fewer rounds of the garbage collector, for work that makes many objects and ends soon."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_THRESHOLDS = (100_000, 50, 100)
"""Objects that are made before a round looks at the youngest, and so many rounds before one looks at older ones, and at all.

With PyTorch, MLflow and pandas loaded there are a million objects to look at: a report spends a sixth of its time on it."""


@contextmanager
def rare_collections() -> Iterator[None]:
    """Collect cycles seldom, until the block ends."""
    before = gc.get_threshold()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
