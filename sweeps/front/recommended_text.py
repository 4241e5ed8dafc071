"""The recommended network in a sentence: which, by which rule, and what the answer is where none is recommended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prune_core.metrics.numbers import plain_number
from prune_core.metrics.quantities import quantity_of, title_of
from sweeps.front.recommended import Recommended
from sweeps.front.text import candidate_name
from sweeps.study.values import Limit

Name = Callable[[Any], str]
"""What a row of a table of candidates is called."""
ZEROS = (
    "No network that qualifies is smaller than its control as a device stores it: zeros are kept and multiplied like other "
    "numbers, so only formats and hardware that skip them gain."
)
"""What is said where only nonzero parameters could decide."""


def recommended_sentence(found: Recommended, name: Name = candidate_name) -> str:
    """Return what to take and why; what the answer is where nothing is recommended.

    Args:
        found: of `sweeps.front.recommended`.
        name: what a candidate is called.
    """
    if found.outcome == "incomplete":
        return "Nothing is recommended yet: no pruned candidate of the longest budget has all its seeds."
    if found.row is None:
        return f"Keep the unpruned network: none of {_networks(found.among)} {kept_words(found.demands, many=False)}."
    size = cost_words(found.row, found.cost)
    if found.outcome == "dense":
        rival = "no pruned network does that"
        if found.beaten is not None:
            rival = (
                f"the smallest pruned network that does, {name(found.beaten)}, has {cost_words(found.beaten, found.cost)}"
            )
        # the differences are to the network that pruning started from, which may be another one
        than = "the unpruned network" if found.control is None else name(found.control)
        kept = kept_words(found.demands, many=False, than=than)
        return f"Take {name(found.row)}: it was never pruned, {kept} and has {size}; {rival}."
    said = f"Take {name(found.row)}: {reason(found)}, {size}"
    if found.control is not None and found.shrinks:
        said += f" against its control's {plain_number(float(found.control[found.cost]), found.cost).removesuffix(' bytes')}"
    return f"{said}.{'' if found.shrinks else f' {ZEROS}'}"


def reason(found: Recommended) -> str:
    """Return why a pruned network is recommended: the smallest of how many, and what these had to keep."""
    smallest = "the smallest file" if found.cost == "size_bytes" else f"the fewest {title_of(found.cost)}"
    if len(found.qualified) == 1:
        return f"the only one of {_networks(found.among)} that {kept_words(found.demands, many=False)}"
    able = f"pruned networks (of {found.among}) that {kept_words(found.demands, many=True)}"
    than = "it" if any(one.column.startswith("delta_") for one in found.demands) else "their control"
    if found.smaller == 1:
        return f"of the {len(found.qualified)} {able}, the only one with {_less(found)} than its control"
    if found.shrinks:
        return f"{smallest} of the {found.smaller} {able} and have {_less(found)} than {than}"
    return f"{smallest} of the {len(found.qualified)} {able}"


def _less(found: Recommended) -> str:
    return "a smaller file" if found.cost == "size_bytes" else f"fewer {title_of(found.cost)}"


def kept_words(demands: Sequence[Limit], *, many: bool, than: str = "") -> str:
    """Return what must be kept, as it follows "networks that" or "it": ``lose at most 1 point of accuracy against ...``.

    Args:
        demands: what must be kept.
        many: whether it is said of several networks.
        than: what they are compared with; their own controls by default.
    """
    margins = [one for one in demands if one.column.startswith("delta_")]
    limits = [str(one) for one in demands if one not in margins]
    s, than = ("", than or "their control") if many else ("s", than or "its control")
    said = [f"meet{s} the limits ({', '.join(limits)})"] if limits else []
    kept = []
    for verb, sign in (("lose", ">="), ("gain", "<=")):
        own = [f"{_amount(one)} of {title_of(one.column)}" for one in margins if one.comparison == sign]
        kept += [f"{verb}{s} at most {' and '.join(own)}"] if own else []
    said += [f"{' and '.join(kept)} against {than}"] if kept else []
    return " and ".join(said) or ("are complete" if many else "is complete")


def cost_words(row: Mapping[str, Any], cost: str) -> str:
    """Return a candidate's cost in full: ``13,576 bytes``, ``1,021 nonzero parameters``."""
    shown = plain_number(float(row[cost]), cost)
    return shown if shown.endswith("bytes") else f"{shown} {title_of(cost)}"


def _amount(one: Limit) -> str:
    amount, found = abs(one.value), quantity_of(one.column)
    if found is None or found.format != "percent":
        return f"{amount:g}"
    return f"{100 * amount:g} point{'s' * (round(100 * amount, 9) != 1)}"


def _networks(count: int) -> str:
    return f"{count} pruned network{'s' * (count != 1)}"
