"""Numbers as text: never in powers of ten, bytes as bytes, and short ones rounded into the unit that they end in."""

from __future__ import annotations

import pytest

from prune_core.metrics.numbers import cost_text, counted, plain_number, share_text, short_count, three_digits
from prune_core.metrics.quantities import quantity_of


def test_one_thing_is_no_things() -> None:
    assert [counted(count, "trial") for count in (0, 1, 2, 1200)] == ["0 trials", "1 trial", "2 trials", "1,200 trials"]


@pytest.mark.parametrize(
    ("value", "column", "shown"),
    [
        (20060, "size_bytes", "20,060 bytes"),
        (27786.67, "size_bytes", "27,787 bytes"),
        (1.5e9, "macs", "1,500,000,000"),
        (0.91254, "val_accuracy", "0.9125"),
        (float("nan"), "val_accuracy", "-"),
        (None, "macs", "-"),
    ],
)
def test_a_number_is_written_in_full(value, column, shown):
    assert plain_number(value, column) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(813, "813"), (6200, "6.2 k"), (999_499, "999 k"), (999_600, "1 M"), (1.73e6, "1.73 M"), (5.5e15, "5500 T"), (0, "0")],
)
def test_a_short_count_keeps_three_digits(value, shown):
    assert short_count(value) == shown
    assert short_count(-value).lstrip("-") == shown


def test_costs_have_no_powers_of_ten():
    size, compression = quantity_of("size_bytes"), quantity_of("compression")
    assert size is not None
    assert compression is not None
    assert cost_text(size, 20060.0) == "20,060 bytes"
    assert cost_text(compression, 12345.6) == "12,346 x"
    assert three_digits(20060.4) == "20,060"
    assert three_digits(0.01234) == "0.0123"


def test_what_is_not_all_is_never_said_to_be():
    said = [share_text(part / 400) for part in (0, 1, 3, 200, 397, 399, 400)]
    assert said == ["0 %", "under 1 %", "1 %", "50 %", "99 %", "over 99 %", "100 %"]
