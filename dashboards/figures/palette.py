"""Colours and symbols by method: told apart by colour-blind readers, in print without colour, and on light and dark pages.

Colours are those of Okabe and Ito (Color Universal Design, 2008), their dark variants lightened; every method also has a
symbol of its own, so colour never carries the meaning alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LIGHT = ("#0072B2", "#D55E00", "#009E73", "#B6559A", "#C28A00", "#3A9FD6", "#6A4C93", "#7F7F00")
DARK = ("#4FB3F0", "#FF8A4C", "#34D3A5", "#E79BCB", "#F2BE4A", "#8BD0FA", "#B79BE8", "#C9C94A")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down", "pentagon", "hexagon")
_MARKERS = ("o", "s", "D", "^", "P", "v", "p", "h")
_NEUTRAL = {
    "baseline": ("star", "*"),
    "control": ("x", "X"),
    "dense": ("triangle-left", "<"),
    "scratch": ("triangle-right", ">"),
}
FILLS = ("", "-open", "-dot", "-open-dot")
"""Variants of a symbol, one per network."""


@dataclass(frozen=True)
class Look:
    """How one method is drawn; ``colour`` is a name that the page turns into its light or dark variant."""

    colour: str
    light: str
    symbol: str
    marker: str


def looks(methods: Iterable[str]) -> dict[str, Look]:
    """Return the look of each method: by its place in the alphabet, so that the same study always looks the same."""
    pruning = sorted(set(methods) - set(_NEUTRAL))
    result = {name: Look("@ink", "#1a1a1a", symbol, marker) for name, (symbol, marker) in _NEUTRAL.items()}
    for place, name in enumerate(pruning):
        index = place % len(LIGHT)
        result[name] = Look(f"@c{index}", LIGHT[index], _SYMBOLS[index], _MARKERS[index])
    return result


def order(methods: Iterable[str]) -> list[str]:
    """Return the methods as legends list them: the references first, then by name."""
    known = set(methods)
    return [name for name in _NEUTRAL if name in known] + sorted(known - set(_NEUTRAL))
