"""What a study costs: hours, disk, memory. What builds or trains networks for it is looked up when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prune_core.base.lazy import lazy_names

if TYPE_CHECKING:
    from sweeps.cost.known import known_costs
    from sweeps.cost.measuring import measured_speed, unmeasured_speed
    from sweeps.cost.prunable import unprunable

__all__ = ["known_costs", "measured_speed", "unmeasured_speed", "unprunable"]

_ROOMS = {
    "known_costs": "sweeps.cost.known",
    "measured_speed": "sweeps.cost.measuring",
    "unmeasured_speed": "sweeps.cost.measuring",
    "unprunable": "sweeps.cost.prunable",
}
__getattr__, __dir__ = lazy_names(__name__, _ROOMS)
