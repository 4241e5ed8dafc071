"""Digital: contrast, pixelate, JPEG compression; the elastic transform has its own file."""

from __future__ import annotations

import io

import numpy as np

from prune_core.corruptions.definition import Array, Draws, Images, Level, corruption, to_bytes, to_unit


@corruption("contrast", ((0.75,), (0.5,), (0.4,), (0.3,), (0.15,)))
def contrast(images: Images, level: Level, draws: Draws) -> Images:
    """Pull every value towards the mean of its image and channel."""
    pixels = images.shape[1] * images.shape[2]
    means = images.sum(axis=(1, 2), dtype=np.int64, keepdims=True) / (255.0 * pixels)  # exact, whatever the batch
    return to_bytes((to_unit(images) - means) * level[0] + means)


def _as_picture(image: Images) -> Array:
    return image[..., 0] if image.shape[2] == 1 else image


@corruption("pixelate", ((0.95,), (0.9,), (0.85,), (0.75,), (0.65,)))
def pixelate(images: Images, level: Level, draws: Draws) -> Images:
    """Shrink and enlarge with PIL's box filter (which rounds to 8 bits after each pass)."""
    from PIL import Image

    height, width = images.shape[1:3]
    small = (int(width * level[0]), int(height * level[0]))
    result = np.empty_like(images)
    for index, image in enumerate(images):
        picture = Image.fromarray(_as_picture(image)).resize(small, Image.Resampling.BOX)
        result[index] = np.asarray(picture.resize((width, height), Image.Resampling.BOX)).reshape(image.shape)
    return result


@corruption("jpeg_compression", ((80,), (65,), (58,), (50,), (40,)))
def jpeg_compression(images: Images, level: Level, draws: Draws) -> Images:
    """Encode as JPEG of a given quality and decode again."""
    from PIL import Image

    height, width, channels = images.shape[1:]
    mode = "L" if channels == 1 else "RGB"
    result = np.empty_like(images)
    for index, image in enumerate(images):
        stream = io.BytesIO()
        Image.fromarray(_as_picture(image)).save(stream, "JPEG", quality=int(level[0]))
        # The decoder itself: Image.open would read the headers in Python first, at more than the cost of decoding.
        decoded = Image.frombytes(mode, (width, height), stream.getvalue(), "jpeg", (mode, ""))
        result[index] = np.asarray(decoded).reshape(image.shape)
    return result
