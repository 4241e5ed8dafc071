"""Pruning whole channels of networks that describe their channel groups: pool, scores, selection, surgery."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from torch import nn

from prune_core.base.errors import BadInput
from prune_core.networks import ChannelGroup, architecture_of, convolutions
from prune_core.pruning.again import check_asked
from prune_core.pruning.couplings import Coupling, remove_filters
from prune_core.pruning.layers import NO_CONVOLUTION, NOT_CHOSEN, STREAM, LayerChoice, held_modules
from prune_core.pruning.method import METHODS, ChannelOptions, Method, ScoreContext, make_options, plain_options, scores_of
from prune_core.pruning.outcome import Granularity, LayerOutcome, PruningOutcome
from prune_core.pruning.ratio import canonical, kept_count, removed_count
from prune_core.pruning.selection import Kept, keep_at_least, keep_each, keep_pooled, rounded_up
from prune_core.pruning.surgery import groups_of, remove_channels, width_of
from prune_core.pruning.user_networks import brought_groups, trace


@dataclass(frozen=True)
class Pool:
    """The groups that a method chooses from: ``dense`` widths by name, and the caller's or the preset's ratios."""

    groups: dict[str, ChannelGroup]
    dense: dict[str, int]
    ratio: Decimal | None
    ratios: dict[str, Decimal]

    def ratio_of(self, name: str) -> Decimal:
        """Return the ratio of one layer."""
        own = self.ratios.get(self.groups[name].convolution or "", self.ratio)
        return own if own is not None else Decimal(0)


@dataclass(frozen=True)
class Selected:
    """What is kept of each group as it is now, and the layers that the floor of one channel per layer kept alive."""

    kept: Kept
    rescued: frozenset[str]


def prune_channels(
    network: nn.Module, name: str, method: Method, options: ChannelOptions, ratio: Decimal | None, choice: LayerChoice
) -> None:
    """Remove channels of ``network`` in place and leave the outcome on it.

    A network that was pruned before is pruned on: the ratio counts the dense network's channels, those gone included.
    """
    couplings: dict[str, Coupling] = {}
    if not choice.names:
        raise BadInput(NO_CONVOLUTION)
    if hasattr(network, "channel_groups"):
        groups, left_alone = eligible_groups(network, method.granularity, choice)
    elif method.granularity == "filters":
        couplings, stuck = trace(network)
        groups, left_alone = brought_groups(network, couplings, stuck, choice)
    else:
        raise BadInput(f"{name} needs a network that describes its channel_groups(): prune the filters of this one")
    pool = Pool(groups, _dense_widths(network, groups), ratio, choice.ratios)
    _check_gone(network, method.granularity, options, pool)
    selected = select_channels(network, method, options, pool)
    kept = {key: mask.nonzero().flatten().tolist() for key, mask in selected.kept.items()}
    if couplings:
        remove_filters(network, couplings, kept)
    else:
        remove_channels(network, kept)
    left = architecture_of(network).kept
    network.outcome = PruningOutcome(  # type: ignore[assignment]
        method=name,
        ratio="preset" if ratio is None else canonical(ratio),
        options=plain_options(options),
        granularity=method.granularity,
        layers=[layer_outcome(key, method.granularity, pool, selected) for key in groups],
        kept={key: list(left.get(key, range(pool.dense[key]))) for key in groups},
        rescued=len(selected.rescued),
        asked_removed=asked_removed(method.granularity, pool, options),
        left_alone=left_alone,
    )


def _check_gone(network: nn.Module, granularity: Granularity, options: ChannelOptions, pool: Pool) -> None:
    """Raise `BadInput` where more channels are gone than the ratio asks for; rule ``paper`` takes ties, so may take more."""
    if options.rule != "exact":
        return
    gone = {name: width - width_of(network, pool.groups[name]) for name, width in pool.dense.items()}
    if granularity == "filters":
        asked = {name: width - kept_count(width, pool.ratio_of(name)) for name, width in pool.dense.items()}
        check_asked(network, gone, asked, pool.dense, granularity)
    else:
        total = {"": sum(pool.dense.values())}
        check_asked(network, {"": sum(gone.values())}, {"": asked_removed(granularity, pool, options)}, total, granularity)


def eligible_groups(
    network: nn.Module, granularity: Granularity, choice: LayerChoice
) -> tuple[dict[str, ChannelGroup], dict[str, str]]:
    """Return the groups that may lose channels, and every other layer with the reason why it is left alone.

    Raises:
        BadInput: a chosen layer cannot be pruned, or none can.
    """
    groups, held = _free_groups(network)
    filters = {group.convolution: group for group in groups.values() if group.kind == "filters"}
    numbers = {name: number for number, (name, _) in enumerate(convolutions(network), start=1)}
    stuck = [layer for layer in choice.names if layer not in filters]
    if choice.explicit and stuck:
        possible = [number for layer, number in numbers.items() if layer in filters]
        why = held.get(stuck[0], STREAM)
        raise BadInput(f"layers {[numbers[each] for each in stuck]} cannot lose filters: {why} (allowed: {possible})")
    found, left_alone = {}, {}
    for name, group in groups.items():
        selectable = group.kind == "selection" and granularity == "channels" and not choice.explicit
        if selectable or (group.kind == "filters" and group.convolution in choice.names):
            found[name] = group
        elif group.kind == "filters":
            left_alone[name] = NOT_CHOSEN
    left_alone |= {layer: STREAM for layer in numbers if layer not in filters} | held
    if not found:
        why = f" ({', '.join(sorted(set(held.values())))})" if held else ""
        raise BadInput(f"no prunable layer: none of the chosen layers can lose channels{why}")
    return found, left_alone


def _free_groups(network: nn.Module) -> tuple[dict[str, ChannelGroup], dict[str, str]]:
    """Return the groups whose channels can go, and what makes the others, with the reason, by convolution (or group)."""
    held, free, stuck = held_modules(network), {}, {}
    for name, group in groups_of(network).items():
        modules = [group.convolution, group.norm, *(consumer.name for consumer in group.consumers)]
        reason = next((f"{module}: {held[module]}" for module in modules if module in held), None)
        if reason is None:
            free[name] = group
        else:
            stuck[group.convolution or name] = reason
    return free, stuck


def _dense_widths(network: nn.Module, groups: dict[str, ChannelGroup]) -> dict[str, int]:
    """Return the width of each group before the first pruning."""
    before = getattr(getattr(network, "outcome", None), "layers", [])
    known = {layer.name: layer.total for layer in before}
    return {name: known.get(name, width_of(network, group)) for name, group in groups.items()}


def select_channels(network: nn.Module, method: Method, options: ChannelOptions, pool: Pool) -> Selected:
    """Return what a method keeps of the pool, at least one channel per layer."""
    shapes = {key: (width_of(network, group),) for key, group in pool.groups.items()}
    scores = scores_of(method, ScoreContext(network, tuple(pool.groups), pool.groups, options), shapes)
    widths = {name: values.numel() for name, values in scores.items()}
    like = getattr(options, "like", None)
    if like is not None:
        liked = METHODS.get(like)
        copied = {"layers": options.layers, "round_to": options.round_to, "rule": options.rule}
        model = select_channels(network, liked, make_options(like, liked, copied), pool)
        counts = {name: int((~mask).sum()) for name, mask in model.kept.items()}
        return Selected(keep_each(scores, counts), model.rescued)
    if method.granularity == "filters":
        targets = {name: kept_count(pool.dense[name], pool.ratio_of(name)) for name in scores}
        kept = keep_each(scores, {name: max(0, widths[name] - target) for name, target in targets.items()})
    else:
        gone = sum(pool.dense.values()) - sum(widths.values())
        kept = keep_pooled(scores, max(0, asked_removed("channels", pool, options) - gone), options.rule)
    rescued = frozenset(name for name, mask in kept.items() if not bool(mask.any()))
    kept = keep_at_least(kept, scores, dict.fromkeys(scores, 1))
    least = {name: rounded_up(int(mask.sum()), options.round_to, widths[name]) for name, mask in kept.items()}
    return Selected(keep_at_least(kept, scores, least), rescued)


def asked_removed(granularity: Granularity, pool: Pool, options: ChannelOptions) -> int:
    """Return how many channels the ratio alone would remove from the dense network."""
    if granularity == "filters":
        return sum(width - kept_count(width, pool.ratio_of(name)) for name, width in pool.dense.items())
    if pool.ratio is None or pool.ratios:
        raise BadInput("this layer preset brings ratios per layer: pooled channels need convolution numbers and a ratio")
    return removed_count(sum(pool.dense.values()), pool.ratio, options.rule)


def layer_outcome(name: str, granularity: Granularity, pool: Pool, selected: Selected) -> LayerOutcome:
    """Describe what became of one layer; filters have a number asked for of their own."""
    dense, kept = pool.dense[name], int(selected.kept[name].sum())
    asked = kept_count(dense, pool.ratio_of(name)) if granularity == "filters" else None
    note = "one channel rescued" if name in selected.rescued else "rounded up" if asked not in (None, kept) else ""
    return LayerOutcome(name, dense, kept, note=note, asked=asked)
