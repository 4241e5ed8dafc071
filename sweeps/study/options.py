"""Options of networks, methods and recipes: checked by those who own them, returned with every default resolved."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from prune_core import networks, pruning
from prune_core.base.errors import BadInput
from prune_core.base.recipe import Recipe
from sweeps.study.errors import unknown_key


@dataclass(frozen=True)
class MethodTraits:
    """What a sweep must know of a method.

    Attributes:
        granularity: ``weights``, ``filters`` or ``channels``.
        needs_sparsity: its baseline is trained with an L1 penalty on batch norm scales.
        control: a random control.
    """

    granularity: str
    needs_sparsity: bool
    control: bool


def method_traits(name: str) -> MethodTraits:
    """Return what a sweep must know of a method.

    Raises:
        UnknownName: with the nearest and the allowed names.
    """
    method = pruning.METHODS.get(name)
    return MethodTraits(method.granularity, method.needs_sparsity_training, method.control)


def method_options(name: str, options: dict[str, Any], rule: str) -> dict[str, Any]:
    """Return a method's options, defaults resolved, as plain JSON data.

    Args:
        name: the method.
        options: what the study file says; ``rule`` there wins over the study's.
        rule: the study's rule for thresholds and ties.

    Raises:
        BadInput: an unknown option, or a value that is not allowed.
    """
    method = pruning.METHODS.get(name)
    names = [field.name for field in dataclasses.fields(method.Options)]
    given = {"rule": rule, **options} if "rule" in names else dict(options)
    plain = _plain(pruning.plain_options(pruning.make_options(name, method, given)), f"options of {name}")
    if method.control and "seed" not in options:
        plain.pop("seed", None)  # each trial draws its own, from its own seed
    return plain


def network_options(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return a network's options, defaults resolved, without those that follow from the data.

    Raises:
        BadInput: an unknown network or option, or a value that is not allowed.
    """
    for key in ("num_classes", "in_channels"):
        if key in options:
            raise BadInput(f"{key} follows from the data (allowed: leave this key out)")
    plain = _plain(options, f"options of {name}")
    resolved: dict[str, Any] = json.loads(_resolved_options(name, json.dumps(plain, sort_keys=True)))
    return resolved


@lru_cache(maxsize=256)
def _resolved_options(name: str, options: str) -> str:
    architecture: Any = networks.network_outline(name, json.loads(options)).architecture
    mine = {key: value for key, value in architecture.options.items() if key not in ("num_classes", "in_channels")}
    return json.dumps(_plain(mine, f"options of {name}"))


def check_device(device: str) -> None:
    """Check that this machine has a device.

    Raises:
        BadInput: it has not.
    """
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise BadInput("resources.device: 'cuda' is not there, torch sees no CUDA device (allowed here: cpu)")


def check_layers_fit(network: str, network_options: dict[str, Any], options: dict[str, Any], ratio: str) -> None:
    """Check that a method's ``layers`` name convolutions of a network.

    Raises:
        BadInput: layers that do not exist, or a preset of another network or with ratios of its own.
    """
    layers = options.get("layers", "all")
    if layers == "all":
        return
    built = networks.network_outline(network, network_options)
    pruning.choose_layers(built, layers if isinstance(layers, str) else tuple(layers), Decimal(ratio))


def choice_text(value: Any) -> str:
    """Return a value of an option as part of a name: ``all``, ``2.4-6`` for convolutions 2, 4, 5 and 6, ``true``."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        if value and all(type(number) is int for number in value):
            return ".".join(_runs(sorted(set(value))))
        return ".".join(choice_text(each) for each in value)
    return re.sub(r"[^A-Za-z0-9._-]+", "_", str(value))


def _runs(numbers: list[int]) -> list[str]:
    """Return rising numbers with neighbours drawn together: 1, 8, 9, 10 is ``1`` and ``8-10``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]


def recipe_of(values: dict[str, Any]) -> dict[str, Any]:
    """Return a training recipe with every default resolved, as plain JSON data.

    Raises:
        BadInput: an unknown key, or a value outside its range.
    """
    names = [field.name for field in dataclasses.fields(Recipe)]
    for key in values:
        if key not in names:
            raise BadInput(unknown_key(key, names))
    try:
        resolved = Recipe.from_dict(values).to_dict()
    except BadInput as error:
        raise BadInput(str(error).removeprefix("training: ")) from None
    # 1 and 1.0 are one rate, so they must be one text in a key
    floats = {field.name for field in dataclasses.fields(Recipe) if isinstance(field.default, float)}
    plain = {key: float(value) if key in floats else value for key, value in resolved.items()}
    return _plain({**plain, "milestones": [float(value) for value in resolved["milestones"]]}, "recipe")


def _plain(values: dict[str, Any], what: str) -> dict[str, Any]:
    try:
        plain: dict[str, Any] = json.loads(json.dumps(values, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise BadInput(f"{what} must be plain data: {error}") from None
    return plain
