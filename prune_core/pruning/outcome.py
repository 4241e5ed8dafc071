"""What a pruning did: which ratio was asked for, what each layer lost, what was left alone and why."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor, nn

from prune_core.base.errors import BadInput

Granularity = Literal["weights", "filters", "channels"]


@dataclass(frozen=True)
class LayerOutcome:
    """One layer of the pruned pool: weights of a parameter, or channels of a group.

    ``total`` counts the dense network's, ``kept`` what is left of them, ``asked`` how many the ratio alone would have kept
    (``None`` where the ratio holds for the pool, not for the layer), ``note`` says why the two differ.
    """

    name: str
    total: int
    kept: int
    note: str = ""
    asked: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"name": self.name, "total": self.total, "kept": self.kept, "note": self.note, "asked": self.asked}


@dataclass(frozen=True)
class PruningOutcome:
    """The result of one `prune` call; counts and channel indices are those of the dense network.

    ``ratio`` is a canonical decimal (``"preset"`` where a preset brought its own ratios), ``masks`` holds one boolean tensor
    (true = keep) per pruned parameter, ``kept`` the kept channel indices per group, ``rescued`` the channels that only the
    floor of one channel per layer kept alive, ``asked_removed`` the weights or channels that the ratio asked to remove,
    ``left_alone`` the layers outside the pool with the reason.
    """

    method: str
    ratio: str
    options: dict[str, Any]
    granularity: Granularity
    layers: list[LayerOutcome]
    masks: dict[str, Tensor] = field(default_factory=dict)
    kept: dict[str, list[int]] = field(default_factory=dict)
    rescued: int = 0
    asked_removed: int = 0
    left_alone: dict[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Weights or channels in the pool, dense."""
        return sum(layer.total for layer in self.layers)

    @property
    def removed(self) -> int:
        """Weights or channels of the pool that are gone."""
        return sum(layer.total - layer.kept for layer in self.layers)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without the masks (they are the zeros of the saved weights)."""
        return {
            "method": self.method,
            "ratio": self.ratio,
            "options": self.options,
            "granularity": self.granularity,
            "layers": [layer.to_dict() for layer in self.layers],
            "kept": self.kept,
            "rescued": self.rescued,
            "asked_removed": self.asked_removed,
            "left_alone": self.left_alone,
        }

    def header_text(self) -> str:
        """Return it as one line of JSON for the header of a saved file; what is kept stands in the architecture already."""
        return json.dumps({key: value for key, value in self.to_dict().items() if key != "kept"}, sort_keys=True)

    @classmethod
    def from_dict(cls, plain: dict[str, Any], masks: dict[str, Tensor]) -> PruningOutcome:
        """Return the outcome that `to_dict` described, with masks read from the weights.

        Raises:
            KeyError, TypeError: ``plain`` was not written by `to_dict`.
        """
        layers = [LayerOutcome(**layer) for layer in plain["layers"]]
        return cls(**{**plain, "layers": layers, "masks": masks})


def outcome_of(network: nn.Module) -> PruningOutcome:
    """Return the outcome that `prune` left on a network.

    Raises:
        BadInput: the network was never pruned.
    """
    outcome = getattr(network, "outcome", None)
    if not isinstance(outcome, PruningOutcome):
        raise BadInput("this network carries no pruning outcome: it was not made by prune()")
    return outcome
