"""A GPU's memory that ran out: what is only kept for speed is given up, and the trial tries once more."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import torch

from prune_core.evaluation.device_sets import clear_sets


class TooLittleMemory(Exception):
    """The share of a GPU's memory that a trial may use ran out, twice: nothing is recorded, it needs the GPU alone."""


OnBudget = Callable[[int, dict[str, Any]], None]


def once_more(work: Callable[[OnBudget], None], on_budget: OnBudget | None) -> None:
    """Do the work; where the memory of the device runs out, free what can be freed and do it once more.

    The work goes on from the trial's folder, so that what was finished is not done again.

    Args:
        work: takes what it calls with each budget and its record.
        on_budget: called once for each budget, however often the work comes by.

    Raises:
        torch.OutOfMemoryError: the memory ran out again.
    """
    told: set[int] = set()

    def tell(budget: int, record: dict[str, Any]) -> None:
        if budget not in told and on_budget is not None:
            on_budget(budget, record)
        told.add(budget)

    try:
        work(tell)
        return
    except torch.OutOfMemoryError:
        pass  # not here: while the error is handled its frames hold the very tensors that are in the way
    free_memory()
    work(tell)


def free_memory() -> None:
    """Give up images kept for the next evaluation, and what torch holds back for the next tensors."""
    clear_sets()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
