"""Kinds of arguments that several benchmarks take."""

from __future__ import annotations

import argparse


def count_from_1(text: str) -> int:
    """Return a count.

    Raises:
        argparse.ArgumentTypeError: it is no whole number from 1.
    """
    if not (text.strip().isdecimal() and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"{text!r} is no count (allowed: whole numbers from 1)")
    return int(text)
