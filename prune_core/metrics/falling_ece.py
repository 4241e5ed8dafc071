"""The trap of the ECE: it falls when a network gets so bad that it knows it.

A statement about single numbers of a record. Which networks collapsed, a statement about accuracy alone, is said by
`sweeps.front.collapse`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TOLERANCE = 0.02
"""Accuracy and confidence must both fall by more than this, a fraction, before an ECE is said to have fallen with them."""


def ece_fell_with_accuracy(
    record: Mapping[str, Any], reference: Mapping[str, Any], *, tolerance: float = TOLERANCE
) -> list[str]:
    """Return the ECE columns of a record that fell because accuracy and confidence fell together.

    A clean ECE is flagged where it lies below the reference's while accuracy and mean confidence both fell by more than
    ``tolerance``. Under corruption the records hold no mean confidence: there it is flagged where mPC (of the same severity)
    fell by more than that, since for an overconfident network a smaller ECE beside a lower accuracy is a lower confidence.
    Columns that either side lacks, or holds as None or NaN, are not judged.

    Args:
        record: the metric columns of a pruned network.
        reference: those of its control (or baseline).
        tolerance: as a fraction.

    Returns:
        For example ``["ece", "val_ece", "corruption_ece_s5"]``; in the order of the record.
    """
    return [column for column in record if _fell_along(column, record, reference, tolerance)]


def _fell_along(column: str, record: Mapping[str, Any], reference: Mapping[str, Any], tolerance: float) -> bool:
    prefix = "val_" if column.startswith("val_") else ""
    name = column.removeprefix("val_")
    if name in ("ece", "ece_mass", "ece_debiased"):
        signs = [f"{prefix}accuracy", f"{prefix}mean_confidence"]
    elif name.startswith("corruption_ece"):
        signs = [prefix + name.replace("corruption_ece", "mpc")]
    else:
        return False
    fell = [_fall(sign, record, reference) for sign in signs]
    return _fall(column, record, reference) > 0 and all(amount > tolerance for amount in fell)


def _fall(column: str, record: Mapping[str, Any], reference: Mapping[str, Any]) -> float:
    """How far a column lies below the reference; NaN, which compares false, where one lacks it."""
    here, there = record.get(column), reference.get(column)
    return float("nan") if here is None or there is None else float(there) - float(here)
