"""What the random corruptions draw, and what they do to images on average, against the official script's own way."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from benchmarks.corruption_speed import smooth_images
from benchmarks.one_image_at_a_time import OneAtATime
from prune_core.corruptions import CORRUPTIONS, SEVERITIES, corrupt
from prune_core.corruptions.frost_textures import frost_textures
from prune_core.corruptions.streams import ImageStreams

IMAGE = np.zeros((32, 32, 3), dtype=np.uint8)


def _drawn(name: str, severity: int, count: int = 400) -> list[np.ndarray]:
    """The random numbers of so many images, stacked."""
    entry, streams = CORRUPTIONS.get(name), ImageStreams(1, name, severity)
    assert entry.draw is not None
    each = [entry.draw(streams.of(number), IMAGE, entry.levels[severity - 1]) for number in range(count)]
    return [np.stack(arrays).ravel()[:20_000].astype(float) for arrays in zip(*each, strict=True)]


def _is_uniform(values: np.ndarray, low: float, high: float) -> bool:
    return bool(stats.kstest((values - low) / (high - low), "uniform").pvalue > 1e-4)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_draws_have_the_distribution_that_the_definition_names(severity: int) -> None:
    for name, low, high in (("shot_noise", 0, 1), ("impulse_noise", 0, 1), ("fog", -1, 1), ("elastic_transform", -1, 1)):
        assert all(_is_uniform(values, low, high) for values in _drawn(name, severity)), name
    for name in ("gaussian_noise", "speckle_noise", "spatter"):
        assert stats.kstest(_drawn(name, severity)[0], "norm").pvalue > 1e-4, name
    assert _is_uniform(_drawn("motion_blur", severity)[0], -45, 45)
    flakes, angles = _drawn("snow", severity)
    assert stats.kstest(flakes, "norm").pvalue > 1e-4
    assert _is_uniform(angles, -135, -45)
    shifts = _drawn("glass_blur", severity)[0]
    assert set(shifts) == {-1.0, 0.0} and abs(shifts.mean() + 0.5) < 0.02
    picture, top, left = _drawn("frost", severity)
    assert stats.chisquare(np.bincount(picture.astype(int), minlength=5)).pvalue > 1e-4
    for place, side in ((top, frost_textures().shape[1]), (left, frost_textures().shape[2])):
        assert place.min() >= 0 and place.max() <= side - 32 and abs(place.mean() - (side - 32) / 2) < 8


@pytest.mark.parametrize("name", ["motion_blur", "snow", "fog", "elastic_transform"])
def test_images_change_by_as_much_as_in_the_scripts_hands(name: str) -> None:
    """Mean and spread of the change, drawn independently on both sides; glass and frost have no freedom but their draws."""
    images, script = smooth_images(40, 32, 3), OneAtATime([])
    pictures = [Image.fromarray(image) for image in images]
    for severity in (2, 4):
        level = CORRUPTIONS.get(name).levels[severity - 1]
        theirs = np.stack([np.uint8(script.make(name, picture, level)) for picture in pictures]).astype(float) - images
        ours = corrupt(images, name, severity, seed=1).astype(float) - images
        for measured in (np.mean, np.std):
            a, b = measured(ours, axis=(1, 2, 3)), measured(theirs, axis=(1, 2, 3))
            error = np.sqrt((a.var() + b.var()) / len(a))
            assert abs(a.mean() - b.mean()) < 4.5 * error, (severity, measured)
