"""A training step as one CUDA graph: recorded once, proved against the same step run operator by operator, replayed.

A network of a hundred layers is over a thousand kernels a step, and launching them one by one takes longer than running
them. What cannot be captured, or does not prove itself, trains operator by operator, with the same bits, and says why.
"""

from __future__ import annotations

import random

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from prune_core.training.kept import Kept
from prune_core.training.step import DeviceStep
from prune_core.training.trace import OperatorTrace

PROOF_STEPS = 3
"""Steps that are run eagerly and replayed, and have to agree to the bit."""


class NotCaptured(Exception):
    """The step cannot be replayed; the message says why, in a few words."""


class Graph:
    """A captured step.

    Attributes:
        gradients: those that the captured backward pass writes; nobody else may free them.
    """

    def __init__(self, step: DeviceStep, graph: torch.cuda.CUDAGraph) -> None:
        self._graph: torch.cuda.CUDAGraph | None = graph
        self.gradients = [parameter.grad for parameter in step.optimizer.parameters]
        step.optimizer.forget_gradients()

    def replay(self) -> None:
        """Do the next step, on the current stream."""
        if self._graph is None:
            raise RuntimeError("the graph is closed")
        self._graph.replay()

    def close(self) -> None:
        """Give its memory back; harmless when it is closed already."""
        graph, self._graph = self._graph, None
        self.gradients = []
        if graph is not None:
            graph.reset()
            torch.cuda.empty_cache()


def capturable(device: torch.device) -> bool:
    """Return whether steps on a kind of device can be captured at all."""
    return device.type == "cuda"


def capture(step: DeviceStep) -> Graph:
    """Return the graph of a step that has begun an epoch; every value is afterwards as it was.

    No other thread may use the device meanwhile.

    Raises:
        NotCaptured: the step cannot be captured, or its replays differ from the step; training can go on without.
    """
    if step.full < PROOF_STEPS:
        raise NotCaptured(f"fewer than {PROOF_STEPS} whole batches an epoch")
    refuse_by_module(step.network)
    kept = Kept(step.tensors(), step.device)
    graph: Graph | None = None
    try:
        step.counter.zero_()
        side = torch.cuda.Stream(step.device)  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream(step.device))
        with torch.cuda.stream(side):
            # the first steps on a stream also make the workspaces of cuBLAS and cuDNN, which no capture may do
            refuse_by_trace(step)
            step.counter.zero_()
            step.run()
            step.optimizer.forget_gradients()
        torch.cuda.current_stream(step.device).wait_stream(side)
        graph = Graph(step, _captured(step, side))
        _prove(step, graph, kept)
    except (RuntimeError, NotCaptured) as error:
        if graph is not None:
            graph.close()
        text = str(error).strip().splitlines()
        raise NotCaptured(text[0][:200] if text else type(error).__name__) from error
    finally:
        step.optimizer.forget_gradients()
        kept.restore()
    return graph


def refuse_by_module(network: nn.Module) -> None:
    """Refuse what is known to read a value on the host at every step.

    Raises:
        NotCaptured: a batch norm without momentum averages over a number of batches that only the host divides by.
    """
    for name, module in network.named_modules():
        if isinstance(module, _BatchNorm) and module.momentum is None and module.track_running_stats:
            raise NotCaptured(f"batch norm {name!r} has momentum=None")


def refuse_by_trace(step: DeviceStep) -> None:
    """Do two steps, and refuse the step where a replay of one would not be the other.

    Raises:
        NotCaptured: it reads values on the host, draws random numbers there, replaces a tensor instead of writing into it,
            or does something else the second time.
    """
    before, drawn = [id(tensor) for tensor in step.tensors()], _host_random()
    traces = []
    for _ in range(2):
        with OperatorTrace() as trace:
            step.run()
        traces.append(trace)
    if traces[0].host_read is not None:
        raise NotCaptured(f"the forward pass reads a value on the host ({traces[0].host_read})")
    if _host_random() != drawn:
        raise NotCaptured("the forward pass draws random numbers on the host")
    if [id(tensor) for tensor in step.tensors()] != before:
        raise NotCaptured("the forward pass replaces a parameter or buffer instead of writing into it")
    if traces[0].called != traces[1].called:
        raise NotCaptured("two steps are not the same operators")


def _captured(step: DeviceStep, side: torch.cuda.Stream) -> torch.cuda.CUDAGraph:
    graph = torch.cuda.CUDAGraph()
    generator = torch.cuda.default_generators[step.device.index or 0]
    spare, current = generator.clone_state(), torch.cuda.current_stream(step.device)
    try:
        with torch.cuda.graph(graph, stream=side):
            step.run()
    except RuntimeError:
        # a capture that failed may leave its stream the current one, and the generator believing that it goes on
        torch.cuda.set_stream(current)
        generator.graphsafe_set_state(spare)
        raise
    return graph


def _prove(step: DeviceStep, graph: Graph, kept: Kept) -> None:
    kept.restore()
    step.counter.zero_()
    for _ in range(PROOF_STEPS):
        step.run()
    step.optimizer.forget_gradients()
    eager = Kept(step.tensors(), step.device)
    kept.restore()
    step.counter.zero_()
    for _ in range(PROOF_STEPS):
        graph.replay()
    if not eager.same_as(step.tensors()):
        raise NotCaptured(f"{PROOF_STEPS} replays differ from {PROOF_STEPS} steps")


def _host_random() -> tuple[object, ...]:
    name, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002  (what a user's forward pass would draw from)
    return random.getstate(), name, bytes(np.asarray(keys)), tuple(rest), bytes(torch.get_rng_state().numpy())
