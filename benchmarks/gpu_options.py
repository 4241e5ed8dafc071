"""What might be worth building: a minute's measurement each. Kept out of training until it earns 1.5 times."""

from __future__ import annotations

import copy
import time
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, stack_module_state, vmap
from torch.nn import functional

from benchmarks.gpu_rows import NEEDS_CUDA, Size, made_step, steps_per_second
from prune_core.networks import build_network
from prune_core.training.graph import capture

TOGETHER = 4
RATE = 0.01
EARNS = 1.5
"""Times as fast as what there is, below which an option is not built."""


def together_row(device: torch.device, size: Size, name: str = "resnet20") -> dict[str, Any]:
    """Four seeds of one network in one step of `torch.func`, against their four steps in turn, both replayed."""
    torch.manual_seed(0)
    count = TOGETHER if device.type == "cuda" else 2
    networks = [build_network(name).to(device).train() for _ in range(count)]
    images = torch.randn(size.batch, 3, 32, 32, device=device)
    labels = torch.randint(10, (size.batch,), device=device)
    singly = [copy.deepcopy(network) for network in networks]
    parameters, buffers = stack_module_state(networks)
    base = networks[0]

    def loss_of(weights: dict[str, Tensor], state: dict[str, Tensor]) -> Tensor:
        return functional.cross_entropy(functional_call(base, (weights, state), (images,)), labels)

    both = vmap(grad_and_value(loss_of), randomness="different")

    def together() -> Tensor:
        gradients, losses = both(parameters, buffers)
        with torch.no_grad():
            for key, gradient in gradients.items():
                parameters[key].sub_(gradient, alpha=RATE)
        return losses

    def in_turn() -> Tensor:
        losses = []
        for network in singly:
            loss = functional.cross_entropy(network(images), labels)
            weights = list(network.parameters())
            with torch.no_grad():
                for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
                    weight.sub_(gradient, alpha=RATE)
            losses.append(loss.detach())
        return torch.stack(losses)

    first = (in_turn().detach() - together().detach()).abs().max()
    row: dict[str, Any] = {"network": name, "at_once": count, "largest_difference": float(first)}
    if device.type != "cuda":
        return row | dict.fromkeys(("in_turn", "together", "times"), NEEDS_CUDA)
    row |= {"in_turn": _replays(in_turn, device), "together": _replays(together, device)}
    return row | {"times": row["together"] / row["in_turn"], "earns_it": row["together"] >= EARNS * row["in_turn"]}


def _replays(step: Any, device: torch.device, count: int = 100) -> float:
    """Replays per second of a step, each of which trains every network once."""
    side = torch.cuda.Stream(device)
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream(device).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=side):
        step()
    for _ in range(10):
        graph.replay()
    torch.cuda.synchronize(device)
    started = time.perf_counter()
    for _ in range(count):
        graph.replay()
    torch.cuda.synchronize(device)
    rate = count / (time.perf_counter() - started)
    graph.reset()
    return rate


def fused_row(device: torch.device, size: Size, name: str = "resnet20") -> dict[str, Any]:
    """Batch norm, ReLU and add fused by Inductor inside the replayed step; compiling is paid again per pruned shape."""
    if device.type != "cuda":
        return dict.fromkeys(("plain", "fused", "times", "compile_seconds", "paid_back_steps"), NEEDS_CUDA)
    row: dict[str, Any] = {"network": name}
    row["plain"] = _captured_rate(build_network(name), device, size)
    started = time.perf_counter()
    compiled: Any = torch.compile(build_network(name), dynamic=False)
    step = made_step(name, "fp32", device, size, network=compiled)
    for _ in range(3):  # compiles the forward and the backward pass
        step.run()
    torch.cuda.synchronize(device)
    row["compile_seconds"] = time.perf_counter() - started
    row["fused"] = _captured_rate(compiled, device, size)
    saved = 1 / row["plain"] - 1 / row["fused"]
    row["paid_back_steps"] = round(row["compile_seconds"] / saved) if saved > 0 else "never"
    return row | {"times": row["fused"] / row["plain"], "earns_it": row["fused"] >= EARNS * row["plain"]}


def _captured_rate(network: nn.Module, device: torch.device, size: Size) -> float:
    torch.manual_seed(0)
    step = made_step("of its own", "fp32", device, size, network=network)
    graph = capture(step)
    try:
        return steps_per_second(graph.replay, step, size)
    finally:
        graph.close()
