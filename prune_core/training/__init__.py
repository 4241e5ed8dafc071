"""The training loop, its recipe and its checkpoints."""

from __future__ import annotations

from prune_core.base.recipe import Recipe
from prune_core.training.device_data import DeviceData
from prune_core.training.loop import Checkpoint, train
from prune_core.training.runtime import prepare_runtime
from prune_core.training.schedule import learning_rate
from prune_core.training.state import Interrupted, TrainingState

__all__ = ["Checkpoint", "DeviceData", "Interrupted", "Recipe", "TrainingState", "learning_rate", "prepare_runtime", "train"]
