"""Names that somebody else chose: harmless on a terminal and in a spreadsheet, and otherwise as they are."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prune_core.base.plain_text import UNKNOWN, csv_cell, printable

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@given(st.text(st.characters() | st.sampled_from("\x1b\r\x9b\x07\n\t\ud800" + BIDI)))
def test_nothing_moves_a_terminals_cursor(text: str) -> None:
    shown = printable(text)
    assert all(letter.isprintable() or letter == "\n" for letter in shown)
    assert len(shown) == len(text)
    assert shown.encode("utf-8").decode("utf-8") == shown


@given(st.text(st.characters() | st.sampled_from("=+-@\t\r\n \x1b'\"\uff1d\ud800" + BIDI), max_size=12))
def test_no_cell_is_a_formula_or_moves_a_cursor(text: str) -> None:
    cell = csv_cell(text)
    assert isinstance(cell, str)
    first = unicodedata.normalize("NFKC", cell.lstrip()[:1])
    assert first not in {"=", "+", "-", "@"} or not first
    assert not {*BIDI, "\x1b", "\r", "\n", "\t", "\x9b"} & set(cell)
    file = io.StringIO()
    csv.writer(file).writerow([cell])
    assert next(csv.reader(io.StringIO(file.getvalue()))) == [cell]


@pytest.mark.parametrize("name", ["cat", "Straße 5", "кот", "گربه‌ها", "a=b", "x-1", "it's", "3", "", "a, b", '"q"'])
def test_a_name_without_tricks_stays(name: str) -> None:
    assert csv_cell(name) == name


def test_numbers_stay_and_formulas_are_marked_as_text() -> None:
    assert [csv_cell(value) for value in (-1.5, -3, True, None)] == [-1.5, -3, True, None]
    assert [csv_cell(text) for text in ("=1+1", " =1+1", "-cmd", "@x", "\t=1", "\uff1d1")] == [
        "'=1+1",
        "' =1+1",
        "'-cmd",
        "'@x",
        f"'{UNKNOWN}=1",
        "'\uff1d1",
    ]
    assert printable("a\tb\u00a0c\x1b[31m\nd") == f"a b c{UNKNOWN}[31m\nd"
