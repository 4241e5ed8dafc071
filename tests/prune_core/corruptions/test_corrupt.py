"""The distribution of the random corruptions against theory, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from prune_core.base.errors import BadInput
from prune_core.corruptions import EXTRA, STANDARD, corrupt
from prune_core.corruptions.frost_textures import frost_textures
from prune_core.corruptions.motion import motion_blur, tap_offsets
from prune_core.corruptions.streams import ImageStreams

COUNT = 60  # images of 32x32x3: 184,320 values


def _grey(value: int) -> np.ndarray:
    return np.full((COUNT, 32, 32, 3), value, dtype=np.uint8)


def _change(value: int, name: str, severity: int) -> np.ndarray:
    return corrupt(_grey(value), name, severity, seed=5).astype(float).ravel() - value


def _agrees(change: np.ndarray, variance: float) -> None:
    """Mean -1/2 and variance +1/12 come from the truncation to whole grey levels; five standard errors are allowed."""
    count = change.size
    assert abs(change.mean() + 0.5) < 5 * np.sqrt(variance / count)
    assert abs(change.var() - variance - 1 / 12) < 5 * variance * np.sqrt(2.2 / count)


@pytest.mark.parametrize(("severity", "sigma"), list(enumerate([0.04, 0.06, 0.08, 0.09, 0.10], 1)))
def test_gaussian_noise_has_its_variance(severity: int, sigma: float) -> None:
    change = _change(128, "gaussian_noise", severity)
    _agrees(change, (255 * sigma) ** 2)
    assert stats.kstest((change + 0.5) / (255 * sigma), "norm").statistic < 0.03


@pytest.mark.parametrize(("severity", "photons"), list(enumerate([500, 250, 100, 75, 50], 1)))
def test_shot_noise_has_the_variance_of_photons(severity: int, photons: int) -> None:
    """Exact moments of the truncated counts: a count is worth 255 / photons grey levels."""
    change = _change(100, "shot_noise", severity)
    counts = np.arange(600)
    chance = stats.poisson.pmf(counts, 100 / 255 * photons)
    levels = np.floor(np.minimum(counts / photons, 1) * 255 + 1e-9) - 100
    mean = (chance * levels).sum()
    variance = (chance * (levels - mean) ** 2).sum()
    assert variance == pytest.approx(255 * 100 / photons, rel=0.05)
    assert abs(change.mean() - mean) < 5 * np.sqrt(variance / change.size)
    assert abs(change.var() - variance) < 5 * variance * np.sqrt(2.2 / change.size)


@pytest.mark.parametrize(("severity", "sigma"), list(enumerate([0.06, 0.1, 0.12, 0.16, 0.2], 1)))
def test_speckle_noise_grows_with_the_value(severity: int, sigma: float) -> None:
    for value in (60, 120):
        _agrees(_change(value, "speckle_noise", severity), (value * sigma) ** 2)


@pytest.mark.parametrize(("severity", "amount"), list(enumerate([0.01, 0.02, 0.03, 0.05, 0.07], 1)))
def test_impulse_noise_hits_its_share_of_values_half_and_half(severity: int, amount: float) -> None:
    result = corrupt(_grey(100), "impulse_noise", severity, seed=5)
    hit = result != 100
    assert stats.binomtest(int(hit.sum()), hit.size, amount).pvalue > 1e-5
    assert set(np.unique(result)) == {0, 100, 255}
    assert stats.binomtest(int((result == 255).sum()), int(hit.sum()), 0.5).pvalue > 1e-5
    # Each channel by itself: a pixel hit in all three would be as common as a hit otherwise.
    assert hit.all(axis=3).mean() < 10 * amount**3 + 1e-4


def test_glass_blur_moves_three_pixels_of_four_by_one() -> None:
    """Values that are the column number show where each pixel came from (no blur at severity 1)."""
    columns = np.broadcast_to(np.arange(32, dtype=np.uint8)[:, None] * 4, (COUNT, 32, 32, 1))
    rows = columns.transpose(0, 2, 1, 3)
    from_left = corrupt(columns.copy(), "glass_blur", 1) != columns
    from_above = corrupt(rows.copy(), "glass_blur", 1) != rows
    for moved in (from_left, from_above):
        assert not moved[:, :2].any() or not moved[:, :, :2].any()
        share = moved[:, 2:, 2:].mean()
        assert share == pytest.approx(0.5, abs=0.02)


def test_frost_on_black_is_the_texture_at_its_weight() -> None:
    mean = frost_textures().mean()
    for severity, weight in enumerate([0.2, 0.3, 0.4, 0.4, 0.45], 1):
        result = corrupt(np.zeros((300, 32, 32, 3), dtype=np.uint8), "frost", severity, seed=2)
        assert result.mean() + 0.5 == pytest.approx(weight * mean, rel=0.08)


def test_fog_keeps_black_black_and_never_exceeds_the_maximum() -> None:
    assert not corrupt(np.zeros((3, 32, 32, 3), dtype=np.uint8), "fog", 5).any()
    half = np.full((20, 32, 32, 3), 120, dtype=np.uint8)
    for severity in (1, 5):
        assert corrupt(half, "fog", severity).max() <= 120


def test_fog_has_more_power_at_low_frequencies() -> None:
    clouds = corrupt(np.full((100, 32, 32, 1), 255, dtype=np.uint8), "fog", 1)[..., 0].astype(float)
    power = (np.abs(np.fft.fft2(clouds - clouds.mean(axis=(1, 2), keepdims=True))) ** 2).mean(axis=0)
    assert power[0, 1] > 30 * power[0, 4] > 30 * power[0, 12]


def test_motion_blur_moves_light_along_the_angle_only() -> None:
    point = np.zeros((1, 33, 33, 1), dtype=np.uint8)
    point[0, 16, 16] = 255
    level = motion_blur(point, 6, 2, np.array([0.0]))[0, :, :, 0]
    assert set(np.flatnonzero(level.any(axis=1))) == {16}
    # The tail samples to the right, so that light is carried to the left; nothing to the other side.
    assert set(np.flatnonzero(level.any(axis=0))) <= set(range(4, 17))
    columns, rows = tap_offsets(5, np.array([90.0, -90.0, 45.0]))
    np.testing.assert_array_equal(rows, [[0, 1, 2, 3, 4], [0, -1, -2, -3, -4], [0, 1, 1, 2, 3]])
    np.testing.assert_array_equal(columns[2], rows[2])


def test_severities_order_the_damage() -> None:
    """The deterministic ones whose levels are monotone; measured by the mean absolute change."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 200, (10, 8, 8, 3)).repeat(4, 1).repeat(4, 2).astype(np.uint8)
    for name in ("contrast", "brightness", "jpeg_compression", "gaussian_blur", "zoom_blur", "gaussian_noise"):
        damage = [np.abs(corrupt(images, name, s).astype(int) - images).mean() for s in range(1, 6)]
        assert damage == sorted(damage), name


def test_streams_of_neighbouring_images_are_unrelated_and_repeatable() -> None:
    streams = ImageStreams(0, "snow", 2)
    first = streams.of(3).standard_normal(1000)
    second = streams.of(4).standard_normal(1000)
    np.testing.assert_array_equal(first, ImageStreams(0, "snow", 2).of(3).standard_normal(1000))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.15
    # A half-used 32-bit number of the image before must not leak into the next one.
    streams.of(7).random(1, dtype=np.float32)
    np.testing.assert_array_equal(streams.of(8).random(3, dtype=np.float32), streams.of(8).random(3, dtype=np.float32))


def test_gray_images_are_corrupted_like_the_gray_channel_of_colour_ones() -> None:
    generator = np.random.default_rng(0)
    gray = generator.integers(0, 256, (4, 32, 32, 1)).astype(np.uint8)
    for name in ("defocus_blur", "zoom_blur", "contrast", "brightness", "pixelate", "gaussian_blur", "motion_blur", "fog"):
        colour = corrupt(gray.repeat(3, axis=3), name, 4)
        assert np.abs(corrupt(gray, name, 4).astype(int) - colour[..., :1]).max() <= 1, name


GOOD = np.zeros((2, 32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("images", "corruption", "severity", "options", "said"),
    [
        (GOOD, "frosting", 1, {}, "did you mean frost"),
        (GOOD, "frost", 0, {}, "severity is 0"),
        (GOOD, "frost", 6, {}, "1 to 5"),
        (GOOD, "frost", 2.0, {}, "severity"),
        (GOOD, "frost", True, {}, "severity"),
        (GOOD.astype(float), "frost", 1, {}, "float64"),
        (GOOD[0], "frost", 1, {}, "(32, 32, 3)"),
        (GOOD[..., :2], "frost", 1, {}, "C 1 or 3"),
        (GOOD.transpose(0, 3, 1, 2), "frost", 1, {}, "C 1 or 3"),
        (np.zeros((1, 15, 32, 3), np.uint8), "frost", 1, {}, "15x32"),
        (np.zeros((1, 65, 65, 3), np.uint8), "frost", 1, {}, "16 to 64"),
        ([[1]], "frost", 1, {}, "list"),
        (GOOD, "frost", 1, {"seed": -1}, "seed is -1"),
        (GOOD, "frost", 1, {"first_index": -1}, "first_index"),
        (GOOD, "frost", 1, {"first_index": 0.5}, "first_index"),
    ],
)
def test_bad_input_is_one_line(
    images: object, corruption: str, severity: object, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput) as caught:
        corrupt(images, corruption, severity, **options)  # type: ignore[arg-type]
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_images_give_no_images() -> None:
    for name in (*STANDARD, *EXTRA):
        assert corrupt(GOOD[:0], name, 1).shape == (0, 32, 32, 3)
