"""A device without memory: once more, and then no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from prune_core.trial import memory
from prune_core.trial.memory import once_more

Tell = Callable[[int, dict[str, Any]], None]


@pytest.mark.parametrize("failures", [0, 1, 2])
def test_once_more_and_no_more(failures: int, monkeypatch: pytest.MonkeyPatch) -> None:
    freed: list[int] = []
    monkeypatch.setattr(memory, "clear_sets", lambda: freed.append(1))
    left, told = [failures], []

    def work(tell: Tell) -> None:
        tell(0, {"accuracy": 0.5})
        if left[0]:
            left[0] -= 1
            raise torch.OutOfMemoryError("CUDA out of memory")
        tell(1, {"accuracy": 0.6})

    if failures == 2:
        with pytest.raises(torch.OutOfMemoryError):
            once_more(work, lambda budget, _: told.append(budget))
    else:
        once_more(work, lambda budget, _: told.append(budget))
    assert told == ([0, 1] if failures < 2 else [0])
    assert len(freed) == min(failures, 1)


def test_other_errors_are_not_tried_again() -> None:
    calls = []

    def work(tell: Tell) -> None:
        calls.append(tell)
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        once_more(work, None)
    assert len(calls) == 1
