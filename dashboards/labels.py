"""How names and numbers are shown: titles, units and rounding, as the metrics and costs say."""

from __future__ import annotations

import math
import re
from html import escape
from typing import Any

from prune_core.metrics.numbers import counted, short_count
from prune_core.metrics.quantities import quantity_of, title_of

_SIGNED_ZERO = re.compile(r"(?<![\w.])[-+](0(?:\.0+)?)(?![\d.])")
_MINUS = re.compile(r"(?<![\w.-])-(?=\d)")
_UNIT = re.compile(r"(?<=\d) (?=(?:%|[kMGT]?B|[kMGT]|epochs?|points?|seeds?|bins?|hours?)(?!\w))")


def stem(column: str) -> str:
    """Return the metric or cost behind a column: without ``val_``, ``delta_``, ``_std``, ``_s3``."""
    found = quantity_of(column)
    name = column.removeprefix("delta_").removeprefix("val_").removesuffix("_std")
    return name if found is None or name == f"{found.name}_t" else found.name


def title(column: str) -> str:
    """Return the column's name for a reader."""
    return f"{title_of(column)} (selection images)" if column.startswith("val_") else title_of(column)


def heading(column: str) -> str:
    """Return the column's name as the head of a table's column."""
    name = title(column)
    return name if name[1:2].isupper() else name[:1].upper() + name[1:]


def typeset(value: Any) -> Any:
    """Return text as it is set on a page: a true minus, no signed zero, and numbers that keep their unit on their line.

    Made for numbers in prose; text that is to be copied (a study file, a command) does not go through it.
    """
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    text = _SIGNED_ZERO.sub(r"\1", value)
    return _UNIT.sub("\u00a0", _MINUS.sub("\u2212", text)).replace(" ± ", "\u00a0±\u00a0")


def is_share(column: str) -> bool:
    """Return whether the column is shown in percent."""
    found = quantity_of(column)
    return found is not None and found.format == "percent"


def is_log(column: str) -> bool:
    """Return whether the column's axis is logarithmic."""
    found = quantity_of(column)
    return found is not None and found.log


def better(column: str) -> str:
    """Return which side is better, in words; nothing where neither is."""
    found = quantity_of(column)
    return {"max": "higher is better", "min": "lower is better"}.get(str(found and found.direction), "")


def digits(column: str) -> int | None:
    """Return the digits behind the point that a metric or cost asks for; None where its format chooses."""
    found = quantity_of(column)
    return None if found is None else found.decimals


def number(value: float, column: str, *, sign: bool = False) -> str:
    """Return a value as its metric or cost is printed: shares in percent, errors with four digits, counts short."""
    if value is None or not math.isfinite(value):
        return "–"
    plus, found = "+" if sign else "", quantity_of(column)
    form, decimals = ("number", None) if found is None else (found.format, found.decimals)
    if form == "percent":
        return f"{100 * value:{plus}.{1 if decimals is None else decimals}f}" + (" points" if sign else " %")
    if form in ("count", "bytes"):
        shown = ("+" if sign and value > 0 else "") + short_count(value)
        return shown if form == "count" else f"{shown}B" if shown[-1:].isalpha() else f"{shown} B"
    if form in ("times", "seconds"):
        return f"{value:{plus}.{1 if decimals is None else decimals}f}" + ("×" if form == "times" else " s")
    return f"{value:{plus}.{(4 if abs(value) < 1 else 3) if decimals is None else decimals}f}"


def spread(value: float, deviation: float, column: str) -> str:
    """Return ``mean ± sample standard deviation``; the mean alone where there is no deviation, or where it is exactly 0."""
    if deviation is None or not math.isfinite(deviation) or not math.isfinite(value) or deviation == 0:
        return number(value, column)
    if is_share(column):
        places = 1 if digits(column) is None else digits(column)
        beside = f"{100 * deviation:.{places}f}"
        # a small deviation is not none: its first digit that counts
        beside = beside if float(beside) else f"{100 * deviation:.1g}"
        return f"{100 * value:.{places}f} ± {beside} %"
    return f"{number(value, column)} ± {number(deviation, column)}"


def ratio(value: float) -> str:
    """Return a pruning ratio in its shortest decimal form."""
    return f"{value:g}"


def candidate(row: Any) -> str:
    """Return a candidate's name: network, method, ratio, budget; a reference of its own arm (slimming's) says so."""
    network, method, arm = str(row.network), str(row.method), str(row.arm)
    own = f" ({arm})" if arm not in (network, f"{network}-{method}") else ""
    if method in ("baseline", "dense"):
        return f"{network}, {'baseline' if method == 'baseline' else 'dense ladder'}{own}"
    if method == "scratch":
        return f"{arm.removesuffix('-scratch').replace(f'{network}-', f'{network}, ', 1)} {ratio(row.ratio)}, from scratch"
    tuned = epochs(int(row.budget))
    if method == "control":
        return f"{network}, control, {tuned}{own}"
    return f"{network}, {method} {ratio(row.ratio)}, {tuned}{own}"


def epochs(budget: int) -> str:
    """Return a budget in words."""
    return counted(budget, "epoch")


def safe(text: object) -> str:
    """Return text that plotly, which reads a few HTML tags, shows as it stands."""
    return escape(str(text), quote=True)
