"""Training by steps that are queued: on the CPU here, where the same code runs operator by operator."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from prune_core.base.errors import Diverged
from prune_core.training import Checkpoint, DeviceData, Interrupted, Recipe, Session, TrainingState, train
from prune_core.training.session import SHORT

pytestmark = pytest.mark.usefixtures("one_thread")
STREAM = ("test", 0)
RECIPE = Recipe(epochs=3, batch_size=8, learning_rate=0.05, augmentation="shift", schedule="step", milestones=(1, 2))


def small_net() -> Any:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3)
    )


@pytest.fixture(scope="module")
def data() -> DeviceData:
    """50 images: six batches of 8 and a last one of 2."""
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (50, 8, 8, 1), dtype=np.uint8)
    return DeviceData.of(images, draw.integers(0, 3, 50), mean=(0.5,), std=(0.25,), augmentation="shift")


def test_queued_steps_are_the_steps_of_the_loop(data: DeviceData) -> None:
    """Same images, rates, sums and masks; the last bits may differ, as the update is rounded twice."""
    plain, queued = small_net(), small_net()
    mask = {"0.weight": torch.rand(4, 1, 3, 3) > 0.5}
    told: dict[str, list[dict[str, float]]] = {"plain": [], "queued": []}

    def record(name: str, _: int, metrics: Any) -> None:
        told[name].append(metrics)

    for name, network, session in (("plain", plain, None), ("queued", queued, Session())):
        train(
            network,
            data,
            RECIPE,
            epochs_from=0,
            epochs_to=3,
            stream=STREAM,
            masks=mask,
            session=session,
            on_epoch=partial(record, name),
        )
    for (name, one), other in zip(plain.state_dict().items(), queued.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5, msg=name)
    assert (queued[0].weight[~mask["0.weight"]] == 0).all()
    for one, other in zip(told["plain"], told["queued"], strict=True):
        assert one["accuracy"] == other["accuracy"] and one["learning_rate"] == other["learning_rate"]
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-5)


def test_a_kept_session_and_a_fresh_one_give_the_same_bits(data: DeviceData) -> None:
    """Two calls with one session, two with one each, and one that is interrupted in mid-epoch and goes on from its file."""
    once, kept, fresh = small_net(), small_net(), small_net()
    train(once, data, RECIPE, epochs_from=0, epochs_to=3, stream=STREAM, session=Session())
    session = Session()
    state = train(kept, data, RECIPE, epochs_from=0, epochs_to=1, stream=STREAM, session=session)
    assert state.optimizer is not None
    momentum = state.optimizer["momentum"]
    # a budget is another length, and the schedule does not refer to it
    again = train(
        kept, data, replace(RECIPE, epochs=9), epochs_from=1, epochs_to=3, stream=STREAM, state=state, session=session
    )
    assert again.optimizer is not None and all(
        one is other for one, other in zip(again.optimizer["momentum"], momentum, strict=True)
    )
    state = train(fresh, data, RECIPE, epochs_from=0, epochs_to=1, stream=STREAM, session=Session())
    train(fresh, data, RECIPE, epochs_from=1, epochs_to=3, stream=STREAM, state=state, session=Session())
    for one, two, three in zip(
        once.state_dict().values(), kept.state_dict().values(), fresh.state_dict().values(), strict=True
    ):
        assert torch.equal(one, two) and torch.equal(one, three)


@pytest.mark.parametrize("stop_at", [3, 6, 7, 10])
def test_interrupted_and_resumed(tmp_path, data: DeviceData, stop_at: int) -> None:
    undisturbed, disturbed = small_net(), small_net()
    train(undisturbed, data, RECIPE, epochs_from=0, epochs_to=2, stream=STREAM, session=Session())
    asked = iter(range(100))
    checkpoint = Checkpoint(lambda state: state.save(tmp_path / "state"))
    with pytest.raises(Interrupted):
        train(
            disturbed,
            data,
            RECIPE,
            epochs_from=0,
            epochs_to=2,
            stream=STREAM,
            session=Session(),
            should_stop=lambda: next(asked) == stop_at,
            checkpoint=checkpoint,
        )
    state = TrainingState.load(tmp_path / "state")
    assert state is not None and state.place == divmod(stop_at, 7)
    resumed = small_net()
    train(resumed, data, RECIPE, epochs_from=0, epochs_to=2, stream=STREAM, session=Session(), state=state)
    for one, other in zip(undisturbed.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_another_network_recipe_or_mask_gets_a_step_of_its_own(data: DeviceData) -> None:
    session, network = Session(), small_net()

    def step_after(network: nn.Module, recipe: Recipe, masks: dict[str, torch.Tensor] | None = None) -> object:
        train(network, data, recipe, epochs_from=0, epochs_to=1, stream=STREAM, session=session, masks=masks)
        return session._step

    first = step_after(network, RECIPE)
    assert step_after(network, replace(RECIPE, learning_rate=0.01, schedule="cosine", milestones=())) is first
    assert step_after(network, replace(RECIPE, momentum=0.5)) is not first
    second = step_after(network, RECIPE)
    assert step_after(copy.deepcopy(network), RECIPE) is not second
    third = step_after(network, RECIPE)
    assert step_after(network, RECIPE, {"0.weight": torch.ones(4, 1, 3, 3, dtype=torch.bool)}) is not third
    fourth = step_after(network, RECIPE)
    network[0].weight.data = network[0].weight.data.clone()  # the memory that a graph would write into
    assert step_after(network, RECIPE) is not fourth


def test_the_session_says_how_it_trained(data: DeviceData) -> None:
    session = Session()
    assert session.path == ""
    train(small_net(), data, RECIPE, epochs_from=0, epochs_to=1, stream=STREAM, session=session)
    assert session.path == "eager: no graphs on cpu"
    session.close()
    session.close()
    assert session.path == "" and SHORT.startswith("eager: ")


def test_divergence_is_seen_between_steps(data: DeviceData) -> None:
    with pytest.raises(Diverged):
        train(
            small_net(),
            data,
            Recipe(epochs=2, batch_size=8, learning_rate=1e30, augmentation="shift"),
            epochs_from=0,
            epochs_to=2,
            stream=STREAM,
            session=Session(),
        )


def test_the_cpu_has_no_session() -> None:
    assert Session.on(torch.device("cpu")) is None
    assert isinstance(Session.on(torch.device("cuda")), Session)


class Flattens(nn.Module):
    """As tutorials do it: only the ordinary layout can be viewed like that."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 4, 3, padding=1)
        self.head = nn.Linear(4 * 64, 3)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        maps = self.convolution(pictures)
        logits: torch.Tensor = self.head(maps.view(len(maps), -1))
        return logits


def test_a_network_of_the_ordinary_layout(data: DeviceData) -> None:
    networks = []
    for session in (None, Session()):
        torch.manual_seed(0)
        networks.append(Flattens())
        train(networks[-1], data, RECIPE, epochs_from=0, epochs_to=2, stream=STREAM, session=session)
    for one, other in zip(networks[0].state_dict().values(), networks[1].state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
