"""Which convolutions a method may touch: the option ``layers``, as numbers from 1 in forward order or as a preset."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from torch import nn

from prune_core.base.errors import BadInput, UnknownName
from prune_core.networks import convolutions
from prune_core.networks.computed import computed_weights
from prune_core.networks.tied import sharing_modules

Layers = str | Sequence[int]
STREAM = "its output is added to a residual stream or cannot be removed alone"
NO_CONVOLUTION = "no prunable layer: the network has no convolution"
NOT_CHOSEN = "not among the chosen layers"


def computed_reason(what: str) -> str:
    """Return why a layer is left alone whose weight is computed from other parameters."""
    return f"its weight is computed from other parameters ({what})"


def held_modules(network: nn.Module) -> dict[str, str]:
    """Return the modules whose channels cannot go because of what their parameters are, with the reason."""
    shared = {name: f"its weight is also that of {other}" for name, other in sharing_modules(network).items()}
    return shared | {name: computed_reason(what) for name, what in computed_weights(network).items()}


@dataclass(frozen=True)
class LayerChoice:
    """Names of the chosen convolutions; ``ratios`` by name where a preset has its own; ``explicit``: not simply all."""

    names: tuple[str, ...]
    ratios: dict[str, Decimal] = field(default_factory=dict)
    explicit: bool = False


@dataclass(frozen=True)
class Preset:
    """A published layer choice: number of convolutions -> layer numbers and their ratios (``None`` = the caller's)."""

    networks: str
    choose: Callable[[int], dict[int, str | None]]
    fallback: str | None = None


def _resnet(ratios: tuple[str | None, ...], skip: tuple[int, ...] = ()) -> Callable[[int], dict[int, str | None]]:
    """First convolutions of the basic blocks (even numbers, the stem is 1) of the stages that ``ratios`` covers."""

    def choose(count: int) -> dict[int, str | None]:
        per_stage = (count - 1) // 3
        return {
            2 * block: ratio
            for stage, ratio in enumerate(ratios)
            for block in range(stage * per_stage // 2 + 1, (stage + 1) * per_stage // 2 + 1)
            if 2 * block not in skip and ratio != "0"
        }

    return choose


def _resnet110_reading(ratios: tuple[None, ...]) -> Callable[[int], dict[int, str | None]]:
    """Skip the blocks that the study skips in ResNet-110; other depths have no published list."""
    return lambda count: _resnet(ratios, (36, 38, 74) if count == 109 else ())(count)


BASIC_BLOCKS = r"resnet\d+"
PRESETS: dict[str, Preset] = {
    "vgg16_a": Preset("vgg16", lambda count: dict.fromkeys((1, *range(8, 14))), fallback="0.5"),
    "resnet56_a": Preset("resnet56", _resnet(("0.1", "0.1", "0.1"), (16, 20, 38, 54))),
    "resnet56_b": Preset("resnet56", _resnet(("0.6", "0.3", "0.1"), (16, 18, 20, 34, 38, 54))),
    "resnet110_a": Preset("resnet110", _resnet(("0.5", "0", "0"), (36,))),
    "resnet110_b": Preset("resnet110", _resnet(("0.5", "0.4", "0.3"), (36, 38, 74))),
    "stage1": Preset(BASIC_BLOCKS, _resnet110_reading((None,))),
    "stage1_no_skip": Preset(BASIC_BLOCKS, _resnet((None,))),
    "all_stages": Preset(BASIC_BLOCKS, _resnet110_reading((None, None, None))),
}
"""Layer choices of Li et al. 2017 (arXiv:1608.08710), and three readings of its ResNet-110 for any ratio."""


def check_layers(layers: object) -> str | tuple[int, ...]:
    """Return the option ``layers`` in its one form: a preset's name, or a sorted tuple of numbers.

    Raises:
        BadInput: neither a known name nor a list of integers from 1.
    """
    if isinstance(layers, str):
        if layers != "all" and layers not in PRESETS:
            raise UnknownName("layer preset", layers, ["all", *PRESETS])
        return layers
    if isinstance(layers, Sequence) and layers and all(type(number) is int for number in layers):
        return tuple(sorted(set(layers)))
    raise BadInput(f"option layers: {layers!r} is not allowed (allowed: convolution numbers from 1, 'all', a preset's name)")


def choose_layers(network: nn.Module, layers: str | tuple[int, ...], ratio: Decimal | None) -> LayerChoice:
    """Return the convolutions that the option names.

    Args:
        network: any module; its convolutions are numbered from 1 in forward order.
        layers: what `check_layers` returned.
        ratio: the caller's; ``None`` only with a preset that has its own.

    Raises:
        BadInput: layers that do not exist, a preset of another network, or a ratio given twice or not at all.
    """
    names = [name for name, _ in convolutions(network)]
    if not names and layers != "all":
        raise BadInput(NO_CONVOLUTION)
    if isinstance(layers, tuple):
        missing = [number for number in layers if not 1 <= number <= len(names)]
        if missing:
            raise BadInput(f"layers {missing} do not exist (this network's convolutions are 1 to {len(names)})")
        choice = LayerChoice(tuple(names[number - 1] for number in layers), explicit=True)
    elif layers == "all":
        choice = LayerChoice(tuple(names))
    else:
        return _preset_choice(network, layers, ratio, names)
    if ratio is None:
        raise BadInput("ratio is missing (only layer presets bring their own)")
    return choice


def _preset_choice(network: nn.Module, preset: str, ratio: Decimal | None, names: list[str]) -> LayerChoice:
    entry = PRESETS[preset]
    name = str(getattr(getattr(network, "architecture", None), "name", type(network).__name__))
    if not re.fullmatch(entry.networks, name):
        fitting = [key for key, other in PRESETS.items() if re.fullmatch(other.networks, name)]
        raise BadInput(f"layer preset {preset!r} is not for {name} (allowed: {', '.join(['all', *fitting])}, or numbers)")
    main = [name for name in names if "shortcut" not in name.split(".")]
    numbers = entry.choose(len(main))
    if ratio is None and entry.fallback is not None:
        numbers = dict.fromkeys(numbers, entry.fallback)
    own = {main[number - 1]: Decimal(value) for number, value in numbers.items() if value is not None}
    if own and ratio is not None and ratio != 0:
        raise BadInput(f"layer preset {preset!r} brings its own ratios: leave the ratio out (None)")
    if not own and ratio is None:
        raise BadInput(f"layer preset {preset!r} has no ratio of its own: give one in [0, 1)")
    ratios = dict.fromkeys(own, Decimal(0)) if ratio == 0 else own
    return LayerChoice(tuple(main[number - 1] for number in numbers), ratios, explicit=True)
