"""Where a training is: all that is needed to go on and get the same bits. One checkpoint format, ours."""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from prune_core.base.files import write_atomically
from prune_core.base.npz import NPZ_ERRORS

STATE_FORMAT = 1


class Interrupted(Exception):
    """Not an error: somebody asked the work to stop, and its checkpoint is on disk."""


@dataclass
class TrainingState:
    """Weights, optimiser and place. Random state is not in it: every draw is a function of (stream, epoch, step).

    Attributes:
        epoch: whole epochs done.
        step: steps done in the epoch after them.
        network: state dict of the network.
        optimizer: state dict of the optimiser; None before the first step.
        seconds: wall time of training so far.
        sums: running loss, hits and images of the unfinished epoch.
        notes: plain data of the caller (which training this is, the shape of the network).
        masks: boolean masks in force, by parameter name, 1 keep.
    """

    epoch: int = 0
    step: int = 0
    network: dict[str, torch.Tensor] = field(default_factory=dict)
    optimizer: dict[str, Any] | None = None
    seconds: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    masks: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def place(self) -> tuple[int, int]:
        """(epoch, step), which orders states of one training."""
        return self.epoch, self.step

    def save(self, path: Path) -> None:
        """Write the state atomically."""
        # Through memory: torch reports a full disk as a RuntimeError, writing bytes reports it as what it is.
        buffer = io.BytesIO()
        torch.save({"format": STATE_FORMAT, **self.__dict__}, buffer)
        write_atomically(path, lambda temporary: temporary.write_bytes(buffer.getbuffer()))

    @classmethod
    def load(cls, path: Path) -> TrainingState | None:
        """Return the state in a file, never executing what is in it; None if there is none or it is damaged.

        A damaged checkpoint only costs time: whoever asks starts from what is left.
        """
        if not path.exists():
            return None
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
        except (*NPZ_ERRORS, MemoryError, pickle.UnpicklingError):  # a zip file as well
            return None
        if not isinstance(content, dict) or content.pop("format", None) != STATE_FORMAT:
            return None
        try:
            return cls(**content)
        except TypeError:
            return None
