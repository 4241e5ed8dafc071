"""A training step as one CUDA graph: recorded once, proved against the same step run operator by operator, replayed.

A network of a hundred layers is over a thousand kernels a step, and launching them one by one takes longer than running
them. What cannot be captured, or does not prove itself, trains operator by operator, with the same bits, and says why.
"""

from __future__ import annotations

import gc
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from prune_core.training.kept import Kept
from prune_core.training.step import DeviceStep
from prune_core.training.trace import OperatorTrace

PROOF_STEPS = 3
"""Steps that are run eagerly and replayed, and have to agree to the bit."""


_SIDES: dict[torch.device, torch.cuda.Stream] = {}
"""One capturing stream a device: every further one would take workspaces of cuBLAS for as long as the process lives."""

_BROKEN: list[torch.cuda.CUDAGraph] = []
"""Captures that failed: the allocator goes on asking some of them, so they are never freed. They hold no memory."""


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


def capture(step: DeviceStep, side: torch.cuda.Stream | None = None) -> Graph:
    """Return the graph of a step that has begun an epoch; every value is afterwards as it was.

    Args:
        step: no tensor of an earlier one, as its loss or its logits, may be alive.
        side: the stream to capture on, by default the device's. Graphs that are replayed side by side need one each: the
            workspaces of cuBLAS belong to the stream.

    Raises:
        NotCaptured: the step cannot be captured, or its replays differ from the step; training can go on without.
    """
    if step.full < PROOF_STEPS:
        raise NotCaptured(f"fewer than {PROOF_STEPS} whole batches an epoch")
    refuse_by_module(step.network)
    kept = Kept(step.tensors(), step.device)
    why = ""
    try:
        return _proved(step, kept, _side(step.device) if side is None else side)
    except RuntimeError as error:
        why = first_cause(error)  # not raised from here: the frames of the error hold the tensors of the step
    finally:
        step.optimizer.forget_gradients()
        kept.restore()
    raise NotCaptured(why)


def _proved(step: DeviceStep, kept: Kept, side: torch.cuda.Stream) -> Graph:
    step.counter.zero_()
    side.wait_stream(torch.cuda.current_stream(step.device))
    with torch.cuda.stream(side):
        # the first steps on a stream also make the workspaces of cuBLAS and cuDNN, and load the kernels
        refuse_by_trace(step)
        step.counter.zero_()
        step.run()
        step.optimizer.forget_gradients()
    torch.cuda.current_stream(step.device).wait_stream(side)
    graph = Graph(step, _captured(step, side))
    try:
        _prove(step, graph, kept)
    except (RuntimeError, NotCaptured):
        graph.close()
        raise
    return graph


def _side(device: torch.device) -> torch.cuda.Stream:
    if device not in _SIDES:
        _SIDES[device] = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    return _SIDES[device]


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
    """Return the captured step; clean up after a capture that failed.

    Raises:
        NotCaptured: it failed, and the device is as usable as before.
    """
    graph, pool = torch.cuda.CUDAGraph(), torch.cuda.graph_pool_handle()
    generator = torch.cuda.default_generators[step.device.index or 0]
    spare, current = generator.clone_state(), torch.cuda.current_stream(step.device)
    why = ""
    with _no_collection():
        try:
            # of this thread: another one (a user's, a library's) may call what no capture allows
            with torch.cuda.graph(graph, pool=pool, stream=side, capture_error_mode="thread_local"):
                step.run()
            return graph
        except Exception as error:  # noqa: BLE001  (whatever a user's forward pass raises, which has just run without)
            why = first_cause(error)
    # it may leave its stream the current one, the generator believing that it goes on, and the allocator too
    torch.cuda.set_stream(current)
    generator.graphsafe_set_state(spare)
    step.optimizer.forget_gradients()
    _BROKEN.append(graph)
    _release(pool, step.device.index or 0)
    raise NotCaptured(why)


def _release(pool: tuple[int, int], index: int) -> None:
    """Give back the memory of a capture that failed.

    ``capture_end`` of some releases of torch ends the allocation to the pool only where the capture succeeded. Then
    ``empty_cache`` fails for as long as the process lives, and memory that ran out is never looked for among what is free.
    """
    for give_back in ("_cuda_endAllocateToPool", "_cuda_releasePool"):
        try:
            getattr(torch._C, give_back)(index, pool)
        except (RuntimeError, AttributeError):  # ended already
            continue
    torch.cuda.empty_cache()


@contextmanager
def _no_collection() -> Iterator[None]:
    """Collect garbage before and not meanwhile: what it frees may be of another graph, which no capture allows."""
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def first_cause(error: BaseException) -> str:
    """Return the first line of what went wrong first: that a capture cannot end is only what follows."""
    seen = error
    while seen.__context__ is not None:
        seen = seen.__context__
    lines = str(seen).strip().splitlines()
    return lines[0][:200] if lines else type(seen).__name__


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
