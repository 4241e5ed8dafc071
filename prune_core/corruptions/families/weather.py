"""Weather: snow, frost, fog, brightness."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from prune_core.corruptions.definition import Array, Draws, Images, Level, corruption, to_bytes, to_unit
from prune_core.corruptions.frost_textures import frost_textures
from prune_core.corruptions.linear import along_both, zoom_matrix
from prune_core.corruptions.motion import motion_blur
from prune_core.corruptions.plasma import map_side, plasma

_LUMA = (0.299, 0.587, 0.114)


def luma(colour: Array) -> Array:
    """Return the grey value ``(..., 1)`` of colours ``(..., 1 or 3)``."""
    if colour.shape[-1] == 1:
        return colour
    red, green, blue = (colour[..., channel, None] * weight for channel, weight in enumerate(_LUMA))
    return np.asarray(red + green + blue)


def in_channels(colour: Array, channels: int) -> Array:
    """Return colours ``(..., 3)`` for images of so many channels: their grey value for grey images."""
    return colour if channels == 3 else luma(colour)


def _draw_snow(generator: np.random.Generator, image: Images, level: Level) -> Draws:
    return generator.standard_normal(image.shape[:2]), np.asarray(generator.uniform(-135, -45))


@corruption(
    "snow",
    (
        (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
    ),
    _draw_snow,
)
def snow(images: Images, level: Level, draws: Draws) -> Images:
    """Whiten a little and add falling flakes twice, once turned by 180 degrees.

    Draws: standard normal numbers ``(n, H, W)`` and the angles of fall in degrees. Level: mean and deviation of the flakes,
    zoom, threshold, radius and sigma of the blur, share of the unwhitened image.
    """
    mean, deviation, zoom, threshold, radius, sigma, share = level
    noise, angles = draws
    height, width = images.shape[1:3]
    flakes = along_both(mean + deviation * noise, zoom_matrix(height, zoom), zoom_matrix(width, zoom))
    flakes = np.where(flakes < threshold, 0.0, flakes)
    layer = to_unit(motion_blur(to_bytes(flakes)[..., None], radius, sigma, angles))
    unit = to_unit(images)
    whitened = share * unit + (1 - share) * np.maximum(unit, luma(unit) * 1.5 + 0.5)
    return to_bytes(whitened + layer + layer[:, ::-1, ::-1])


def _draw_crop(generator: np.random.Generator, image: Images, level: Level) -> Draws:
    count, rows, columns, _ = frost_textures().shape
    height, width = image.shape[:2]
    highest = (count, rows - height + 1, columns - width + 1)
    picture, top, left = (np.asarray(generator.integers(each)) for each in highest)
    return picture, top, left


@corruption("frost", ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)), _draw_crop)
def frost(images: Images, level: Level, draws: Draws) -> Images:
    """Add a piece of a picture of ice; draws: number of the picture, top and left of the piece.

    The pictures are our own (see `frost_textures`): this one corruption differs from the official files.
    """
    height, width = images.shape[1:3]
    windows = sliding_window_view(frost_textures(), (height, width), axis=(1, 2))
    pieces = np.moveaxis(windows[draws[0], draws[1], draws[2]], 1, -1)
    return add_frost(images, in_channels(pieces, images.shape[3]), level)


def add_frost(images: Images, pieces: Array, level: Level) -> Images:
    """Return the weighted sum of images and pieces of ice ``(n, H, W, C)`` of 0..255, not renormalised, clipped."""
    return np.clip(level[0] * images + level[1] * pieces, 0, 255).astype(np.uint8)


def _draw_clouds(generator: np.random.Generator, image: Images, level: Level) -> Draws:
    return (generator.uniform(-1, 1, size=map_side(*image.shape[:2]) ** 2 - 1),)


@corruption("fog", ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75)), _draw_clouds)
def fog(images: Images, level: Level, draws: Draws) -> Images:
    """Add clouds and scale back to the image's maximum; draws: see `plasma`."""
    strength, decay = level
    height, width = images.shape[1:3]
    unit = to_unit(images)
    brightest = unit.max(axis=(1, 2, 3), keepdims=True)
    clouds = plasma(draws[0], decay)[:, :height, :width, None]
    return to_bytes((unit + strength * clouds) * (brightest / (brightest + strength)))


@corruption("brightness", ((0.05,), (0.1,), (0.15,), (0.2,), (0.3,)))
def brightness(images: Images, level: Level, draws: Draws) -> Images:
    """Add to the value of HSV: hue and saturation stay, so that all channels grow by one factor."""
    unit = to_unit(images)
    value = unit.max(axis=3, keepdims=True)
    brighter = np.minimum(value + level[0], 1.0)
    # The highest channel gets the new value itself, so that it survives the truncation; black becomes grey that way.
    return to_bytes(np.where(unit == value, brighter, unit * (brighter / np.where(value == 0, 1.0, value))))
