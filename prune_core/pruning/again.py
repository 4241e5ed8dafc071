"""Pruning what is pruned already: the ratio counts the unpruned network's pool, so it cannot ask for less than is gone."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from prune_core.base.errors import BadInput
from prune_core.pruning.outcome import Granularity, PruningOutcome


def earlier_outcome(network: nn.Module) -> PruningOutcome | None:
    """Return what an earlier pruning did to a network, None for one that was not pruned."""
    outcome = getattr(network, "outcome", None)
    return outcome if isinstance(outcome, PruningOutcome) else None


def summary(outcome: PruningOutcome) -> str:
    """Return by what a network was pruned and how much went: ``l1_filter at ratio 0.9 took 51 of 56 filters (91.07 %)``."""
    share = 100 * outcome.removed / max(outcome.total, 1)
    took = f"took {outcome.removed:,} of {outcome.total:,} {outcome.granularity} ({share:.2f} %)"
    return f"{outcome.method} at ratio {outcome.ratio} {took}"


def check_order(network: nn.Module, granularity: Granularity) -> None:
    """Raise `BadInput` for filters or channels after single weights: the zeros would no longer be known, and grow back."""
    before = earlier_outcome(network)
    if before is not None and before.granularity == "weights" != granularity and before.removed:
        raise BadInput(
            f"this network is pruned already: {summary(before)}; {granularity} cannot go after single weights, whose zeros "
            f"would grow back: prune {granularity} first"
        )


def check_asked(
    network: nn.Module, gone: Mapping[str, int], asked: Mapping[str, int], totals: Mapping[str, int], what: str
) -> None:
    """Refuse a ratio that asks for less than is gone.

    Args:
        network: before the pruning.
        gone: how many weights or channels went earlier, by layer, or under one key for the pool.
        asked: how many the ratio asks to remove of the unpruned network's, by the same keys.
        totals: how many the unpruned network has, by the same keys.
        what: ``weights``, ``filters`` or ``channels``.

    Raises:
        BadInput: more is gone than the ratio asks for, with what was done and the ratios that are possible.
    """
    short = [key for key in asked if gone.get(key, 0) > asked[key]]
    if not short:
        return
    before = earlier_outcome(network)
    done = "it has zeros where weights were" if before is None else summary(before)
    least = max(gone[key] / totals[key] for key in short)
    where = f" in {short[0]}" if short[0] else ""
    raise BadInput(
        f"this network is pruned already: {done}; the ratio counts the unpruned network's {what}, and asks for "
        f"{asked[short[0]]:,}{where} where {gone[short[0]]:,} of {totals[short[0]]:,} are gone (allowed: a ratio of "
        f"{-(-least * 10000 // 1) / 10000:g} or more, or the unpruned network)"
    )
