"""Filters of networks that users bring: Torch-Pruning traces which channels go together, the rest is ours.

Only filters that nothing but ordinary layers read can go: those on a residual stream, in grouped convolutions or behind
layers that we do not know are left alone with the reason. What is removed is compared with the masked network before it is
given back, and refused when it differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from prune_core.base.copies import copied
from prune_core.base.errors import BadInput
from prune_core.networks import ChannelGroup, architecture_of, convolutions
from prune_core.pruning.layers import NOT_CHOSEN, LayerChoice
from prune_core.pruning.masked import masked_copy
from prune_core.pruning.slices import INPUT, is_depthwise
from prune_core.pruning.surgery import channel_count, remove_channels

TOLERANCE = 1e-9
SIZES = (32, 28, 64, 96, 224, 299)
HARMLESS = ("_ElementWiseOp", "_ReshapeOp", "_ConcatOp", "_FlattenOp")
"""Steps between layers through which Torch-Pruning follows channels by index."""


@dataclass(frozen=True)
class Member:
    """Channels of one module that follow a filter: ``pairs`` of (their index, the filter's)."""

    key: str
    pairs: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Coupling:
    """What goes with the filters of one convolution; ``norm`` is the last batch norm behind it."""

    norm: str | None
    members: tuple[Member, ...]


def probe(network: nn.Module) -> Tensor:
    """Return two images of the first size in `SIZES` that the network, in evaluation mode, computes.

    Raises:
        BadInput: none fits.
    """
    channels = architecture_of(network).options.get("in_channels", 3)
    generator = torch.Generator().manual_seed(0)
    parameter = next(network.parameters())
    for size in SIZES:
        images = torch.randn(2, channels, size, size, generator=generator, dtype=torch.float64).to(parameter)
        try:
            with torch.no_grad():
                network(images)
        except RuntimeError:
            continue
        return images
    raise BadInput(f"the network computes no square images of {', '.join(map(str, SIZES))} pixels: it cannot be traced")


def trace(network: nn.Module) -> tuple[dict[str, Coupling], dict[str, str]]:
    """Return the couplings of a network's filters by convolution, and the convolutions that must stay, with the reason.

    Raises:
        BadInput: Torch-Pruning is missing, or cannot trace this network.
    """
    try:
        import torch_pruning as tp
    except ImportError as error:
        raise BadInput("filters of a network that is not ours need Torch-Pruning: prunefront[bring]") from error
    traced = copied(network).cpu().float().eval().requires_grad_(True)
    images = probe(traced)[:1]
    try:
        with torch.enable_grad():
            graph = tp.DependencyGraph().build_dependency(traced, images, verbose=False)
    except (RuntimeError, ValueError, AssertionError, KeyError, AttributeError, TypeError) as error:
        raise BadInput(f"Torch-Pruning cannot trace this network ({type(error).__name__})") from error
    names = {module: name for name, module in traced.named_modules()}
    couplings, left_alone = {}, {}
    for name, module in convolutions(traced):
        if module.groups != 1:
            left_alone[name] = "it goes with the filters before it" if is_depthwise(module) else "grouped convolution"
            continue
        group = graph.get_pruning_group(module, tp.prune_conv_out_channels, list(range(module.out_channels)))
        found = _coupling(graph, group, name, names)
        if isinstance(found, Coupling):
            couplings[name] = found
        else:
            left_alone[name] = found
    return couplings, left_alone


def _coupling(graph: Any, group: Any, root: str, names: dict[nn.Module, str]) -> Coupling | str:
    """Return what goes with the filters of a convolution, or why they must stay."""
    members, norm = [], None
    for item in group:
        module = item.dep.target.module
        if module not in names:
            if type(module).__name__ not in HARMLESS:
                return f"its channels reach {type(module).__name__.strip('_')}, which cannot shrink"
            continue
        key = _key(module, names[module], root, graph.is_in_channel_pruning_fn(item.dep.handler))
        if key is None:
            return f"its channels are bound to {names[module]} ({type(module).__name__})"
        norm = key if isinstance(module, nn.BatchNorm2d) else norm
        members.append(Member(key, tuple(zip(item.idxs, item.root_idxs, strict=True))))
    if not any(member.key.endswith(INPUT) for member in members):
        return "no layer reads its channels: they are the network's output"
    return Coupling(norm, tuple(members))


def _key(module: nn.Module, name: str, root: str, reads: bool) -> str | None:
    """Return the key of `slices` for one module of a group, or None when it ties the filters to others."""
    if isinstance(module, nn.BatchNorm2d) or name == root or is_depthwise(module):
        return name
    if isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.groups == 1):
        return name + INPUT if reads else None
    return None


def brought_groups(
    network: nn.Module, couplings: dict[str, Coupling], stuck: dict[str, str], choice: LayerChoice
) -> tuple[dict[str, ChannelGroup], dict[str, str]]:
    """Return the groups that may lose filters, and the other convolutions with the reason.

    Raises:
        BadInput: a chosen layer cannot be pruned, or none can.
    """
    held = [name for name in choice.names if name in stuck]
    if choice.explicit and held:
        raise BadInput(f"layer {held[0]} cannot lose filters: {stuck[held[0]]} (allowed: {', '.join(couplings)})")
    groups = {
        name: ChannelGroup(name, name, coupling.norm, consumers=())
        for name, coupling in couplings.items()
        if name in choice.names
    }
    if not groups:
        reasons = sorted(set(stuck.values()))
        raise BadInput(f"no prunable layer; the convolutions: {', '.join(reasons)}")
    return groups, stuck | {name: NOT_CHOSEN for name in couplings if name not in groups}


def remove_filters(network: nn.Module, couplings: dict[str, Coupling], kept: dict[str, list[int]]) -> None:
    """Remove, in place, the filters that are not listed, and what goes with them."""
    gone: dict[str, set[int]] = {}
    for name, indices in kept.items():
        staying = set(indices)
        for member in couplings[name].members:
            going = {index for index, filter_index in member.pairs if filter_index not in staying}
            gone.setdefault(member.key, set()).update(going)
    widths = {key: channel_count(network, key) for key in gone}
    remove_channels(network, {key: [i for i in range(widths[key]) if i not in going] for key, going in gone.items()})


@torch.no_grad()
def refuse_wrong(dense: nn.Module, pruned: nn.Module) -> None:
    """Compare the removed network with the masked one on random images.

    Raises:
        BadInput: they differ, so this network cannot be pruned right.
    """
    removed = copied(pruned).cpu().double().eval()
    masked = masked_copy(dense, pruned).eval()
    images = probe(masked)
    expected = masked(images)
    difference = float((removed(images) - expected).abs().max() / expected.abs().max())
    if not difference <= TOLERANCE:
        raise BadInput(
            f"{architecture_of(dense).name} cannot be pruned right: its outputs without the channels differ by "
            f"{difference:.2g} from those with the channels at zero (an activation that is not zero at zero?)"
        )
