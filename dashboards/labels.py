"""How names and numbers are shown: one place for titles, units and rounding."""

from __future__ import annotations

import math
import re
from html import escape
from typing import Any

TITLES = {
    "accuracy": "accuracy",
    "ece": "ECE",
    "ece_t": "ECE after temperature scaling",
    "nll": "NLL",
    "nll_t": "NLL after temperature scaling",
    "mpc": "mPC",
    "rpc": "rPC",
    "mpc_without_jpeg": "mPC without jpeg_compression",
    "corruption_ece": "ECE under corruption",
    "nonzero_parameters": "nonzero parameters",
    "parameters": "parameters",
    "macs": "MACs",
    "nonzero_macs": "nonzero MACs",
    "compression": "compression",
    "size_bytes": "file size",
    "brier": "Brier score",
}
_SIGNED_ZERO = re.compile(r"(?<![\w.])[-+](0(?:\.0+)?)(?![\d.])")
_MINUS = re.compile(r"(?<![\w.-])-(?=\d)")
_UNIT = re.compile(r"(?<=\d) (?=(?:%|[kMG]|epochs?|points?|seeds?|bins?|hours?)(?!\w))")
_PERCENT = ("accuracy", "mpc", "rpc", "mpc_without_jpeg", "sparsity")


def stem(column: str) -> str:
    """Return the metric behind a column: without ``val_``, ``delta_``, ``_std``, ``_s3``."""
    name = column.removeprefix("delta_").removeprefix("val_").removesuffix("_std")
    head, _, tail = name.rpartition("_s")
    return head if tail.isdigit() else name


def title(column: str) -> str:
    """Return the column's name for a reader."""
    name = TITLES.get(stem(column), stem(column).replace("_", " "))
    return f"{name} (selection images)" if column.startswith("val_") else name


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
    return any(stem(column).endswith(name) for name in _PERCENT)


def number(value: float, column: str, *, sign: bool = False) -> str:
    """Return a value as it is printed: shares in percent, errors with four digits, counts with thin spaces."""
    if value is None or not math.isfinite(value):
        return "–"
    plus = "+" if sign else ""
    name = stem(column)
    if is_share(column):
        return f"{100 * value:{plus}.1f}" + (" points" if sign else " %")
    if name in ("parameters", "nonzero_parameters", "macs", "nonzero_macs", "size_bytes"):
        return count(value)
    if name == "compression":
        return f"{value:.1f}×"
    return f"{value:{plus}.4f}" if abs(value) < 1 else f"{value:{plus}.3f}"


def count(value: float) -> str:
    """Return a count, short: 813, 6.2 k, 1.73 M, 398 M."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.0f}"


def spread(value: float, deviation: float, column: str) -> str:
    """Return ``mean ± sample standard deviation``; the mean alone where there is no deviation."""
    if deviation is None or not math.isfinite(deviation) or not math.isfinite(value):
        return number(value, column)
    if is_share(column):
        return f"{100 * value:.1f} ± {100 * deviation:.1f} %"
    if deviation == 0:
        return number(value, column)
    return f"{number(value, column)} ± {number(deviation, column)}"


def ratio(value: float) -> str:
    """Return a pruning ratio in its shortest decimal form."""
    return f"{value:g}"


def candidate(row: Any) -> str:
    """Return a candidate's name: network, method, ratio, budget; a reference of its own arm (slimming's) says so."""
    network, method, arm = str(row.network), str(row.method), str(row.arm)
    own = f" ({arm})" if arm not in (network, f"{network}-{method}") else ""
    if method in ("baseline", "dense"):
        return f"{network}, {'unpruned' if method == 'baseline' else 'dense ladder'}{own}"
    if method == "scratch":
        return f"{arm.removesuffix('-scratch').replace(f'{network}-', f'{network}, ', 1)} {ratio(row.ratio)}, from scratch"
    tuned = epochs(int(row.budget))
    if method == "control":
        return f"{network}, unpruned, fine-tuned {tuned}{own}"
    return f"{network}, {method} {ratio(row.ratio)}, {tuned}{own}"


def epochs(budget: int) -> str:
    """Return a budget in words."""
    return f"{budget} epoch" if budget == 1 else f"{budget} epochs"


def safe(text: object) -> str:
    """Return text that plotly, which reads a few HTML tags, shows as it stands."""
    return escape(str(text), quote=True)
