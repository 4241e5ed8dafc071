from __future__ import annotations

import gc

import pytest

from prune_core.base.garbage import rare_collections


def test_thresholds_are_back_also_after_an_error() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="so"), rare_collections():
        assert gc.get_threshold()[0] > before[0]
        raise ValueError("so")
    assert gc.get_threshold() == before
