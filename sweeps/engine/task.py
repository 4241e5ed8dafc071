"""What a worker is told: the trial, where and how, and what is the engine's own. Travels as JSON text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prune_core.trial.description import TrialDescription
from prune_core.trial.order import TrialOrder


@dataclass(frozen=True)
class Task:
    """One trial for one worker.

    Attributes:
        name: of the trial, for people.
        description: what is done, and with what.
        order: where, at which budgets, and how.
        plugins: modules to import first.
        plugin_paths: where they are looked for, besides the usual places.
        hang_factor: how many of its longest epochs a trial may be silent.
        hang_floor_seconds: what it may be silent in any case.
        stop_token: a file that says that the sweep is to stop.
        may_move: whether the worker looks if its node is to leave the cluster, puts down what it has, and goes.
    """

    name: str
    description: TrialDescription
    order: TrialOrder
    plugins: tuple[str, ...]
    plugin_paths: tuple[str, ...]
    hang_factor: float
    hang_floor_seconds: float
    stop_token: Path
    may_move: bool = False

    def to_plain(self) -> dict[str, Any]:
        """Return JSON data, paths as text."""
        return {
            **vars(self),
            "description": self.description.to_plain(),
            "order": self.order.to_plain(),
            "plugins": list(self.plugins),
            "plugin_paths": list(self.plugin_paths),
            "stop_token": str(self.stop_token),
        }

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Task:
        """Read what `to_plain` wrote."""
        return cls(
            **{
                **values,
                "description": TrialDescription.from_plain(values["description"]),
                "order": TrialOrder.from_plain(values["order"]),
                "plugins": tuple(values["plugins"]),
                "plugin_paths": tuple(values["plugin_paths"]),
                "stop_token": Path(values["stop_token"]),
            }
        )
