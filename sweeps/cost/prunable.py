"""Which arms can never be pruned, said before their baselines are trained: a network without anything that may go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

import torch

from prune_core.base.errors import BadInput
from prune_core.networks import build_network
from prune_core.pruning import METHODS, for_images, prune
from sweeps.cost.sizes import Sizes
from sweeps.plan.arms import Arm

_STAND_INS = {"filters": "l1_filter", "weights": "unstructured", "channels": "network_slimming"}
"""Methods that need nothing but the network, by granularity: what can go is the same for every score."""


def unprunable(arms: Iterable[Arm], sizes: Sizes) -> dict[str, str]:
    """Return the arms that cannot be pruned, with the reason.

    Args:
        arms: of somebody's own networks: ours and their methods are tested.
        sizes: of the data.

    Returns:
        By name of the arm; without networks that cannot be built, or not computed: that is told where they are measured.
    """
    found = {arm.name: _reason(arm, sizes) for arm in arms}
    return {name: reason for name, reason in found.items() if reason is not None}


def _reason(arm: Arm, sizes: Sizes) -> str | None:
    """Return why a network with fresh weights cannot be pruned by the arm's method; None where it can."""
    height, width, channels = sizes.shape
    name, built = str(arm.base.section.name), {"num_classes": sizes.classes, **arm.base.section.options}
    stand_in = _STAND_INS[METHODS.get(arm.method).granularity]
    allowed = {field.name for field in fields(METHODS.get(stand_in).Options)}
    options = {key: value for key, value in arm.options.items() if key in allowed}
    with torch.random.fork_rng(devices=[]), for_images(height, width):
        torch.manual_seed(0)
        try:
            dense = build_network(name, in_channels=channels, **built).eval()
            with torch.inference_mode():
                dense(torch.zeros(2, channels, height, width))
        except Exception:  # noqa: BLE001  (somebody else's code; told where its speed is measured)
            return None
        try:
            prune(dense, stand_in, arm.ratios[-1], **options)
        except BadInput as error:
            return str(error)
    return None
