"""Colours and symbols by method: told apart by colour-blind readers, in print without colour, and on light and dark pages.

Colours are those of Okabe and Ito (Color Universal Design, 2008), their dark variants lightened; every method also has a
symbol of its own, so colour never carries the meaning alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LIGHT = ("#0072B2", "#D55E00", "#009E73", "#B6559A", "#C28A00", "#3A9FD6", "#6A4C93", "#7F7F00")
DARK = ("#4FB3F0", "#FF8A4C", "#34D3A5", "#E79BCB", "#F2BE4A", "#8BD0FA", "#B79BE8", "#C9C94A")
INK, PAPER, GREY = "#1a1a1a", "#ffffff", "#b5b5b5"
"""In print: text and references, the page itself, and what stands back."""
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


def look_of(place: int, *, symbol: str, marker: str) -> Look:
    """Return a look in one of the colours of the palette, by its place."""
    return Look(f"@c{place}", LIGHT[place], symbol, marker)


def looks(methods: Iterable[str]) -> dict[str, Look]:
    """Return the look of each method: by its place in the alphabet, so that the same study always looks the same."""
    pruning = sorted(set(methods) - set(_NEUTRAL))
    result = {name: Look("@ink", INK, symbol, marker) for name, (symbol, marker) in _NEUTRAL.items()}
    for place, name in enumerate(pruning):
        index = place % len(LIGHT)
        result[name] = look_of(index, symbol=_SYMBOLS[index], marker=_MARKERS[index])
    return result


def order(methods: Iterable[str]) -> list[str]:
    """Return the methods as legends list them: the references first, then by name."""
    known = set(methods)
    return [name for name in _NEUTRAL if name in known] + sorted(known - set(_NEUTRAL))


@dataclass(frozen=True)
class HeatScale:
    """Colours of a heat map from its lowest value to its highest, evenly spaced: names of the page's, and those of print."""

    page: tuple[str, ...]
    light: tuple[str, ...]

    def colour_at(self, share: float) -> str:
        """Return the colour in print at a share of the way, in [0, 1]; beyond it that of the nearer end."""
        last = len(self.light) - 1
        place = min(max(share, 0.0), 1.0) * last
        before = min(int(place), last - 1)
        pair = zip(_channels(self.light[before]), _channels(self.light[before + 1]), strict=True)
        return "#" + "".join(f"{round(255 * (a + (place - before) * (b - a))):02x}" for a, b in pair)


WORSE_TO_BETTER = HeatScale(("@c1", "@paper", "@c0"), (LIGHT[1], PAPER, LIGHT[0]))
"""Differences, 0 in the middle."""
ACCURACY = HeatScale(("@paper", "@c0"), (PAPER, LIGHT[0]))
ERROR = HeatScale(("@paper", "@c1"), (PAPER, LIGHT[1]))


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb``, in [0, 1] (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(colour)]
    return sum(weight * channel for weight, channel in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _channels(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
