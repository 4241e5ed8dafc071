"""The four that the benchmark keeps apart, ours for selection: speckle noise, Gaussian blur, spatter, saturate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from prune_core.corruptions.definition import Array, Draws, Images, Level, corruption, to_bytes, to_unit
from prune_core.corruptions.families.noise import draw_normal
from prune_core.corruptions.families.weather import in_channels, luma
from prune_core.corruptions.linear import gaussian
from prune_core.corruptions.liquid import box_mean, canny, distance, equalise, pad

_WATER = np.array([175.0, 238.0, 238.0]) / 255
_MUD = np.array([63.0, 42.0, 20.0]) / 255
_EMBOSS = ((-2, -1, 0), (-1, 1, 1), (0, 1, 2))


@corruption("speckle_noise", ((0.06,), (0.1,), (0.12,), (0.16,), (0.2,)), draw_normal)
def speckle_noise(images: Images, level: Level, draws: Draws) -> Images:
    """Add normal noise in proportion to the value; draws: standard normal numbers."""
    unit = to_unit(images)
    return to_bytes(unit + unit * (draws[0] * level[0]))


@corruption("gaussian_blur", ((0.4,), (0.6,), (0.7,), (0.8,), (1.0,)))
def gaussian_blur(images: Images, level: Level, draws: Draws) -> Images:
    """Blur with a Gaussian of so many pixels, edges repeated."""
    return to_bytes(gaussian(to_unit(images), level[0]))


def _draw_layer(generator: np.random.Generator, image: Images, level: Level) -> Draws:
    return (generator.standard_normal(image.shape[:2]),)


@corruption(
    "spatter",
    (
        (0.62, 0.1, 0.7, 0.7, 0.5, 0),
        (0.65, 0.1, 0.8, 0.7, 0.5, 0),
        (0.65, 0.3, 1, 0.69, 0.5, 0),
        (0.65, 0.1, 0.7, 0.69, 0.6, 1),
        (0.65, 0.1, 0.5, 0.68, 0.6, 1),
    ),
    _draw_layer,
)
def spatter(images: Images, level: Level, draws: Draws) -> Images:
    """Splash water (severities 1 to 3) or mud (4 and 5); draws: standard normal numbers ``(n, H, W)``.

    Level: mean and deviation of the layer, its smoothing, threshold, intensity (of water) or smoothing (of mud), mud or not.
    """
    mean, deviation, smoothing, threshold, last, mud = level
    layer = gaussian(mean + deviation * draws[0], smoothing)
    layer = np.where(layer < threshold, 0.0, layer)
    unit, channels = to_unit(images), images.shape[3]
    if mud:
        thickness = gaussian((layer > threshold).astype(np.float64), last)
        thickness = np.where(thickness < 0.8, 0.0, thickness)[..., None]
        return to_bytes(unit * (1 - thickness) + in_channels(_MUD, channels) * thickness)
    return to_bytes(unit + in_channels(_WATER, channels) * (last * _gloss(to_bytes(layer)))[..., None])


def _gloss(layer: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return how bright the water is, 0 to 1: an embossed map of the distance to the rims of the drops."""
    far = distance(canny(layer, 50, 150), 20.0)
    even = equalise(box_mean(far).astype(np.float32).astype(np.uint8))
    padded = pad(even.astype(np.int32), 1, "reflect")
    height, width = even.shape[1:]
    embossed = np.zeros(even.shape, dtype=np.int32)
    for row, weights in enumerate(_EMBOSS):
        for column, weight in enumerate(weights):
            embossed += weight * padded[:, row : row + height, column : column + width]
    soft = np.rint(box_mean(np.clip(embossed, 0, 255)))
    gloss = layer * soft
    brightest = gloss.max(axis=(1, 2), keepdims=True)
    return np.asarray(gloss / np.where(brightest == 0, 1.0, brightest))


@corruption("saturate", ((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2)))
def saturate(images: Images, level: Level, draws: Draws) -> Images:
    """Scale and shift the saturation of HSV; hue and value stay.

    A grey pixel has hue 0, which is red: shifted, it turns reddish, as in the official files. A grey image is treated as the
    colour image of equal channels and made grey again.
    """
    channels = images.shape[3]
    unit = to_unit(images if channels == 3 else images.repeat(3, axis=3))
    coloured = _saturated(unit, level[0], level[1])
    return to_bytes(coloured if channels == 3 else luma(coloured))


def _saturated(unit: Array, scale: float, shift: float) -> Array:
    value = unit.max(axis=3, keepdims=True)
    spread = value - unit.min(axis=3, keepdims=True)
    grey = spread == 0
    saturation = spread / np.where(value == 0, 1.0, value)
    wanted = np.clip(saturation * scale + shift, 0.0, 1.0)
    scaled = value - (value - unit) * (wanted / np.where(grey, 1.0, saturation))
    reddish = np.concatenate([value, value * (1 - wanted), value * (1 - wanted)], axis=3)
    return np.where(grey, reddish, scaled)
