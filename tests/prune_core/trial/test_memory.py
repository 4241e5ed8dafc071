"""A device without memory: once more, and then no more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from prune_core.base.trial_folder import read_outcome
from prune_core.trial import memory, run
from prune_core.trial.description import BaselineDescription, EvaluationDescription, TrialDescription
from prune_core.trial.description_parts import DataDescription, NetworkDescription
from prune_core.trial.memory import TooLittleMemory, once_more
from prune_core.trial.order import TrialOrder
from prune_core.trial.run import run_trial

Tell = Callable[[int, dict[str, Any]], None]
BASELINE = BaselineDescription(0, DataDescription("digits"), NetworkDescription("small_vgg"), None, 0)
DESCRIPTION = TrialDescription("baseline", BASELINE, EvaluationDescription(), 0)


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


@pytest.mark.parametrize("fraction", [0.5, None])
def test_a_share_that_is_too_small_says_nothing_about_the_trial(
    fraction: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a share of a GPU the worker says so, and nothing is recorded; with a whole one the trial has failed."""
    calls: list[int] = []

    def full(*_: object) -> None:
        calls.append(1)
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(run, "_walk", full)
    monkeypatch.setattr(run, "_prepare", lambda *_: torch.device("cpu"))
    monkeypatch.setattr(run, "load_trial_data", lambda *_: None)
    order = TrialOrder(tmp_path / "trial", tmp_path / "store", (0,), memory_fraction=fraction)
    order.folder.mkdir()
    assert len(calls) == 0
    if fraction is None:
        outcome = run_trial(DESCRIPTION, order)
        assert outcome["status"] == "failed" and outcome["cause"] == "OutOfMemoryError: CUDA out of memory"
    else:
        with pytest.raises(TooLittleMemory, match="CUDA out of memory"):
            run_trial(DESCRIPTION, order)
    assert len(calls) == 2 and (read_outcome(order.folder) is None) is (fraction is not None)
