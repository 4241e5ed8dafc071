"""Text that came from elsewhere (class names, labels, names of plugins), made harmless for where it is read.

A name may hold what moves a terminal's cursor, turns the reading order, or is a formula to a spreadsheet.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What begins a formula: spreadsheets take the full-width forms for the others."""
NO_VALUE = ("", "-", "\N{EN DASH}")
"""What stands in the cell of a table for a number that there is not."""
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_MOVING = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's categories of controls, halves of letters, and separators of lines."""


def printable(text: str) -> str:
    """Return text for a terminal: what is no letter of any script becomes U+FFFD; lines stay lines, blanks are plain."""
    return "".join(_on_a_terminal(letter) for letter in text)


def csv_cell(value: object) -> object:
    """Return a value as it goes into a CSV file: a text without controls, and none that a spreadsheet takes for a formula.

    A formula gets an apostrophe in front, which spreadsheets take for "this is text". Numbers stay as they are.
    """
    if not isinstance(value, str):
        return value
    text = value if value.isprintable() else "".join(_in_a_file(letter) for letter in value)
    begins = text.lstrip()[:1]
    return f"'{text}" if begins in FORMULA and begins or value[:1] in ("\t", "\r", "\n") else text


def columns_with_a_value(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return a table without the columns in which nobody has a value: cells below the head are empty or a dash.

    Args:
        rows: the head, then the others, all of one length; the first column stays.
    """
    kept = [at for at in range(len(rows[0])) if not at or any(row[at] not in NO_VALUE for row in rows[1:])]
    return [tuple(row[at] for at in kept) for row in rows]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines, the first column to the left and the others to the right."""
    widths = [max(len(row[at]) for row in rows if at < len(row)) for at in range(max(map(len, rows)))]
    return [_line(row, widths) for row in rows]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = [cell.rjust(width) for cell, width in zip(row, widths, strict=False)]
    return "  ".join([row[0].ljust(len(first)), *others]).rstrip()


def _on_a_terminal(letter: str) -> str:
    if letter.isprintable() or letter == "\n":
        return letter
    return " " if letter == "\t" or unicodedata.category(letter) == "Zs" else UNKNOWN


def _in_a_file(letter: str) -> str:
    return UNKNOWN if letter in _TURNING or unicodedata.category(letter) in _MOVING else letter
