from __future__ import annotations

import pytest

from dashboards.figures.palette import ACCURACY, DARK, LIGHT, WORSE_TO_BETTER, luminance


def test_luminance_is_that_of_the_web_guidelines() -> None:
    # WCAG 2.2: white is 1, black 0, and #777777 on white has a contrast of 4.48 : 1.
    assert luminance("#ffffff") == pytest.approx(1.0)
    assert luminance("#000000") == 0.0
    assert 1.05 / (luminance("#777777") + 0.05) == pytest.approx(4.48, abs=0.005)


def test_a_scale_starts_and_ends_with_its_colours_and_mixes_between() -> None:
    first, last = "#ffffff", LIGHT[0].lower()
    assert [ACCURACY.colour_at(share) for share in (-1, 0, 1, 2)] == [first, first, last, last]
    assert WORSE_TO_BETTER.colour_at(0.5) == "#ffffff"
    assert ACCURACY.colour_at(0.5) == "#80b8d8"  # halfway between #ffffff and #0072b2


def test_light_and_dark_have_the_same_places() -> None:
    assert len(LIGHT) == len(DARK) == len(set(LIGHT)) == len(set(DARK))
