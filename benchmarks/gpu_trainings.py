"""Small trainings that the checks of a GPU compare; run as a module this file is one that waits to be killed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from prune_core.evaluation.evaluation import forward_logits
from prune_core.networks import build_network
from prune_core.pruning import METHODS, outcome_of, prune
from prune_core.training import Checkpoint, DeviceData, Recipe, Session, TrainingState, prepare_runtime, train
from prune_core.training import session as sessions

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
STREAM = ("gpu check", 0)
RECIPE = Recipe(epochs=2, batch_size=8, learning_rate=0.01, augmentation="crop_flip")
CPU = torch.device("cpu")
Logits = NDArray[np.float32]


class CheckFailed(Exception):
    """Something is not as it should be; the message says what."""


def require(condition: bool, message: str) -> None:
    """Raise `CheckFailed` where something is not so."""
    if not condition:
        raise CheckFailed(message)


def made_pixels(count: int) -> NDArray[np.uint8]:
    """Return uint8 images (N, 32, 32, 3)."""
    return np.random.default_rng(1).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def images_on(device: torch.device, count: int) -> DeviceData:
    """Return so many made-up images of 32 x 32, always the same."""
    labels = np.random.default_rng(2).integers(0, 10, count)
    return DeviceData.of(made_pixels(count), labels, mean=MEAN, std=STD, augmentation="crop_flip", device=device)


def course(name: str, method: str | None, device: torch.device, count: int = 36) -> tuple[Logits, Logits]:
    """Prune a small network, train it, on a GPU by a graph, and return its logits (40, 10) before and after training."""
    torch.manual_seed(0)
    network, masks = build_network(name, width=8), {}
    if method is not None:
        batches = {"batches": list(images_on(CPU, 32).batches(8, STREAM, 0))} if METHODS.get(method).needs_batches else {}
        network = prune(network, method, 0.5, **batches)
        masks = outcome_of(network).masks
    recipe = Recipe(epochs=1, batch_size=8, learning_rate=1e-4, augmentation="crop_flip")
    before = forward_logits(network, made_pixels(40), MEAN, STD, device=device)
    session = Session.on(device)
    with worth(1):
        train(
            network.to(device),
            images_on(device, count),  # four whole batches and a smaller last one
            recipe,
            epochs_from=0,
            epochs_to=1,
            stream=STREAM,
            masks=masks,
            session=session,
        )
    if session is not None:
        path = session.path
        session.close()
        require(path == sessions.GRAPH, f"{name}, {method}: {path}")
    weights = dict(network.named_parameters())
    require(all(bool((weights[mask].cpu()[~keep.cpu()] == 0).all()) for mask, keep in masks.items()), "a mask does not hold")
    return before, forward_logits(network, made_pixels(40), MEAN, STD, device=device)


def trained(
    device: torch.device,
    precision: str,
    session: Session,
    dropout: float = 0.0,
    state: TrainingState | None = None,
    file: Path | None = None,
    more: Callable[[Tensor], Tensor] = functional.relu,
) -> dict[str, Any]:
    """Train the small network for two epochs; return its weights, and the path of its session."""
    torch.manual_seed(0)
    network = small(more=more, dropout=dropout).to(device)
    torch.cuda.manual_seed(0)
    recipe = Recipe.from_dict({**RECIPE.to_dict(), "precision": precision})
    save = None if file is None else Checkpoint(lambda now: now.save(file), 0.0)
    try:
        train(
            network,
            images_on(device, 516),  # 64 whole batches and a last one of 4
            recipe,
            epochs_from=0,
            epochs_to=2,
            stream=STREAM,
            session=session,
            state=state,
            checkpoint=save,
            should_stop=None if file is None else _slowly,
        )
        return {"weights": network.state_dict(), "path": session.path}
    finally:
        session.close()


@contextmanager
def worth(steps: int) -> Iterator[None]:
    """Capture trainings of so many steps."""
    before, sessions.WORTH_STEPS = sessions.WORTH_STEPS, steps
    try:
        yield
    finally:
        sessions.WORTH_STEPS = before


class _More(nn.Module):
    def __init__(self, more: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.more = more

    def forward(self, maps: Tensor) -> Tensor:
        return self.more(maps)


def reads_host(maps: Tensor) -> Tensor:
    """Return the maps, after a look at one of them: no graph can hold that, and the operators tell."""
    return maps * (1.0 if float(maps.detach().abs().max()) >= 0 else 0.0)


def synchronises(maps: Tensor) -> Tensor:
    """Return the positive part, and wait for the GPU: no graph can hold that, and no operator tells."""
    if maps.is_cuda:
        torch.cuda.synchronize()
    return maps.relu()


def small(more: Callable[[Tensor], Tensor] = functional.relu, dropout: float = 0.0) -> nn.Module:
    """Return a network of one convolution, with what is to be tried in the middle."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        _More(more),
        nn.Dropout(dropout),
        nn.AvgPool2d(16),
        nn.Flatten(),
        nn.Linear(16, 10),
    )


def _slowly() -> bool:
    """Never stop, but leave time to be killed."""
    time.sleep(0.02)
    return False


def main() -> None:
    """Train until somebody kills this process, a checkpoint after every step."""
    trained(prepare_runtime(device=sys.argv[2]), "fp32", Session(), file=Path(sys.argv[1]))


if __name__ == "__main__":
    main()
