"""The scale on which an objective is modelled, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

F = torch.float64
Name = Literal["logit", "log", "linear"]
EDGE = 0.002
"""Fractions nearer than this to 0 or 1 are taken as this far away: a few hundred images cannot tell."""
LEAST = 1e-3
"""On a log scale fractions smaller than this are taken as this."""
TYPICAL = {"logit": 1.5, "log": 1.0}
"""Standard deviation of an objective over candidates, on its scale, that is expected before anything is told."""
PATIENCE = 3
"""Weight of that expectation, in told candidates."""


@dataclass(frozen=True)
class Scale:
    """A monotone scale, standardised.

    Attributes:
        name: of the scale.
        middle: its value that becomes 0.
        width: what becomes 1.
    """

    name: Name
    middle: float
    width: float

    @staticmethod
    def of(values: torch.Tensor, largest: bool, name: Name | None = None) -> Scale:
        """Return the scale of told values ``(N,)``; which one is read off them where it is not named.

        Fractions that are to be large (accuracy) are on a logit scale, positive numbers that are to be small (ECE, costs)
        on a log scale.
        """
        if name is None:
            fraction = bool((values >= 0).all() and (values <= 1).all())
            positive = bool((values > 0).all())
            name = "logit" if fraction and largest else "log" if positive and not largest else "linear"
        bare = Scale(name, 0.0, 1.0).forward(values)
        middle, spread = float(bare.mean()), float(bare.var(correction=0))
        typical = TYPICAL.get(name, max(spread, 1e-12) ** 0.5)
        width = ((len(bare) * spread + PATIENCE * typical**2) / (len(bare) + PATIENCE)) ** 0.5
        return Scale(name, middle, max(width, 1e-9))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return values on the scale."""
        if self.name == "logit":
            inside = values.clamp(EDGE, 1 - EDGE)
            bare = torch.log(inside / (1 - inside))
        else:
            bare = (
                torch.log(values.clamp_min(1e-3 if bool((values <= 1).all()) else 1e-12)) if self.name == "log" else values
            )
        return (bare - self.middle) / self.width

    def back(self, scaled: torch.Tensor) -> torch.Tensor:
        """Return values in their own units."""
        bare = scaled * self.width + self.middle
        return (
            torch.sigmoid(bare) if self.name == "logit" else torch.exp(bare.clamp(-50, 50)) if self.name == "log" else bare
        )
