"""Which searchers the table compares, on which grids."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.pack_world import WORLDS
from benchmarks.search_surfaces import ROUGH

__all__ = ["DESIGNED_ON", "FRACTIONS", "GP_WORLDS", "GROUPS", "OTHERS", "OURS", "SLOW", "WORLDS", "Group"]

FRACTIONS = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
"""Shares of a grid's candidates after which the searches are compared."""
OURS = "default"
OTHERS = ("random", "tpe", "nsga2")
SLOW = ("gp", "botorch")
"""Others that think for seconds: on two worlds only, to a quarter of the candidates."""
MADE_UP = (2000, 2001, 2002, 2003, 2004, 2005)
"""Numbers of the made-up grids; others were used in design."""
DESIGNED_ON = "quickstart"
UNSEEN = ("digits-methods", "cifar-networks", "mnist-choices", "digits-limits")
"""Kept grids that were not looked at in design."""
GP_WORLDS = ("cifar-networks", "digits-methods")


@dataclass(frozen=True)
class Group:
    """Grids that one block of the table is about.

    Attributes:
        name: of the block.
        worlds: its grids; several made-up ones are taken together.
        kind: ``designed`` on, ``unseen``, ``smooth`` or ``rough``.
    """

    name: str
    worlds: tuple[str, ...]
    kind: str


GROUPS = (
    Group(DESIGNED_ON, (DESIGNED_ON,), "designed"),
    *(Group(name, (name,), "unseen") for name in UNSEEN),
    Group("smooth", tuple(f"smooth-{number}" for number in MADE_UP), "smooth"),
    *(Group(rough, tuple(f"{rough}-{number}" for number in MADE_UP), "rough") for rough in ROUGH),
)
