"""Pruning single weights: pool, scores, selection, zeros. Shapes stay."""

from __future__ import annotations

from decimal import Decimal

import torch
from torch import Tensor, nn

from prune_core.base.errors import BadInput
from prune_core.networks.computed import computed_weights
from prune_core.pruning.again import check_asked, earlier_outcome
from prune_core.pruning.layers import NO_CONVOLUTION, NOT_CHOSEN, LayerChoice, computed_reason
from prune_core.pruning.masks import zero_out
from prune_core.pruning.method import METHODS, Method, ScoreContext, WeightOptions, make_options, plain_options, scores_of
from prune_core.pruning.outcome import LayerOutcome, PruningOutcome
from prune_core.pruning.ratio import canonical, removed_count
from prune_core.pruning.selection import Kept, keep_each, keep_pooled


def prune_weights(
    network: nn.Module, name: str, method: Method, options: WeightOptions, ratio: Decimal, choice: LayerChoice
) -> None:
    """Zero weights of ``network`` in place and leave the outcome on it.

    A network that carries masks already is pruned on: the ratio counts what is gone, and what is gone stays gone.
    """
    if choice.ratios:
        raise BadInput("this layer preset brings ratios for filters: weights need convolution numbers and a ratio")
    names, left_alone = _pool(network, choice, linear=options.linear)
    gone = {key: ~mask for key, mask in getattr(getattr(network, "outcome", None), "masks", {}).items() if key in names}
    totals = {key: network.get_parameter(key).numel() for key in names}
    asked = _asked(totals, options, ratio)
    if options.rule == "exact":
        _check_gone(network, gone, asked, totals)
    masks = _select(network, method, options, ratio, names, gone)
    zero_out(network, masks)
    layerwise = options.scope == "layerwise"
    network.outcome = PruningOutcome(  # type: ignore[assignment]
        method=name,
        ratio=canonical(ratio),
        options=plain_options(options),
        granularity="weights",
        layers=[
            LayerOutcome(key, totals[key], int(mask.sum()), asked=totals[key] - asked[key] if layerwise else None)
            for key, mask in masks.items()
        ],
        masks=masks,
        asked_removed=sum(asked.values()) if layerwise else asked[""],
        left_alone=left_alone,
    )


def _check_gone(network: nn.Module, gone: dict[str, Tensor], asked: dict[str, int], totals: dict[str, int]) -> None:
    """Raise `BadInput` where more weights are gone than the ratio asks for.

    A network that carries no masks may be pruned, too, if a checkpoint from elsewhere has zeros: those of the pool count.
    """
    if earlier_outcome(network) is None:
        zeros = sum(int((network.get_parameter(name) == 0).sum()) for name in totals)
        if sum(asked.values()):
            check_asked(network, {"": zeros}, {"": sum(asked.values())}, {"": sum(totals.values())}, "weights")
        return
    counts = {name: int(mask.sum()) for name, mask in gone.items()}
    if "" in asked:
        counts, totals = {"": sum(counts.values())}, {"": sum(totals.values())}
    check_asked(network, counts, asked, totals, "weights")


def _pool(network: nn.Module, choice: LayerChoice, *, linear: bool) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the parameter names to prune, and the other layers with the reason.

    Raises:
        BadInput: a chosen layer cannot be pruned, or none can.
    """
    computed, left_alone, layers = computed_weights(network), {}, list(choice.names)
    for layer, module in network.named_modules():
        if isinstance(module, nn.Linear):
            if linear:
                layers.append(layer)
            else:
                left_alone[layer] = "linear layers join with the option linear"
        elif isinstance(module, nn.Conv2d) and layer not in choice.names:
            left_alone[layer] = NOT_CHOSEN
    names: dict[str, str] = {}
    for layer in layers:
        if layer in computed:
            left_alone[layer] = computed_reason(computed[layer])
            if choice.explicit and layer in choice.names:
                raise BadInput(f"layer {layer} cannot lose weights: {left_alone[layer]}")
            continue
        name = _parameter_name(network, layer)
        if name in names:
            left_alone[layer] = f"its weight is that of {names[name]}, and pruned there"
        names.setdefault(name, layer)
    if not names:
        why = "no prunable layer: " if choice.names else f"{NO_CONVOLUTION}; "
        raise BadInput(f"{why}{', '.join(sorted(set(left_alone.values()))) or 'nor a linear layer'}")
    return tuple(names), left_alone


def _parameter_name(network: nn.Module, layer: str) -> str:
    """Return the first of the names of a layer's weight, which is the one that the optimiser's masks go by."""
    weight = network.get_parameter(f"{layer}.weight")
    return next(name for name, parameter in network.named_parameters() if parameter is weight)


def _asked(totals: dict[str, int], options: WeightOptions, ratio: Decimal) -> dict[str, int]:
    """Return how many weights go, by layer, or under the key "" for the one pool."""
    if options.scope == "layerwise":
        return {name: removed_count(total, ratio, options.rule) for name, total in totals.items()}
    return {"": removed_count(sum(totals.values()), ratio, options.rule)}


def _select(
    network: nn.Module,
    method: Method,
    options: WeightOptions,
    ratio: Decimal,
    names: tuple[str, ...],
    gone: dict[str, Tensor],
) -> Kept:
    shapes = {name: tuple(network.get_parameter(name).shape) for name in names}
    scores = scores_of(method, ScoreContext(network, names, {}, options), shapes)
    for name, mask in gone.items():
        scores[name] = scores[name].masked_fill(mask.to(scores[name].device), -torch.inf)
    asked = _asked({name: values.numel() for name, values in scores.items()}, options, ratio)
    like = getattr(options, "like", None)
    if like is not None:
        liked = METHODS.get(like)
        copied = {key: getattr(options, key) for key in ("scope", "linear", "layers", "rule")}
        model = _select(network, liked, make_options(like, liked, copied), ratio, names, gone)
        kept = keep_each(scores, {name: int((~mask).sum()) for name, mask in model.items()})
    elif "" in asked:
        kept = keep_pooled(scores, asked[""], options.rule)
    else:
        kept = keep_each(scores, asked, options.rule)
    return {name: mask & ~gone[name].to(mask.device) if name in gone else mask for name, mask in kept.items()}
