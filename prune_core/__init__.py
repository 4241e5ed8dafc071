"""The science of one trial on one device: networks, pruning, training, judging.

The names of the contract are looked up when they are asked for, so that ``import prune_core.metrics.directions`` costs no
import of torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prune_core.base.errors import BadInput
    from prune_core.complexity import complexity
    from prune_core.corruptions import corrupt
    from prune_core.metrics import calibration_error
    from prune_core.networks import build_network, load_weights
    from prune_core.pruning import prune

_ROOMS = {
    "BadInput": "prune_core.base.errors",
    "build_network": "prune_core.networks",
    "calibration_error": "prune_core.metrics",
    "complexity": "prune_core.complexity",
    "corrupt": "prune_core.corruptions",
    "load_weights": "prune_core.networks",
    "prune": "prune_core.pruning",
}

__all__ = ["BadInput", "build_network", "calibration_error", "complexity", "corrupt", "load_weights", "prune"]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ROOMS[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
