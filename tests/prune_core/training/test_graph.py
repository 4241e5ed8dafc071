"""When a step is captured, what proves it, and what is done without it: with a recorder of operators in place of CUDA.

The recorder runs the very operators of the step again on the same tensors. What only a GPU can show (kernels, streams,
memory) is in the checks of `benchmarks.gpu`.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from prune_core.training import Checkpoint, Interrupted, Session, TrainingState
from prune_core.training import graph as graphs
from prune_core.training import session as sessions
from prune_core.training.graph import capture
from prune_core.training.kept import Kept
from tests.prune_core.training.recorder import (
    RECIPE,
    Device,
    Generator,
    Recorder,
    Stream,
    images,
    same,
    small_net,
    trained,
)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch, device: Device) -> Generator:
    @contextlib.contextmanager
    def capturing(graph: Recorder, pool: tuple[int, int], stream: Stream, capture_error_mode: str) -> Iterator[None]:
        """A failure leaves the stream current, as in torch before 2.12."""
        assert graph.trace is not None and pool == device.pools[-1] and capture_error_mode == "thread_local"
        assert not gc.isenabled() and device.current == "main"
        assert all(tensor.grad is None for tensor in device.watched.parameters())
        device.calls.append(("capture", stream.name))
        device.current = stream.name
        with graph.trace:
            yield
        device.current = "main"

    generator = Generator()
    monkeypatch.setattr(Recorder, "made", [])
    monkeypatch.setattr(Recorder, "spoil", None)
    monkeypatch.setattr(graphs, "_SIDES", {})
    monkeypatch.setattr(graphs, "_BROKEN", [])
    stand_in = {
        "CUDAGraph": Recorder,
        "Stream": device.new_stream,
        "current_stream": lambda _: Stream(device, device.current),
        "set_stream": device.set_stream,
        "stream": device.on,
        "graph": capturing,
        "graph_pool_handle": device.new_pool,
        "default_generators": (generator,),
        "empty_cache": device.note("empty"),
    }
    for name, value in stand_in.items():
        monkeypatch.setattr(torch.cuda, name, value)
    for name in ("_cuda_endAllocateToPool", "_cuda_releasePool"):
        monkeypatch.setattr(torch._C, name, device.note(name), raising=False)
    monkeypatch.setattr(sessions, "capturable", lambda _: True)
    monkeypatch.setattr(sessions, "WORTH_STEPS", 5)
    return generator


@pytest.fixture
def eager() -> nn.Module:
    """Trained by the same steps, one by one; set up before the recorder."""
    network = small_net()
    trained(network, Session())
    return network


def test_a_captured_training_has_the_bits_of_an_eager_one(eager: nn.Module, recorded: Generator) -> None:
    """Three epochs of falling rates with a smaller last batch, replayed but for that one."""
    network, session = small_net(), Session()
    state = trained(network, session)
    assert session.path == state.notes["training_path"] == "graph"
    (recorder,) = Recorder.made
    assert recorder.replays == graphs.PROOF_STEPS + 3 * 6
    assert same(network, eager) and recorded.restored == []
    session.close()
    assert recorder.trace is None and session.path == ""


def test_one_capture_serves_the_budgets_of_a_walk_and_a_checkpoint(
    eager: nn.Module, recorded: Generator, tmp_path: Any
) -> None:
    network, session = small_net(), Session()
    state = trained(network, session, 0, 1)
    state = trained(network, session, 1, 3, state=state, recipe=replace(RECIPE, epochs=9))
    assert len(Recorder.made) == 1 and same(network, eager)
    session.close()
    # stopped between two replays, and on from the file in another session
    asked = iter(range(100))
    file = tmp_path / "state"
    with pytest.raises(Interrupted):
        trained(
            small_net(),
            Session(),
            should_stop=lambda: next(asked) == 10,
            checkpoint=Checkpoint(lambda state: state.save(file)),
        )
    found = TrainingState.load(file)
    assert found is not None and found.place == (1, 3)
    network = small_net()
    trained(network, Session(), state=found)
    assert same(network, eager)


def test_masks_hold_through_replays(recorded: Generator) -> None:
    mask = {"0.weight": torch.rand(4, 1, 3, 3, generator=torch.Generator().manual_seed(0)) > 0.5}
    network, session = small_net(), Session()
    trained(network, session, masks=mask)
    assert session.path == "graph" and (network[0].weight[~mask["0.weight"]] == 0).all()
    assert (network[0].weight[mask["0.weight"]] != 0).all()


def test_a_capture_changes_nothing(recorded: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights, statistics, momentum, counter, sums and the generator are those from before; no gradient is left."""
    seen: list[bool] = []
    real = capture

    def watched(step: Any) -> Any:
        before, drawn = Kept(step.tensors(), step.device), torch.get_rng_state()
        found = real(step)
        seen.append(before.same_as(step.tensors()) and torch.equal(drawn, torch.get_rng_state()))
        seen.append(all(parameter.grad is None for parameter in step.optimizer.parameters))
        seen.append(all(gradient is not None for gradient in found.gradients))
        return found

    monkeypatch.setattr(sessions, "capture", watched)
    trained(small_net(), Session())
    assert seen == [True, True, True]


def test_replays_that_differ_train_eagerly(eager: nn.Module, recorded: Generator, caplog: Any, monkeypatch: Any) -> None:
    def spoil(recorder: Recorder) -> None:
        with torch.no_grad():
            network[1].running_mean.add_(1e-6)

    network, session = small_net(), Session()
    monkeypatch.setattr(Recorder, "spoil", staticmethod(spoil))
    state = trained(network, session)
    assert state.notes["training_path"] == "eager: 3 replays differ from 3 steps"
    assert same(network, eager) and Recorder.made[0].trace is None
    assert [record.getMessage() for record in caplog.records] == [
        "training operator by operator: 3 replays differ from 3 steps"
    ]


class FailsIn(nn.Module):
    """A layer that no capture can hold, though no operator tells."""

    def __init__(self, active: Callable[[], bool]) -> None:
        super().__init__()
        self.active = active

    def forward(self, maps: Tensor) -> Tensor:
        if self.active():
            raise RuntimeError("operation not permitted when stream is capturing\nmore lines")
        return maps


def test_training_goes_on_after_a_capture_that_failed(recorded: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, session = small_net(nn.Identity()), Session()
    capturing = {"now": False}
    broken = FailsIn(lambda: capturing["now"])
    inner: Any = torch.cuda.graph

    @contextlib.contextmanager
    def noted(graph: Recorder, **how: Any) -> Iterator[None]:
        capturing["now"] = True
        try:
            with inner(graph, **how):
                yield
        finally:
            capturing["now"] = False

    monkeypatch.setattr(torch.cuda, "graph", noted)
    network = small_net(broken)
    state = trained(network, session)
    assert state.notes["training_path"] == "eager: operation not permitted when stream is capturing"
    assert recorded.restored == ["before"]
    monkeypatch.setattr(sessions, "capturable", lambda _: False)
    trained(plain, Session())
    assert same(network, plain)


class Broken(nn.Module):
    """Raises in the forward pass numbers ``when`` of those that train, counted from 1."""

    def __init__(self, when: set[int], error: Exception) -> None:
        super().__init__()
        self.when, self.error, self.count = when, error, 0

    def forward(self, maps: Tensor) -> Tensor:
        if maps.requires_grad:
            self.count += 1
        if self.count in self.when and maps.requires_grad:
            raise self.error
        return maps


@pytest.mark.parametrize(
    ("when", "error", "why"),
    [
        (1, RuntimeError("first traced step"), "first traced step"),
        (2, RuntimeError("second traced step"), "second traced step"),
        (3, torch.OutOfMemoryError("out of memory\nmore"), "out of memory"),
        (4, torch.OutOfMemoryError("in the capture"), "in the capture"),
        (4, AssertionError("no stream of yours may capture"), "no stream of yours may capture"),
        (5, RuntimeError("in the proof"), "in the proof"),
        (7, RuntimeError(""), "RuntimeError"),
    ],
)
def test_training_goes_on_wherever_the_capture_fails(
    recorded: Generator, device: Device, monkeypatch: pytest.MonkeyPatch, when: int, error: Exception, why: str
) -> None:
    """Two traced steps, one that warms up, the captured one, three of the proof: then the same bits as without."""
    network, session = small_net(Broken({when}, error)), Session()
    state = trained(network, session)
    assert state.notes["training_path"] == f"eager: {why}"
    assert device.current == "main" and gc.isenabled()
    captured = when == 4
    assert recorded.restored == ["before"] * captured and len(graphs._BROKEN) == captured
    told = [call for call in device.calls if str(call[0]).startswith("_cuda")]
    assert told == [(name, 0, (0, 1)) for name in ("_cuda_endAllocateToPool", "_cuda_releasePool")] * captured
    monkeypatch.setattr(sessions, "capturable", lambda _: False)
    plain = small_net(nn.Identity())
    trained(plain, Session())
    assert same(network, plain)


def test_an_allocation_that_is_ended_already_is_no_error(recorded: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(*_: object) -> None:
        raise RuntimeError("endAllocatePool: not currently recording to mempool_id")

    monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", ended)
    session = Session()
    trained(small_net(Broken({4}, RuntimeError("no"))), session)
    assert session.path == "eager: no"


def test_one_side_stream_serves_every_capture_and_is_in_order_with_the_others(recorded: Generator, device: Device) -> None:
    for _ in range(3):
        session = Session()
        trained(small_net(), session)
        session.close()
    assert device.streams == 1 and len(device.pools) == 3
    one = [("side 1", "waits for", "main"), ("main", "waits for", "side 1"), ("capture", "side 1"), ("empty",)]
    assert device.calls == one * 3


def test_no_gradient_is_alive_when_the_capture_begins(recorded: Generator, device: Device) -> None:
    device.watched = network = small_net()
    session = Session()
    trained(network, session)
    assert session.path == "graph" and all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize(
    ("extra", "why"),
    [
        (nn.BatchNorm1d(16, momentum=None), "batch norm '5' has momentum=None"),
        (FailsIn(lambda: bool(torch.zeros(1).item())), "reads a value on the host"),
    ],
)
def test_what_cannot_be_captured_is_not_tried(recorded: Generator, extra: nn.Module, why: str) -> None:
    session = Session()
    trained(small_net(extra), session)
    assert session.path.startswith("eager: ") and why in session.path and Recorder.made == []


def test_short_trainings_are_not_captured_until_a_longer_one_comes(recorded: Generator, monkeypatch: Any) -> None:
    monkeypatch.setattr(sessions, "WORTH_STEPS", 10)
    network, session = small_net(), Session()
    state = trained(network, session, 0, 1)
    assert session.path == sessions.SHORT and Recorder.made == []
    trained(network, session, 1, 3, state=state)
    assert session.path == "graph" and len(Recorder.made) == 1


def test_an_epoch_of_few_batches_is_not_captured(recorded: Generator) -> None:
    session = Session()
    trained(small_net(), session, data=images(20))
    assert session.path == "eager: fewer than 3 whole batches an epoch"


def test_a_closed_graph_is_not_replayed(recorded: Generator) -> None:
    network, session = small_net(), Session()
    trained(network, session)
    graph = session._graph
    assert graph is not None
    session.close()
    with pytest.raises(RuntimeError, match="closed"):
        graph.replay()
    graph.close()
