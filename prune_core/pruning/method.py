"""What a pruning method is: options, a score per weight or channel, and what it needs. Nothing more.

A method is one file in ``methods/`` (or in a plugin) that ends with ``METHODS.register("name")(Method(...))``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from torch import Tensor, nn

from prune_core.base.described import without_defaults
from prune_core.base.errors import BadInput, UnknownName
from prune_core.base.founding import METHOD_OPTIONS
from prune_core.base.own_code import own_code
from prune_core.base.registry import Registry
from prune_core.networks import ChannelGroup
from prune_core.pruning.layers import Layers, check_layers
from prune_core.pruning.outcome import Granularity
from prune_core.pruning.selection import RULES, Rule, Scores, check_finite

Batches = Iterable[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class ScoreContext:
    """What a method may look at.

    ``network`` is read, never changed. ``names`` are what wants a score: parameter names (granularity weights; a score per
    element) or group names (filters, channels; a score per channel). ``groups`` are the groups by name, empty for weights.
    """

    network: nn.Module
    names: tuple[str, ...]
    groups: dict[str, ChannelGroup]
    options: Any

    def weight(self, name: str) -> Tensor:
        """Return the weights behind a name, detached: the parameter's, or those of the group's convolution."""
        if name in self.groups:
            convolution = self.network.get_submodule(self.groups[name].convolution or "")
            return convolution.get_parameter("weight").detach()
        return self.network.get_parameter(name).detach()

    def norm(self, name: str) -> nn.Module:
        """Return the batch norm of a group.

        Raises:
            BadInput: there is none behind these channels.
        """
        norm = self.groups[name].norm
        if norm is None:
            raise BadInput(f"channel group {name!r} has no batch norm, whose scales this method ranks channels by")
        return self.network.get_submodule(norm)


@dataclass(frozen=True)
class Method:
    """One pruning method.

    ``scores`` returns a tensor per name of the context, higher = keep. ``needs_batches``: the option ``batches`` (images,
    labels) must be given. ``needs_sparsity_training``: its baseline is trained with an L1 penalty on batch-norm scales.
    ``control``: it exists to be beaten.
    """

    granularity: Granularity
    Options: type[Any]
    scores: Callable[[ScoreContext], Scores]
    source: str
    needs_batches: bool = False
    needs_sparsity_training: bool = False
    control: bool = False


METHODS: Registry[Method] = Registry("pruning method", files="prune_core.pruning.methods")


def scores_of(method: Method, context: ScoreContext, shapes: Mapping[str, tuple[int, ...]]) -> Scores:
    """Return what a method says about every name of the context, in the shape that each must have.

    Raises:
        BadInput: a user's own method fails, or its scores are not a tensor of that shape for each of these names.
        Diverged: a score is not finite.
    """
    name = next((each for each in METHODS if METHODS.get(each) is method), "")
    with own_code(f"method {name}", METHODS.module(name)):
        scores: object = method.scores(context)
    if not isinstance(scores, dict) or set(scores) != set(shapes):
        what = f"scores of {', '.join(map(str, scores)) or 'nothing'}" if isinstance(scores, dict) else type(scores).__name__
        raise BadInput(f"method {name} returned {what} (allowed: a dict with a tensor for each of {', '.join(shapes)})")
    for each, shape in shapes.items():
        values = scores[each]
        if not isinstance(values, Tensor) or tuple(values.shape) != shape:
            what = f"shape {tuple(values.shape)}" if isinstance(values, Tensor) else f"a {type(values).__name__}"
            raise BadInput(f"method {name}: its scores of {each} are {what} (allowed: a tensor of shape {shape})")
    check_finite(scores)
    return {each: values if values.is_floating_point() else values.double() for each, values in scores.items()}


@dataclass(frozen=True, kw_only=True)
class WeightOptions:
    """Options of methods that score weights.

    ``scope``: one pool (``global``) or one per layer (``layerwise``); ``linear``: the linear layers' weights join;
    ``layers``: see `prune_core.pruning.layers`; ``rule``: see `prune_core.pruning.selection`.
    """

    scope: str = "global"
    linear: bool = False
    layers: Layers = "all"
    rule: Rule = "exact"

    def __post_init__(self) -> None:
        check_choice("scope", self.scope, ("global", "layerwise"))
        check_choice("rule", self.rule, RULES)
        check_choice("linear", self.linear, (True, False))
        object.__setattr__(self, "layers", check_layers(self.layers))


@dataclass(frozen=True, kw_only=True)
class ChannelOptions:
    """Options of the structured methods.

    ``layers``: see `prune_core.pruning.layers`; ``round_to``: kept channels per layer are rounded up to a multiple of it, so
    never more goes than asked; ``rule``: changes pooled channels only, kept filters per layer are floor(C (1 - r)) in both.
    """

    layers: Layers = "all"
    round_to: int = 1
    rule: Rule = "exact"

    def __post_init__(self) -> None:
        check_choice("rule", self.rule, RULES)
        if type(self.round_to) is not int or self.round_to < 1:
            raise BadInput(f"option round_to: {self.round_to!r} is not allowed (allowed: an integer from 1)")
        object.__setattr__(self, "layers", check_layers(self.layers))


def check_choice(option: str, value: object, allowed: tuple[object, ...]) -> None:
    """Raise `BadInput` unless the option's value is one of the allowed ones (a boolean is not a number)."""
    if not any(value == one and type(value) is type(one) for one in allowed):
        raise BadInput(f"option {option}: {value!r} is not allowed (allowed: {', '.join(str(one) for one in allowed)})")


def check_seed(seed: object) -> None:
    """Raise `BadInput` unless the seed is an integer from 0."""
    if type(seed) is not int or seed < 0:
        raise BadInput(f"option seed: {seed!r} is not allowed (allowed: an integer from 0)")


def make_options(name: str, method: Method, values: dict[str, Any]) -> Any:
    """Return the method's validated options.

    Raises:
        BadInput: an option the method has not got, or a value it does not allow.
    """
    allowed = [field.name for field in fields(method.Options)]
    for option in values:
        if option not in allowed:
            raise UnknownName(f"option of {name}", option, allowed)
    return method.Options(**values)


def described_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a description names: without those that came after version 0.1.0 and are at their default.

    A seed that is given stays in it whatever it is: without one each trial draws its own.

    Raises:
        UnknownName: there is no such method.
    """
    defaults = {field.name: field.default for field in fields(METHODS.get(name).Options) if field.name != "seed"}
    return without_defaults(options, defaults, METHOD_OPTIONS.get(name, ()))


def plain_options(options: Any) -> dict[str, Any]:
    """Return the options as plain JSON types, defaults included, training batches left out."""
    plain = {field.name: getattr(options, field.name) for field in fields(options) if field.name != "batches"}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}
