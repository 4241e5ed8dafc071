"""``front_chance``: who is unlikely to have a place on the front at the longest budget is stopped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prune_core.base.errors import BadInput
from sweeps.stopping_rules.rule import STOPPING_RULES, Decision, Standing, StoppingRule


@dataclass(frozen=True, kw_only=True)
class FrontChanceOptions:
    """``below``: who has a smaller probability of a place on the front is stopped, in (0, 1)."""

    below: float

    def __post_init__(self) -> None:
        if isinstance(self.below, bool) or not isinstance(self.below, int | float) or not 0 < self.below < 1:
            raise BadInput(f"below is {self.below!r} (allowed: numbers greater than 0 and less than 1)")


def likely_on_front(standing: Standing, options: FrontChanceOptions) -> list[Decision]:
    """Return who goes on: all that are likely enough on the front, and always who is likeliest."""
    chances = standing.chances()
    best = int(np.argmax(chances))
    return [
        None
        if chance >= options.below or place == best
        else f"probability {chance:.3f} of a place on the front at budget {standing.budgets[-1]}, less than "
        f"{options.below:g}, among {len(chances)} candidates (early_stopping front_chance)"
        for place, chance in enumerate(chances)
    ]


STOPPING_RULES.register("front_chance")(
    StoppingRule(likely_on_front, FrontChanceOptions, "probability of being non-dominated under the surrogate of front_gp")
)
