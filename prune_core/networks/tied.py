"""Tied weights: one parameter under several names, as ``decoder.weight = encoder.weight`` makes it.

Files hold it once, under the first of its names, as ``safetensors.torch.save_model`` does; a checkpoint that has it under
all of them, or under another one, loads as well.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from prune_core.base.errors import BadInput


def tied_names(network: nn.Module) -> dict[str, str]:
    """Return the further names of every tensor of the state dict that has several, each with the first one."""
    first: dict[int, str] = {}
    return {
        name: first[id(tensor)]
        for name, tensor in network.state_dict(keep_vars=True).items()
        if first.setdefault(id(tensor), name) != name
    }


def with_tied_names(network: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a file under all the names that the network has for them.

    Raises:
        BadInput: the file has two different tensors for one parameter of the network.
    """
    found = dict(tensors)
    parameters = dict(network.named_parameters(remove_duplicate=False))
    names: dict[str, list[str]] = {}
    for name, first in tied_names(network).items():
        names.setdefault(first, [first]).append(name)
    for group in names.values():
        given = [name for name in group if name in found]
        for name in given[1:]:
            if group[0] in parameters and not _same(found[given[0]], found[name]):
                raise BadInput(f"{given[0]} and {name} are one parameter in the network and two different ones in the file")
        for name in group:
            if given:
                found.setdefault(name, found[given[0]])
    return found


def tie_again(network: nn.Module, tied: Mapping[str, str]) -> None:
    """Make names one tensor again, in place, after each of them got a tensor of its own.

    Args:
        network: the network.
        tied: what `tied_names` said before.
    """
    for name, first in tied.items():
        (owner, attribute), (source, original) = _place(network, name), _place(network, first)
        for held, kept in ((owner._parameters, source._parameters), (owner._buffers, source._buffers)):
            if attribute in held and original in kept:
                held[attribute] = kept[original]  # type: ignore[assignment]


def sharing_modules(network: nn.Module) -> dict[str, str]:
    """Return the modules that hold a parameter which another module holds too, each with the name of that module."""
    holders: dict[int, list[str]] = {}
    for name, module in network.named_modules():
        for parameter in module.parameters(recurse=False):
            holders.setdefault(id(parameter), []).append(name)
    return {
        name: next(other for other in names if other != name)
        for names in holders.values()
        if len(names) > 1
        for name in names
    }


def refuse_shared_memory(network: nn.Module) -> None:
    """Refuse two parameters in the same memory: torch unties them wherever it copies or converts a network.

    Raises:
        BadInput: with the names of both.
    """
    seen: dict[int, str] = {}
    for name, parameter in network.named_parameters():
        if isinstance(parameter, nn.parameter.UninitializedParameter) or not parameter.numel():
            continue
        other = seen.setdefault(parameter.untyped_storage()._cdata, name)
        if other != name:
            raise BadInput(
                f"{other} and {name} are two parameters in the same memory, which torch unties when it copies the network: "
                "use one parameter under both names, or compute one from the other in forward"
            )


def _same(one: Tensor, two: Tensor) -> bool:
    return one is two or (one.shape == two.shape and torch.equal(one, two))


def _place(network: nn.Module, name: str) -> tuple[nn.Module, str]:
    owner, _, attribute = name.rpartition(".")
    return network.get_submodule(owner), attribute
