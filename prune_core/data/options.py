"""Reading dataset options: each is taken out of the dict and checked; what is left over is unknown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prune_core.base.described import without_defaults
from prune_core.base.errors import BadInput, UnknownOption

LATER_OPTIONS: dict[str, dict[str, Any]] = {"image_folder": {"classes": None}}
"""Options that datasets got after version 0.1.0, with their defaults, by dataset: an option that a study sets to its default
is then the same data as one that it leaves out. A new option of a shipped dataset belongs in here."""


def described_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a description names: without those of `LATER_OPTIONS` that are at their default."""
    return without_defaults(options, LATER_OPTIONS.get(name.partition(":")[0], {}))


def take_folder(options: dict[str, Any], name: str) -> Path | None:
    """Return option ``name`` as a path, None where it was not given."""
    value = options.pop(name, None)
    if value is None:
        return None
    if not isinstance(value, (str, Path)) or not str(value):
        raise BadInput(f"dataset option {name!r} is {value!r} (allowed: a path)")
    return Path(value).expanduser()


def take_size(options: dict[str, Any], default: int | None) -> int | None:
    """Return option ``size``, the side of the square images in pixels."""
    value = options.pop("size", default)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 8 <= value <= 512:
        raise BadInput(f"dataset option 'size' is {value!r} (allowed: a whole number of pixels, 8 to 512)")
    return value


def take_channel_values(options: dict[str, Any], name: str) -> tuple[float, ...] | None:
    """Return option ``name`` (``mean`` or ``std``) as numbers, one per channel; None where it was not given."""
    value = options.pop(name, None)
    if value is None:
        return None
    values = value if isinstance(value, (list, tuple)) else (value,)
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v) for v in values)
    if not values or not numbers or (name == "std" and min(values) <= 0):
        positive = "positive numbers" if name == "std" else "numbers"
        raise BadInput(f"dataset option {name!r} is {value!r} (allowed: {positive} on the 0..1 scale, one per channel)")
    return tuple(float(v) for v in values)


def take_names(options: dict[str, Any], name: str) -> tuple[str, ...] | None:
    """Return option ``name`` as different names, in their order; None where it was not given."""
    value = options.pop(name, None)
    if value is None:
        return None
    names = tuple(map(str, value)) if isinstance(value, (list, tuple)) else ()
    if not names or len(set(names)) < len(names):
        raise BadInput(f"dataset option {name!r} is {value!r} (allowed: a list of different names)")
    return names


def refuse_rest(name: str, options: dict[str, Any], allowed: tuple[str, ...]) -> None:
    """Raise `UnknownOption` when options are left over."""
    if options:
        option = sorted(map(str, options))[0]
        raise UnknownOption(f"dataset {name!r} has no option {option!r} (allowed: {', '.join(sorted(allowed))})", option)


def refuse_argument(name: str, argument: str) -> None:
    """Raise `BadInput` when something follows the colon of a dataset that takes nothing there."""
    if argument:
        raise BadInput(f"dataset {name!r} takes nothing after a colon, got {argument!r}")


def take_flag(options: dict[str, Any], name: str, default: bool) -> bool:
    """Return option ``name``, true or false."""
    value = options.pop(name, default)
    if not isinstance(value, bool):
        raise BadInput(f"dataset option {name!r} is {value!r} (allowed: true, false)")
    return value
