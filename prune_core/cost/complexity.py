"""What a network costs: parameters, multiply-accumulates, bytes on disk and bytes of activations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from prune_core.networks.architecture import Architecture

COUNTED = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
"""Layers whose multiply-accumulates and whose zeros count."""

SAFETENSORS_NAMES = {
    torch.bool: "BOOL",
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.int16: "I16",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int32: "I32",
    torch.float32: "F32",
    torch.float64: "F64",
    torch.int64: "I64",
}
"""Names in the header; the file holds the tensors of the last one first, and each kind in the order of their names."""


@runtime_checkable
class HasHeaderText(Protocol):
    """What a network carries and a saved file's header repeats, such as the outcome of its pruning."""

    def header_text(self) -> str:
        """Return one line of JSON, keys sorted."""


@dataclass(frozen=True)
class Complexity:
    """The cost of one network.

    Attributes:
        parameters: all parameters, each once; buffers are not parameters.
        nonzero_parameters: parameters minus the zeros in convolution and linear weights.
        macs: multiply-accumulates of convolutions and linear layers for one image; FLOPs are twice that.
        nonzero_macs: the same without those that multiply by a weight that is zero.
        size_bytes: length of the file that `save_network` writes without further metadata.
        peak_activation_bytes: largest sum of the input and the output of one leaf module, float32, one image. What a
            residual branch keeps alive beside it is not in it, nor what an allocator adds.
    """

    parameters: int
    nonzero_parameters: int
    macs: int
    nonzero_macs: int
    size_bytes: int
    peak_activation_bytes: int


def complexity(network: nn.Module, input_shape: tuple[int, ...] = (3, 32, 32)) -> Complexity:
    """Measure a network by one forward pass of a zero image; the network is left as it was.

    Args:
        network: on any device. On the meta device, where weights have no values, none counts as zero.
        input_shape: of one image, ``(C, H, W)``.

    Returns:
        The counts; they agree with ``torch.utils.flop_counter.FlopCounterMode`` / 2.
    """
    parameters = sum(parameter.numel() for parameter in network.parameters())
    weights = {id(module.weight): module.weight for module in network.modules() if isinstance(module, COUNTED)}
    zeros = sum(weight.numel() - _nonzero(weight) for weight in weights.values())
    macs = nonzero_macs = peak = 0
    for module, inputs, output in _leaf_calls(network, input_shape):
        if isinstance(module, COUNTED):
            # Every weight is used once for each output position; a linear layer has one position per row.
            channels = module.out_features if isinstance(module, nn.Linear) else module.out_channels
            positions = output // channels
            macs += module.weight.numel() * positions
            nonzero_macs += _nonzero(module.weight) * positions
        peak = max(peak, 4 * (inputs + output))
    return Complexity(parameters, parameters - zeros, macs, nonzero_macs, saved_bytes(network), peak)


def saved_bytes(network: nn.Module) -> int:
    """Return the length of the network's ``.safetensors`` file: 8 bytes, the header padded to a multiple of 8, the data.

    Computed, not written, so that it costs nothing and also works for networks without values (meta device).
    """
    texts = _header_texts(network)
    header: dict[str, Any] = {"__metadata__": texts} if texts else {}
    end = 0
    ranks = {dtype: rank for rank, dtype in enumerate(SAFETENSORS_NAMES)}
    for name, tensor in sorted(network.state_dict().items(), key=lambda entry: (-ranks[entry[1].dtype], entry[0])):
        begin, end = end, end + tensor.numel() * tensor.element_size()
        dtype = SAFETENSORS_NAMES[tensor.dtype]
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = len(json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode())
    return 8 + -(-text // 8) * 8 + end


def _header_texts(network: nn.Module) -> dict[str, str]:
    """Return what `save_network` puts into the header of its own accord."""
    texts = {}
    for name, kind in (("architecture", Architecture), ("outcome", HasHeaderText)):
        attached = getattr(network, name, None)
        if isinstance(attached, kind):
            texts[name] = attached.header_text()
    return texts


def _nonzero(weight: Tensor) -> int:
    return weight.numel() if weight.is_meta else int(torch.count_nonzero(weight))


def _leaf_calls(network: nn.Module, input_shape: tuple[int, ...]) -> list[tuple[nn.Module, int, int]]:
    """Return the leaf modules in the order of their calls, with the number of values that go in and come out."""
    calls: list[tuple[nn.Module, int, int]] = []

    def note(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if not isinstance(module, nn.Identity) and isinstance(output, Tensor):
            calls.append((module, sum(value.numel() for value in inputs if isinstance(value, Tensor)), output.numel()))

    leaves = [module for module in network.modules() if not any(True for _ in module.children())]
    handles = [module.register_forward_hook(note) for module in leaves]
    sample = next(network.parameters(), torch.empty(0))
    try:
        with _evaluating(network), torch.no_grad():
            network(torch.zeros(1, *input_shape, device=sample.device, dtype=sample.dtype))
    finally:
        for handle in handles:
            handle.remove()
    return calls


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Switch to evaluation, and back to what each module was in."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
