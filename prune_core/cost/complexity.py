"""What a network costs: parameters, multiply-accumulates, bytes on disk and bytes of activations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList

from prune_core.cost.products import Products, plain_operators
from prune_core.networks.architecture import Architecture
from prune_core.networks.defining_module import HEADER_KEY, defining_module
from prune_core.networks.tied import tied_names

LAYERS = (
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
    nn.Linear,
)
"""Layers whose zeros count even where the network does not use them, as their parameters do."""

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
        nonzero_parameters: parameters minus the zeros in convolution and linear weights; of a weight that is computed from
            parameters (weight norm, a low-rank update) the zeros of what is computed.
        macs: multiply-accumulates of convolutions and linear layers for one image, also of those written as functions and
            inside other layers; FLOPs are twice that.
        nonzero_macs: the same without those that multiply by a weight that is zero.
        size_bytes: length of the file that `save_network` writes without further metadata.
        peak_activation_bytes: largest sum of the input and the output of one layer, float32, one image. What a
            residual branch keeps alive beside it is not in it, nor what an allocator adds.
        attention_macs: multiply-accumulates among values of the image, as in attention; not in ``macs``.
        weight_macs: multiply-accumulates among weights alone (a low-rank update multiplied out), which do not depend on the
            image; not in ``macs``.
        activation_values: that all layers put out for one image, each call of a layer counted.
    """

    parameters: int
    nonzero_parameters: int
    macs: int
    nonzero_macs: int
    size_bytes: int
    peak_activation_bytes: int
    attention_macs: int = 0
    weight_macs: int = 0
    activation_values: int = 0


def complexity(network: nn.Module, input_shape: tuple[int, ...] = (3, 32, 32)) -> Complexity:
    """Measure a network by one forward pass of a zero image; the network is left as it was.

    Args:
        network: on any device. On the meta device, where weights have no values, none counts as zero.
        input_shape: of one image, ``(C, H, W)``.

    Returns:
        The counts; ``macs``, ``attention_macs`` and ``weight_macs`` together are half of what
        ``torch.utils.flop_counter.FlopCounterMode`` says.
    """
    sample = next(network.parameters(), torch.empty(0))
    image = torch.zeros(1, *input_shape, device=sample.device, dtype=sample.dtype)
    products = Products(network, image)
    with evaluating(network), plain_operators(network), torch.no_grad(), _values_of_layers(network) as values, products:
        network(image)
        counts = (products.macs, products.nonzero_macs, products.attention_macs, products.weight_macs)
        for weight in _weights(network):  # computes parametrized ones once more, which costs nothing
            products.meet(weight)
    macs, nonzero_macs, attention_macs, weight_macs = counts
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Complexity(
        parameters=parameters,
        nonzero_parameters=parameters - products.zeros(),
        macs=macs,
        nonzero_macs=nonzero_macs,
        size_bytes=saved_bytes(network),
        peak_activation_bytes=4 * max(map(sum, values), default=0),
        attention_macs=attention_macs,
        weight_macs=weight_macs,
        activation_values=sum(output for _, output in values),
    )


def saved_bytes(network: nn.Module, metadata: Mapping[str, str] | None = None) -> int:
    """Return the length of the network's ``.safetensors`` file: 8 bytes, the header padded to a multiple of 8, the data.

    Computed, not written, so that it costs nothing and also works for networks without values (meta device).

    Args:
        network: that `prune_core.pruning.save_network` would write.
        metadata: further text of its header.
    """
    texts = {**_header_texts(network), **(metadata or {})}
    header: dict[str, Any] = {"__metadata__": texts} if texts else {}
    end = 0
    ranks = {dtype: rank for rank, dtype in enumerate(SAFETENSORS_NAMES)}
    tied = tied_names(network)
    stored = [entry for entry in network.state_dict().items() if entry[0] not in tied]
    for name, tensor in sorted(stored, key=lambda entry: (-ranks[entry[1].dtype], entry[0])):
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
    known = getattr(network, "architecture", None)
    built_by = defining_module(known.name) if isinstance(known, Architecture) else None
    if built_by is not None:
        texts[HEADER_KEY] = built_by.header_text()
    return texts


def _weights(network: nn.Module) -> Iterator[Tensor]:
    """Yield the weights of all convolutions and linear layers, those that a parametrization computes included."""
    for module in network.modules():
        if isinstance(module, LAYERS):
            yield module.weight


@contextmanager
def _values_of_layers(network: nn.Module) -> Iterator[list[tuple[int, int]]]:
    """Give a list that gets, for every call of a layer, the number of values that go in and come out.

    A layer is a module without modules inside, or a convolution or linear layer whatever is inside it. What computes a
    weight (`torch.nn.utils.parametrize`) is none.
    """
    calls: list[tuple[int, int]] = []

    def note(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if not isinstance(module, nn.Identity) and isinstance(output, Tensor):
            calls.append((sum(value.numel() for value in inputs if isinstance(value, Tensor)), output.numel()))

    computing = {
        inner for module in network.modules() if isinstance(module, ParametrizationList) for inner in module.modules()
    }
    layers = [
        module
        for module in network.modules()
        if module not in computing and (isinstance(module, LAYERS) or computing.issuperset(module.children()))
    ]
    handles = [module.register_forward_hook(note) for module in layers]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Switch to evaluation, and back to what each module was in."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
