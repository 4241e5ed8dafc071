"""The training loop against hand-written steps, and against itself interrupted."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from prune_core.base.errors import BadInput, Diverged
from prune_core.training import Checkpoint, DeviceData, Interrupted, Recipe, TrainingState, train

STREAM = ("test", 0)


def small_net(seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16, 3),
    )


def small_data(augmentation: str = "none", count: int = 50) -> DeviceData:
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (count, 8, 8, 1), dtype=np.uint8)
    labels = draw.integers(0, 3, count)
    return DeviceData.of(images, labels, mean=(0.5,), std=(0.25,), augmentation=augmentation)


def weights(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_is_the_hand_written_one(nesterov):
    """v = m v + (g + d w); w -= lr v, with Nesterov w -= lr (g + d w + m v): in float64, linear softmax."""
    network: Any = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    data = small_data(count=32)
    recipe = Recipe(epochs=1, batch_size=8, learning_rate=0.1, momentum=0.9, weight_decay=0.01, nesterov=nesterov)
    w = network[1].weight.detach().double().numpy().copy()
    b = network[1].bias.detach().double().numpy().copy()
    vw, vb = np.zeros_like(w), np.zeros_like(b)
    for images, labels in data.batches(8, STREAM, 0):
        x = images.reshape(len(labels), -1).double().numpy()
        z = x @ w.T + b
        p = np.exp(z - z.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        p[np.arange(len(labels)), labels.numpy()] -= 1
        gw, gb = p.T @ x / len(labels) + 0.01 * w, p.mean(0) + 0.01 * b
        vw, vb = 0.9 * vw + gw, 0.9 * vb + gb
        w -= 0.1 * (gw + 0.9 * vw if nesterov else vw)
        b -= 0.1 * (gb + 0.9 * vb if nesterov else vb)
    train(network, data, recipe, epochs_from=0, epochs_to=1, stream=STREAM)
    np.testing.assert_allclose(network[1].weight.detach().numpy(), w, atol=2e-6)
    np.testing.assert_allclose(network[1].bias.detach().numpy(), b, atol=2e-6)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(batch_size=8, momentum=0.9, weight_decay=0.01),
        Recipe(batch_size=8, momentum=0.9, weight_decay=0.01, nesterov=True),
        Recipe(batch_size=8, momentum=0.0),
    ],
)
def test_a_step_is_that_of_torch(recipe):
    """Five epochs in float32, to the bit."""
    ours, theirs = small_net(), small_net()
    data = small_data()
    train(ours, data, recipe, epochs_from=0, epochs_to=5, stream=STREAM)
    oracle = torch.optim.SGD(
        theirs.parameters(), lr=0.1, momentum=recipe.momentum, weight_decay=recipe.weight_decay, nesterov=recipe.nesterov
    )
    theirs.to(memory_format=torch.channels_last).train()
    for epoch in range(5):
        for images, labels in data.batches(8, STREAM, epoch):
            oracle.zero_grad()
            nn.functional.cross_entropy(theirs(images), labels).backward()
            oracle.step()
    assert same(weights(ours), weights(theirs))


def test_slimming_adds_the_sign_of_the_scale():
    """One plain step from the same start: the scales differ by exactly -lr s sign(gamma), nothing else does."""
    start = small_net()
    with torch.no_grad():
        start[1].weight.copy_(torch.tensor([0.5, -0.5, 0.0, 2.0]))
    after = []
    for strength in (0.0, 0.25):
        network = copy.deepcopy(start)
        recipe = Recipe(epochs=1, batch_size=64, learning_rate=0.5, momentum=0.0, weight_decay=0.0, sparsity=strength)
        train(network, small_data(), recipe, epochs_from=0, epochs_to=1, stream=STREAM)
        after.append(weights(network))
    torch.testing.assert_close(after[1]["1.weight"] - after[0]["1.weight"], -0.125 * torch.tensor([1.0, -1.0, 0.0, 1.0]))
    assert all(torch.equal(after[0][name], after[1][name]) for name in after[0] if name != "1.weight")


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(epochs=3, batch_size=16, augmentation="shift", nesterov=True, schedule="cosine"),
        Recipe(epochs=3, batch_size=7, augmentation="crop_flip", sparsity=1e-3, schedule="step", milestones=(1, 2)),
        Recipe(epochs=3, batch_size=16, precision="bf16"),
    ],
)
def test_going_on_gives_the_same_bits(tmp_path, recipe):
    data = small_data(recipe.augmentation)
    undisturbed = small_net()
    seen: list[tuple[int, dict[str, float]]] = []
    train(undisturbed, data, recipe, epochs_from=0, epochs_to=3, stream=STREAM, on_epoch=lambda e, m: seen.append((e, m)))
    draw = random.Random(1)
    file, again = tmp_path / "state.pt", []
    for attempt in range(200):
        network = small_net(seed=attempt)  # whatever it holds is replaced by the checkpoint
        if attempt == 0:
            network = small_net()
        left = draw.randint(0, 5)
        steps = iter(range(left + 1))

        def exhausted(steps: Iterator[int] = steps) -> bool:
            return next(steps, None) is None

        try:
            train(
                network,
                data,
                recipe,
                epochs_from=0,
                epochs_to=3,
                stream=STREAM,
                state=TrainingState.load(file),
                should_stop=exhausted,
                on_epoch=lambda e, m: again.append((e, m)),
                checkpoint=Checkpoint(lambda state: state.save(file), seconds=1e9),
            )
        except Interrupted:
            continue
        break
    assert attempt > 2
    assert same(weights(network), weights(undisturbed))
    assert [(e, m["loss"], m["accuracy"]) for e, m in again] == [(e, m["loss"], m["accuracy"]) for e, m in seen]


def test_a_checkpoint_by_time_goes_on_too(tmp_path):
    data, recipe = small_data("shift"), Recipe(epochs=2, batch_size=16)
    states: list[tuple[int, int]] = []
    network = small_net()

    def save(state):
        state.save(tmp_path / f"{len(states)}.pt")
        states.append(state.place)

    train(network, data, recipe, epochs_from=0, epochs_to=2, stream=STREAM, checkpoint=Checkpoint(save, seconds=0.0))
    assert states == [(0, 1), (0, 2), (0, 3), (0, 4), (1, 1), (1, 2), (1, 3), (1, 4)]
    for number in (1, 3, 6):
        other = small_net(seed=9)
        train(
            other,
            data,
            recipe,
            epochs_from=0,
            epochs_to=2,
            stream=STREAM,
            state=TrainingState.load(tmp_path / f"{number}.pt"),
        )
        assert same(weights(other), weights(network))


def test_a_damaged_checkpoint_is_no_checkpoint(tmp_path):
    file = tmp_path / "state.pt"
    assert TrainingState.load(file) is None
    TrainingState(epoch=2, notes={"key": "a"}).save(file)
    loaded = TrainingState.load(file)
    assert loaded is not None and loaded.notes == {"key": "a"}
    file.write_bytes(file.read_bytes()[:-100])
    assert TrainingState.load(file) is None
    file.write_bytes(b"")
    assert TrainingState.load(file) is None


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_masks_hold_exactly(precision):
    network = small_net()
    mask = torch.rand(network[0].weight.shape, generator=torch.Generator().manual_seed(3)) > 0.5
    recipe = Recipe(epochs=3, batch_size=16, momentum=0.9, weight_decay=0.1, nesterov=True, precision=precision)
    before = network[0].weight.detach().clone()
    train(network, small_data(), recipe, epochs_from=0, epochs_to=3, stream=STREAM, masks={"0.weight": mask})
    after = network[0].weight.detach()
    assert torch.equal(after != 0, mask)
    assert not torch.signbit(after[~mask]).any()
    assert (after[mask] != before[mask]).all()


def test_masks_hold_against_momentum_from_before():
    """An optimiser state that still pulls at a weight does not bring it back."""
    network, data = small_net(), small_data()
    recipe = Recipe(epochs=2, batch_size=16)
    state = train(network, data, recipe, epochs_from=0, epochs_to=1, stream=STREAM)
    mask = torch.ones_like(network[0].weight, dtype=torch.bool)
    mask[1] = False
    train(network, data, recipe, epochs_from=1, epochs_to=2, stream=STREAM, masks={"0.weight": mask}, state=state)
    assert torch.equal(network[0].weight.detach() != 0, mask)


def test_a_mask_of_nothing_is_refused():
    with pytest.raises(BadInput, match="fits no parameter"):
        train(
            small_net(), small_data(), Recipe(), epochs_from=0, epochs_to=1, stream=STREAM, masks={"7.weight": torch.ones(1)}
        )


def test_an_infinite_loss_is_said():
    recipe = Recipe(epochs=3, batch_size=16, learning_rate=1e30)
    with pytest.raises(Diverged, match="epoch"):
        train(small_net(), small_data(), recipe, epochs_from=0, epochs_to=3, stream=STREAM)


def test_training_learns():
    """Images whose brightness is the label: the loss falls and the accuracy rises above chance."""
    labels = np.arange(90) % 3
    images = np.repeat((labels * 100).astype(np.uint8), 64).reshape(90, 8, 8, 1)
    data = DeviceData.of(images, labels, mean=(0.4,), std=(0.3,))
    network, metrics = small_net(), []
    train(
        network,
        data,
        Recipe(epochs=10, batch_size=16),
        epochs_from=0,
        epochs_to=10,
        stream=STREAM,
        on_epoch=lambda _, values: metrics.append(values),
    )
    assert metrics[-1]["loss"] < 0.5 * metrics[0]["loss"]
    assert metrics[-1]["accuracy"] > 0.9
