"""How images are normalised for a network, as a saved file's header says it: ``(pixel / 255 - mean) / std``, per channel."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prune_core.base.errors import BadInput
from prune_core.base.files import parse_json

INPUT_KEY = "input"
"""Of the text in a saved file's header."""
INPUT = "images"
"""Name of the input in every file."""
GIVEN, FILE, DEFAULT = "as given", "from the file's header", "the default of the dataset"
"""Where mean and standard deviation come from, as it is said to people."""


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation of each channel, on the 0..1 scale."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


def input_facts(shape: Sequence[int], normalisation: Normalisation) -> dict[str, Any]:
    """Return what a file wants to be fed, as plain data.

    Args:
        shape: of one image, ``(C, H, W)``.
        normalisation: of its images.
    """
    return {
        "name": INPUT,
        "shape": ["batch", *shape],
        "layout": "NCHW",
        "dtype": "float32",
        "normalisation": "(pixel / 255 - mean) / std, per channel",
        "mean": [float(value) for value in normalisation.mean],
        "std": [float(value) for value in normalisation.std],
    }


def input_text(shape: Sequence[int], normalisation: Normalisation) -> str:
    """Return `input_facts` as one line of JSON, as a header holds it."""
    return json.dumps(input_facts(shape, normalisation))


def normalisation_in(header: Mapping[str, str]) -> Normalisation | None:
    """Return the normalisation that a file's header says; None where it says none.

    Raises:
        BadInput: what it says is no normalisation.
    """
    if INPUT_KEY not in header:
        return None
    try:
        plain = parse_json(header[INPUT_KEY])
    except ValueError as error:
        raise BadInput(f"the header's {INPUT_KEY!r} cannot be read ({error})") from None
    if not isinstance(plain, dict) or not {"mean", "std"} <= set(plain):
        return None
    mean, std = plain["mean"], plain["std"]
    if not _numbers(mean) or not _numbers(std) or len(mean) != len(std) or min(std) <= 0:
        raise BadInput(
            f"the header's {INPUT_KEY!r} says no normalisation (allowed: mean and std, a number per channel, std above 0)"
        )
    return Normalisation(tuple(map(float, mean)), tuple(map(float, std)))


def source_of(given: Collection[str], otherwise: str = DEFAULT) -> str:
    """Return in words where mean and standard deviation come from.

    Args:
        given: names of the options that the user gave, ``mean`` and ``std`` perhaps among them.
        otherwise: where the rest comes from.
    """
    said = [name for name in ("mean", "std") if name in given]
    rest = [name for name in ("mean", "std") if name not in given]
    return GIVEN if not rest else otherwise if not said else f"{said[0]} {GIVEN}, {rest[0]} {otherwise}"


def normalisation_text(mean: Sequence[float], std: Sequence[float], source: str) -> str:
    """Return how images are normalised, for people and for records: ``mean 0.5; std 0.25 (as given)``."""
    return f"mean {channel_text(mean)}; std {channel_text(std)} ({source})"


def channel_text(values: Sequence[float]) -> str:
    """Return a value of each channel as people read them."""
    return ", ".join(f"{value:.4g}" for value in values)


def _numbers(values: object) -> bool:
    """Whether these are one to three finite numbers."""
    return (
        isinstance(values, list)
        and 1 <= len(values) <= 3
        and all(isinstance(each, int | float) and not isinstance(each, bool) and math.isfinite(each) for each in values)
    )
