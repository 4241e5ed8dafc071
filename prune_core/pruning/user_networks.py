"""Filters of networks that users bring: Torch-Pruning traces which channels go together, the rest is ours.

Only filters that nothing but ordinary layers read can go: those on a residual stream, in grouped convolutions or behind
layers that we do not know are left alone with the reason, and so are unused convolutions, weights that are computed or
shared, and filters on whose number the forward pass counts. What is removed is compared with the masked network before it
is given back, and refused when it differs.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from prune_core.base.errors import BadInput, first_line
from prune_core.networks import ChannelGroup, convolutions
from prune_core.networks.computed import folded
from prune_core.pruning.couplings import Coupling, Member
from prune_core.pruning.layers import NOT_CHOSEN, LayerChoice, held_modules
from prune_core.pruning.probe import probe
from prune_core.pruning.removal_proof import unproven
from prune_core.pruning.slices import INPUT, is_depthwise

HARMLESS = ("_ElementWiseOp", "_ReshapeOp", "_ConcatOp", "_FlattenOp")
"""Steps between layers through which Torch-Pruning follows channels by index."""


def trace(network: nn.Module) -> tuple[dict[str, Coupling], dict[str, str]]:
    """Return the couplings of a network's filters by convolution, and the convolutions that must stay, with the reason.

    Raises:
        BadInput: Torch-Pruning is missing, or cannot trace this network.
    """
    try:
        import torch_pruning as tp
    except ImportError as error:
        raise BadInput("filters of a network that is not ours need Torch-Pruning: prunefront[bring]") from error
    held = held_modules(network)
    traced = folded(network).cpu().float().requires_grad_(True)
    images = probe(traced)[:1]
    used = _used(traced, images)
    try:
        with torch.enable_grad(), warnings.catch_warnings(action="ignore"):  # it tries shapes that layers warn of
            graph = tp.DependencyGraph().build_dependency(traced, images, verbose=False)
    except Exception as error:
        raise BadInput(f"Torch-Pruning cannot trace this network ({first_line(error)})") from error
    names = {module: name for name, module in traced.named_modules()}
    couplings, left_alone = {}, {}
    for name, module in convolutions(traced):
        reason = held.get(name) or (None if name in used else "the network does not use it")
        if reason is None and module.groups != 1:
            reason = "it goes with the filters before it" if is_depthwise(module) else "grouped convolution"
        found = reason or _followed(graph, tp.prune_conv_out_channels, module, names)
        if isinstance(found, Coupling):
            found = _held_member(found, held) or found
        if isinstance(found, Coupling):
            couplings[name] = found
        else:
            left_alone[name] = found
    wrong = unproven(network, couplings)
    return {name: each for name, each in couplings.items() if name not in wrong}, left_alone | wrong


def _used(network: nn.Module, images: Tensor) -> set[str]:
    """Return the names of the modules that a forward pass calls."""
    called: set[str] = set()
    handles = [
        module.register_forward_pre_hook(lambda _module, _inputs, name=name: called.add(name))
        for name, module in network.named_modules()
    ]
    try:
        with torch.no_grad():
            network(images)
    finally:
        for handle in handles:
            handle.remove()
    return called


def _followed(graph: Any, prune_filters: Any, module: nn.Conv2d, names: dict[nn.Module, str]) -> Coupling | str:
    """Return what Torch-Pruning says goes with the filters of a convolution, or why they must stay."""
    try:
        group = graph.get_pruning_group(module, prune_filters, list(range(module.out_channels)))
        return _coupling(graph, group, names[module], names)
    except Exception as error:  # noqa: BLE001  (whatever it raises, it is Torch-Pruning that gave up)
        return f"Torch-Pruning cannot follow its channels ({first_line(error)})"


def _held_member(coupling: Coupling, held: dict[str, str]) -> str | None:
    """Return why a module that would shrink along with the filters cannot."""
    modules = (member.key.removesuffix(INPUT) for member in coupling.members)
    return next((f"{module}: {held[module]}" for module in modules if module in held), None)


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
