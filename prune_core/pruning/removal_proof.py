"""Whether filters of a user's network can be removed right: the network without them against the one with them at zero."""

from __future__ import annotations

import torch
from torch import nn

from prune_core.base.copies import copied
from prune_core.base.errors import BadInput, first_line
from prune_core.networks import architecture_of
from prune_core.pruning.couplings import Coupling, remove_filters
from prune_core.pruning.masked import masked_copy
from prune_core.pruning.outcome import PruningOutcome
from prune_core.pruning.probe import probe
from prune_core.pruning.surgery import channel_count

TOLERANCE = 1e-9


def refuse_wrong(dense: nn.Module, pruned: nn.Module) -> None:
    """Compare the removed network with the masked one on random images.

    Raises:
        BadInput: they differ, so this network cannot be pruned right.
    """
    reason = _wrong(dense, pruned)
    if reason is not None:
        raise BadInput(f"{architecture_of(dense).name} {reason}")


@torch.no_grad()
def _wrong(dense: nn.Module, pruned: nn.Module) -> str | None:
    """Return how the network without channels differs from the one with them at zero; None if it does not."""
    removed = copied(pruned).cpu().double().eval()
    masked = masked_copy(dense, pruned).eval()
    images = probe(masked)
    expected = masked(images)
    try:
        got = removed(images)
    except Exception as error:  # noqa: BLE001  (a user's network may raise anything)
        return f"cannot be pruned right: without the channels it does not compute ({first_line(error)})"
    if got.shape != expected.shape:
        return f"cannot be pruned right: without the channels {len(images)} images give outputs {tuple(got.shape)}"
    difference = float((got - expected).abs().max()) / (float(expected.abs().max()) or 1.0)
    if difference <= TOLERANCE:  # NaN is wrong, too
        return None
    return (
        f"cannot be pruned right: its outputs without the channels differ by {difference:.2g} from those with the channels "
        "at zero (an activation that is not zero at zero?)"
    )


def unproven(network: nn.Module, couplings: dict[str, Coupling]) -> dict[str, str]:
    """Return the convolutions whose filters cannot be removed right, by removing half of them, with the reason.

    A forward pass may count on a width that tracing does not show, as in ``view(-1, 16 * 5 * 5)``.
    """
    if _wrong_without(network, couplings) is None:
        return {}
    reasons = {name: _wrong_without(network, {name: coupling}) for name, coupling in couplings.items()}
    wrong = {name: reason for name, reason in reasons.items() if reason is not None}
    left = {name: coupling for name, coupling in couplings.items() if name not in wrong}
    together = _wrong_without(network, left)
    return wrong if together is None else wrong | dict.fromkeys(left, together)


def _wrong_without(network: nn.Module, couplings: dict[str, Coupling]) -> str | None:
    """Return what is wrong with the network without half of the filters of these convolutions; None if nothing is."""
    widths = {name: channel_count(network, name) for name in couplings}
    kept = {name: list(range(width // 2, width)) for name, width in widths.items() if width > 1}
    if not kept:
        return None
    twin = copied(network)
    remove_filters(twin, couplings, kept)
    twin.outcome = PruningOutcome("half", "0.5", {}, "filters", layers=[])  # type: ignore[assignment]
    return _wrong(network, twin)
