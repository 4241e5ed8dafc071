"""The corruptions of the CIFAR-C benchmark by name: what its numbers are defined over.

A corruption that is added later, here or in a plugin, is in neither group: mPC stays what the benchmark says it is.

Source: Hendrycks and Dietterich, ICLR 2019.
"""

from __future__ import annotations

from collections.abc import Sequence

JPEG = "jpeg_compression"

STANDARD = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    JPEG,
)
"""The 15 of the benchmark, in its order: what mPC averages over."""

EXTRA = ("speckle_noise", "gaussian_blur", "spatter", "saturate")
"""The 4 that the benchmark keeps apart for selection: never part of mPC."""

GROUPS = {"standard": STANDARD, "extra": EXTRA}
"""What a list of corruptions may name besides single ones."""

CORRUPTION_SOURCES = ("none", "generated", "official")
"""Where the corrupted report images come from; else a list of corruptions says which are generated."""


def averaged(names: Sequence[str]) -> tuple[str, ...]:
    """Return which of the judged corruptions mPC and the other summaries are taken over.

    The benchmark's 15 where all of them are there, whatever stands beside them; else all that were judged.
    """
    return STANDARD if set(STANDARD) <= set(names) else tuple(names)


def corruptions_in_words(names: Sequence[str], most: int = 6) -> str:
    """Return what corruptions are called wherever a number stands that was measured under them."""
    listed = ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
    if set(names) == set(STANDARD):
        return f"the {len(STANDARD)} of the benchmark"
    if set(names) == set(EXTRA):
        return f"the {len(EXTRA)} extra corruptions ({', '.join(EXTRA)})"
    if set(STANDARD) < set(names):
        beside = [name for name in names if name not in STANDARD]
        return f"the {len(STANDARD)} of the benchmark ({', '.join(beside)} beside them, not in mPC and the worst one)"
    return listed
