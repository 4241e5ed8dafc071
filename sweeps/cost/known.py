"""What networks of a study will cost, as far as it is known before anything is trained.

How many filters, or weights, a ratio takes is the same for every score, so a network with fresh weights is pruned in place
of the trained one. Channels that all layers share a pool of are another matter: where they go depends on the training.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import nn

from prune_core.base.described import plain
from prune_core.cost.measured import MeasuredNetwork, cost_columns
from prune_core.networks import architecture_of, build_network
from prune_core.pruning import METHODS, prune
from prune_core.pruning.method import make_options, plain_options
from prune_core.pruning.outcome import PruningOutcome
from sweeps.cost.sizes import Sizes
from sweeps.plan.arms import Arm, Base

_STAND_INS = {"filters": "l1_filter", "weights": "unstructured"}
"""Methods that need nothing but weights, by granularity."""
KNOWN = {
    "filters": ("parameters", "nonzero_parameters", "macs", "nonzero_macs", "compression", "sparsity", "size_bytes"),
    "weights": ("parameters", "nonzero_parameters", "macs", "compression", "sparsity", "size_bytes"),
    None: ("parameters", "nonzero_parameters", "macs", "nonzero_macs", "compression", "sparsity", "size_bytes"),
}
"""The costs that a ratio settles by granularity; None is a network that is not pruned."""


@dataclass(frozen=True)
class KnownCosts:
    """One network of a study before it is trained.

    Attributes:
        name: the arm, or the network that is not pruned.
        ratio: canonical decimal; "0" where nothing is pruned.
        costs: column -> value. ``size_bytes`` is the least that its file can have: which channels are kept stands in the
            header, and what the file says about its images is not in it.
    """

    name: str
    ratio: str
    costs: Mapping[str, float]


def known_costs(arms: Iterable[Arm], bases: Iterable[Base], sizes: Sizes, wanted: Collection[str]) -> list[KnownCosts]:
    """Return the wanted costs of every (arm, ratio) and of every network that is not pruned, as far as they are known.

    Args:
        arms: of the study.
        bases: networks that are trained and not pruned: baselines, the dense ladder.
        sizes: of the data.
        wanted: columns; nothing is built where none of them can be known.

    Returns:
        Without what could not be built; an arm whose costs depend on the training has none.
    """
    columns = [name for name in KNOWN[None] if name in wanted]
    if not columns:
        return []
    found: list[KnownCosts] = []
    remembered: dict[str, dict[str, float]] = {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for base in {base.network: base for base in bases}.values():
            costs = _costs(base, sizes, None, None, remembered)
            found += _one(base.network, "0", costs, columns)
        for arm in arms:
            for ratio in arm.ratios:
                own = [name for name in columns if name in KNOWN.get(METHODS.get(arm.method).granularity, ())]
                found += _one(arm.name, ratio, _costs(arm.base, sizes, arm, ratio, remembered) if own else {}, own)
    return found


def _one(name: str, ratio: str, costs: Mapping[str, float], columns: Iterable[str]) -> list[KnownCosts]:
    chosen = {column: costs[column] for column in columns if column in costs}
    return [KnownCosts(name, ratio, chosen)] if chosen else []


def _costs(
    base: Base, sizes: Sizes, arm: Arm | None, ratio: str | None, remembered: dict[str, dict[str, float]]
) -> dict[str, float]:
    stand_in = None if arm is None else _STAND_INS.get(METHODS.get(arm.method).granularity)
    options = {} if arm is None or stand_in is None else _shared_options(stand_in, arm.options)
    key = repr((base.network, stand_in, sorted(options.items()), ratio))
    if key not in remembered:
        try:
            remembered[key] = _measured(base, sizes, stand_in, options, ratio)
        except Exception:  # noqa: BLE001 - a network that cannot be built is told where its speed is measured
            remembered[key] = {}
    found = remembered[key]
    if arm is None or stand_in is None or "size_bytes" not in found:
        return found
    own = _said(arm.method, arm.options) - _said(
        stand_in, plain_options(make_options(stand_in, METHODS.get(stand_in), dict(options)))
    )
    return {**found, "size_bytes": found["size_bytes"] + own}


def _measured(
    base: Base, sizes: Sizes, stand_in: str | None, options: Mapping[str, Any], ratio: str | None
) -> dict[str, float]:
    height, width, channels = sizes.shape
    dense = build_network(
        str(base.section.name), num_classes=sizes.classes, in_channels=channels, **base.section.options
    ).eval()
    network = dense if stand_in is None else prune(dense, stand_in, ratio, **options)
    parameters = sum(parameter.numel() for parameter in dense.parameters())
    costs = cost_columns(MeasuredNetwork(network, (channels, height, width), parameters))
    costs["size_bytes"] -= _unsure_bytes(network)
    return costs


def _unsure_bytes(network: nn.Module) -> int:
    """Return how many bytes of the header depend on the training: digits of what is kept of channels and weights."""
    outcome = getattr(network, "outcome", None)
    if not isinstance(outcome, PruningOutcome):
        return 0
    digits = 8  # the header is padded to a multiple of it
    for channels in architecture_of(network).kept.values():
        digits += sum(len(str(channel)) for channel in channels) - sum(len(str(least)) for least in range(len(channels)))
    if outcome.granularity == "weights":
        digits += sum(len(str(layer.kept)) - 1 for layer in outcome.layers)
    return digits


def _said(method: str, options: Mapping[str, Any]) -> int:
    """Return the length of what a file says of its method."""
    return len(json.dumps([method, plain(options)]))


def _shared_options(stand_in: str, options: Mapping[str, Any]) -> dict[str, Any]:
    allowed = {field.name for field in fields(METHODS.get(stand_in).Options)}
    return {name: value for name, value in options.items() if name in allowed}
