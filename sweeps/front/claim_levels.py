"""How much error a whole report may make, and how it is divided: one truth for the report and for the plan before it."""

from __future__ import annotations

from typing import Literal

DECIDABLE = 5
"""Seeds from which on a difference is called one."""
LEVEL = 0.05
"""How often, at most, anything at all is claimed in a report of a study in which nothing differs."""

Place = Literal["primary", "control", "effects", "trends", "margins", "rivals"]
SHARES: dict[Place, float] = {
    "primary": 0.35,
    "effects": 0.1,
    "control": 0.1,
    "margins": 0.05,
    "trends": 0.05,
    "rivals": 0.05,
}
"""Of `LEVEL`, what each place of a report may spend: most for the few comparisons that a study is made for (each answer
against its control, in what it was chosen for), the rest for all that is found on the way. Three tenths are left for what
the assumptions miss: noise that is skewed, counts, variances from few seeds."""


def level_of(place: Place | None) -> float:
    """Return the level of all that is claimed in one place; the whole of it for a question that is asked alone."""
    return LEVEL * (1.0 if place is None else SHARES[place])
