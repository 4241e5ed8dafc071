"""What every corruption promises, whatever it does."""

from __future__ import annotations

import numpy as np
import pytest

from prune_core.corruptions import CORRUPTIONS, EXTRA, SEVERITIES, STANDARD, corrupt

SHAPES = [(32, 32, 3), (28, 28, 1), (16, 16, 1), (64, 64, 3), (20, 36, 3)]


def _images(shape: tuple[int, int, int], count: int = 5) -> np.ndarray:
    generator = np.random.default_rng(1)
    height, width, channels = shape
    coarse = generator.integers(0, 256, (count, 4, 4, channels)).repeat(-(-height // 4), 1).repeat(-(-width // 4), 2)
    return (coarse[:, :height, :width] * 0.7 + generator.integers(0, 70, (count, *shape))).astype(np.uint8)


def test_registered_are_the_15_and_the_4() -> None:
    assert len(STANDARD) == 15
    assert len(EXTRA) == 4
    assert set(CORRUPTIONS.names()) == {*STANDARD, *EXTRA}


@pytest.mark.parametrize("name", CORRUPTIONS.names())
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_same_shape_and_type_and_input_untouched(name: str, shape: tuple[int, int, int]) -> None:
    images = _images(shape)
    before = images.copy()
    images.flags.writeable = False
    for severity in (1, 3, 5):
        result = corrupt(images, name, severity)
        assert result.dtype == np.uint8
        assert result.shape == images.shape
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("name", CORRUPTIONS.names())
@pytest.mark.parametrize("shape", [(32, 32, 3), (28, 28, 1), (17, 23, 3)], ids=str)
def test_an_image_gets_the_same_corruption_in_any_batch(name: str, shape: tuple[int, int, int]) -> None:
    """To the bit: enough values that a sum in another order would be seen where the truncation is close."""
    images = _images(shape, count=40)
    for severity in SEVERITIES:
        whole = corrupt(images, name, severity, seed=4, first_index=10)
        parts = [
            corrupt(images[start:end], name, severity, seed=4, first_index=10 + start)
            for start, end in ((0, 1), (1, 2), (2, 9), (9, 40))
        ]
        np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("name", CORRUPTIONS.names())
def test_every_severity_changes_a_colour_image(name: str) -> None:
    images = _images((32, 32, 3))
    for severity in SEVERITIES:
        assert (corrupt(images, name, severity) != images).any(), severity


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS.names() if CORRUPTIONS.get(name).draw is not None])
def test_random_ones_depend_on_seed_and_image_number_and_nothing_else(name: str) -> None:
    images = _images((32, 32, 3), count=1).repeat(2, axis=0)
    first = corrupt(images, name, 3, seed=0)
    np.testing.assert_array_equal(first, corrupt(images, name, 3, seed=0))
    assert (first[0] != first[1]).any()
    assert (first[0] != corrupt(images, name, 3, seed=1)[0]).any()


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS.names() if CORRUPTIONS.get(name).draw is None])
def test_deterministic_ones_ignore_seed_and_image_number(name: str) -> None:
    images = _images((32, 32, 3))
    np.testing.assert_array_equal(corrupt(images, name, 3, seed=0), corrupt(images, name, 3, seed=9, first_index=5))


@pytest.mark.parametrize("name", CORRUPTIONS.names())
@pytest.mark.parametrize("value", [0, 255])
def test_black_and_white_images_survive(name: str, value: int) -> None:
    """No division by the maximum, the saturation or the range of a flat image; warnings would be errors."""
    for channels in (1, 3):
        flat = np.full((2, 32, 32, channels), value, dtype=np.uint8)
        with np.errstate(all="raise", under="ignore"):
            for severity in SEVERITIES:
                assert corrupt(flat, name, severity).shape == flat.shape
