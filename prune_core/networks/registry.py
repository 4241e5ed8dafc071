"""Networks by name. A builder takes ``num_classes``, ``in_channels`` and its own options, all by keyword.

The signature is the options' one truth: names, defaults and types (``bool``, ``int``, ``float``, ``str``, ``Literal``) are
read from it, so that a network of the user's own is one function behind ``@NETWORKS.register("name")``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args, get_origin

from torch import nn
from torch.nn.parameter import UninitializedParameter

from prune_core.base.described import without_defaults
from prune_core.base.errors import BadInput, UnknownName
from prune_core.base.founding import NETWORK_OPTIONS
from prune_core.base.own_code import own_code
from prune_core.base.registry import Registry
from prune_core.networks.architecture import Architecture
from prune_core.networks.tied import refuse_shared_memory
from prune_core.networks.torchvision_classifiers import builder_of

Builder = Callable[..., nn.Module]

NETWORKS: Registry[Builder] = Registry("network", files="prune_core.networks.families")

TORCHVISION = "torchvision:"


def build_network(name: str, *, num_classes: int = 10, in_channels: int = 3, **options: Any) -> nn.Module:
    """Build a network with fresh weights, drawn from torch's global generator (seed it before).

    Args:
        name: one of `NETWORKS`, or ``torchvision:NAME`` for a classifier of torchvision.
        num_classes: length of the output.
        in_channels: channels of the images, 1 for grey and 3 for colour.
        options: what the network's builder takes; defaults are the published ones.

    Returns:
        The network, which maps ``(N, in_channels, H, W)`` to logits ``(N, num_classes)`` and carries ``architecture``.

    Raises:
        BadInput: for an unknown name or option (`UnknownName`, with the nearest ones), or a value that is not allowed.
    """
    builder = _builder(name)
    resolved = _resolve(name, builder, {"num_classes": num_classes, "in_channels": in_channels, **options})
    try:
        with own_code(f"network {name}", NETWORKS.module(name)):
            network = builder(**resolved)
    except RuntimeError as error:
        if "DefaultCPUAllocator" not in str(error):  # torch has no type for it
            raise
        given = ", ".join(f"{key}={value}" for key, value in resolved.items())
        raise BadInput(
            f"network {name}: one of its layers does not fit into the memory of this machine ({given})"
        ) from error
    if not isinstance(network, nn.Module):
        raise BadInput(f"network {name}: its builder returned a {type(network).__name__}, not a torch.nn.Module")
    _check_parameters(name, network)
    network.architecture = Architecture(name, resolved)  # type: ignore[assignment]
    return network


def is_known(name: str) -> bool:
    """Return whether `build_network` knows a network of this name."""
    return name in NETWORKS or name.startswith(TORCHVISION)


def described_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a description names: without those that came after version 0.1.0 and are at their default.

    Raises:
        BadInput: for an unknown name.
    """
    declared = inspect.signature(_builder(name), eval_str=True).parameters
    defaults = {each.name: each.default for each in declared.values() if each.default is not inspect.Parameter.empty}
    return without_defaults(options, defaults, NETWORK_OPTIONS.get(name.partition(":")[0], ()))


def _check_parameters(name: str, network: nn.Module) -> None:
    """Raise `BadInput` for layers without shapes, and for parameters that share memory without being one."""
    lazy = [key for key, parameter in network.named_parameters() if isinstance(parameter, UninitializedParameter)]
    if lazy:
        raise BadInput(
            f"network {name}: {lazy[0]} has no shape yet (a lazy layer): its builder must give every layer its sizes, or "
            "show the network an image before it returns it"
        )
    try:
        refuse_shared_memory(network)
    except BadInput as error:
        raise BadInput(f"network {name}: {error}") from None


def _builder(name: str) -> Builder:
    if isinstance(name, str) and name.startswith(TORCHVISION):
        return builder_of(name.removeprefix(TORCHVISION))
    if name not in NETWORKS:
        raise UnknownName("network", name, [*NETWORKS, f"{TORCHVISION}NAME"])
    return NETWORKS.get(name)


def _resolve(name: str, builder: Builder, given: dict[str, Any]) -> dict[str, Any]:
    """Return every option of the builder: the given value, checked, or the default."""
    declared = inspect.signature(builder, eval_str=True).parameters
    resolved = {}
    for option in ("num_classes", "in_channels"):
        if option not in declared:
            raise BadInput(f"network {name}: its builder must take {option!r} by keyword")
        _checked(f"network {name}: option {option!r}", given[option], int)
    for option in given:
        if option not in declared:
            raise UnknownName(f"option of network {name}", option, declared)
    for option, parameter in declared.items():
        value = given.get(option, parameter.default)
        if value is inspect.Parameter.empty:
            raise BadInput(f"network {name}: option {option!r} has no default and was not given")
        resolved[option] = _checked(f"network {name}: option {option!r}", value, parameter.annotation)
    return resolved


def _checked(what: str, value: Any, annotation: Any) -> Any:
    """Return the value if it is what the annotation says; whole numbers are positive, since all of them count something."""
    if get_origin(annotation) is Literal and value not in get_args(annotation):
        raise BadInput(f"{what} is {value!r} (allowed: {', '.join(map(str, get_args(annotation)))})")
    if annotation is bool and not isinstance(value, bool):
        raise BadInput(f"{what} is {value!r} (allowed: true, false)")
    if annotation is int and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise BadInput(f"{what} is {value!r} (allowed: whole numbers from 1)")
    if annotation is float and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise BadInput(f"{what} is {value!r} (allowed: numbers)")
    if annotation is str and not isinstance(value, str):
        raise BadInput(f"{what} is {value!r} (allowed: text)")
    # 1 and 1.0 are one option: their descriptions must have one key.
    return float(value) if annotation is float else value
