"""Trainings that do not end before a test allows it, so that no test has to guess how fast a machine is."""

from __future__ import annotations

from pathlib import Path

HOLDS = "PRUNEFRONT_TEST_BRAKE"
"""The variable that Ray's nodes have and the driver has not: a driver trains for a moment, to measure how fast that is."""

_NETWORK = """
import os
import time
from pathlib import Path

from torch import nn
from prune_core.networks import NETWORKS

RELEASED = Path({released!r})


class Braked(nn.Sequential):
    def forward(self, images):
        end = time.monotonic() + {seconds}
        while {variable!r} in os.environ and self.training and not RELEASED.exists() and time.monotonic() < end:
            time.sleep(0.02)
        return super().forward(images)


@NETWORKS.register("braked")
def build(*, num_classes: int, in_channels: int) -> nn.Module:
    return Braked(
        nn.Conv2d(in_channels, 4, 3, stride=2, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        nn.Linear(16, num_classes),
    )
"""

_STUDY = """
name: braked
demonstration: true
data: {{name: digits, validation: 100, test: 100, train: 200}}
networks: {{braked: {{}}}}
training: {{epochs: {epochs}, learning_rate: 0.1, batch_size: 200}}
fine_tuning: {{learning_rate: 0.01}}
arms: [{{methods: [unstructured]}}]
ratios: [0.5]
budgets: [0]
seeds: {seeds}
evaluation: {{corruptions: none, train_images: 100}}
plugins: [brake]
"""


class Brake:
    """A study, in ``folder``, with one baseline per seed that takes ``seconds`` for each epoch until it is released."""

    def __init__(self, folder: Path, *, epochs: int, seeds: list[int], seconds: float) -> None:
        self.study = folder / "braked.yaml"
        self._released = folder / "released"
        self.study.write_text(_STUDY.format(epochs=epochs, seeds=seeds))
        (folder / "brake.py").write_text(_NETWORK.format(released=str(self._released), seconds=seconds, variable=HOLDS))

    def release(self) -> None:
        """Let every training go on at its own speed."""
        self._released.touch()
