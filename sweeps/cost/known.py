"""Costs that are known before a candidate is tried: those that do not depend on what training makes of the weights.

A network is built and pruned twice with made-up weights that could hardly differ more: each layer on a scale of its own. A
cost that is the same both times depends on architecture, method and ratio alone, so it is what a trial will measure.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from prune_core.base.errors import BadInput, Diverged
from prune_core.base.seeds import derive_seed
from prune_core.cost.measured import MeasuredNetwork
from prune_core.metrics import COSTS
from prune_core.networks import build_network
from prune_core.pruning import METHODS, prune
from sweeps.cost.sizes import Sizes, sizes_of
from sweeps.plan.arms import Arm, study_arms
from sweeps.study.model import Study

SPREAD = 3.0
"""Standard deviation of the logarithm of a layer's made-up scale."""


ACCIDENTAL = ("size_bytes",)
"""Costs that hang on the weights by a few bytes: a file's header lists the channels that stayed."""
OTHER_SEED = 1234567890123
"""A seed as long as those that trials draw: a file's size depends on how long its header is."""


class KnownCosts:
    """Costs known beforehand, by arm and ratio, computed when first asked for.

    Nothing is known of methods that look at images or prune in rounds, of costs that are no number of the pruned network
    alone (seconds), and of any network where the study's data is unknown (its shape and classes are part of a network).

    Args:
        study: the resolved study.
        columns: costs that matter; others are not computed.
    """

    def __init__(self, study: Study, columns: Collection[str]) -> None:
        self._columns = [column for column in columns if column in COSTS and column not in ACCIDENTAL]
        self._study = study
        self._arms: dict[str, Arm] = {}
        self._sizes: Sizes | None = None
        self._opened = False
        self._exact: dict[str, list[str]] = {}
        self._found: dict[tuple[str, str], Mapping[str, float]] = {}

    def __call__(self, arm: str, ratio: str) -> Mapping[str, float]:
        """Return the known costs of an arm at a ratio, by column."""
        if not self._columns:
            return {}
        if not self._opened:
            self._arms = {each.name: each for each in study_arms(self._study)}
            self._sizes, self._opened = sizes_of(self._study), True
        if (arm, ratio) not in self._found:
            self._found[arm, ratio] = self._of(self._arms[arm], ratio) if arm in self._arms else {}
        return self._found[arm, ratio]

    def _of(self, arm: Arm, ratio: str) -> Mapping[str, float]:
        sizes = self._sizes
        if sizes is None or arm.rounds > 1 or METHODS.get(arm.method).needs_batches:
            return {}
        try:
            first = _costs(arm, ratio, sizes, self._exact.get(arm.name, self._columns), 0)
            if arm.name not in self._exact:
                other = _costs(arm, ratio, sizes, self._columns, 1)
                self._exact[arm.name] = [column for column in first if first[column] == other.get(column)]
        except (BadInput, Diverged, RuntimeError, ValueError):
            return {}  # a network or a method that made-up weights are nothing for: its costs are predicted
        return {column: first[column] for column in self._exact[arm.name]}


def _costs(arm: Arm, ratio: str, sizes: Sizes, columns: Collection[str], draw: int) -> Mapping[str, float]:
    """Return costs of the arm's network with made-up weights, pruned."""
    section = arm.base.section
    described = json.dumps([section.name or arm.network, section.options, arm.method, arm.options], sort_keys=True)
    return _measured(described, ratio, (*sizes.shape, sizes.classes), tuple(columns), draw)


@lru_cache(4096)  # replays of one study on a benchmark ask again and again
def _measured(
    described: str, ratio: str, data: tuple[int, int, int, int], columns: tuple[str, ...], draw: int
) -> Mapping[str, float]:
    name, network_options, method, method_options = json.loads(described)
    height, width, channels, classes = data
    dense = build_network(name, num_classes=classes, in_channels=channels, **network_options)
    _make_up(dense, derive_seed("known costs", draw))
    options: dict[str, Any] = dict(method_options)
    if "seed" in {field.name for field in dataclasses.fields(METHODS.get(method).Options)}:
        options.setdefault("seed", draw * OTHER_SEED)  # each trial draws its own
    measured = MeasuredNetwork(
        prune(dense, method, ratio, **options),
        (channels, height, width),
        sum(parameter.numel() for parameter in dense.parameters()),
    )
    found = {column: COSTS.get(column).function(measured) for column in columns}
    return {column: float(value) for column, value in found.items() if value is not None}


def _make_up(network: nn.Module, seed: int) -> None:
    """Give every parameter weights at random, each parameter on a scale of its own."""
    random = torch.Generator().manual_seed(seed % 2**63)
    with torch.no_grad():
        for parameter in network.parameters():
            scale = float(torch.exp(SPREAD * torch.randn((), generator=random)))
            parameter.copy_(scale * torch.randn(parameter.shape, generator=random))
