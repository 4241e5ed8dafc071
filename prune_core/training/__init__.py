"""The training loop, its recipe and its checkpoints.

The public names are looked up when they are asked for: `prune_core.base.lazy`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prune_core.base.lazy import lazy_names

if TYPE_CHECKING:
    from prune_core.base.recipe import Recipe
    from prune_core.training.device_data import DeviceData
    from prune_core.training.loop import Checkpoint, train
    from prune_core.training.runtime import prepare_runtime
    from prune_core.training.schedule import learning_rate
    from prune_core.training.session import Session
    from prune_core.training.state import Interrupted, TrainingState

__all__ = [
    "Checkpoint",
    "DeviceData",
    "Interrupted",
    "Recipe",
    "Session",
    "TrainingState",
    "learning_rate",
    "prepare_runtime",
    "train",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Checkpoint": "prune_core.training.loop",
        "DeviceData": "prune_core.training.device_data",
        "Interrupted": "prune_core.training.state",
        "Recipe": "prune_core.base.recipe",
        "Session": "prune_core.training.session",
        "TrainingState": "prune_core.training.state",
        "learning_rate": "prune_core.training.schedule",
        "prepare_runtime": "prune_core.training.runtime",
        "train": "prune_core.training.loop",
    },
)
