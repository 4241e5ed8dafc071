"""The 15 corruptions as the script behind the official CIFAR-10-C makes them, to time ours against: no batches, no tables.

Each takes one picture, draws its own random numbers on the way, and calls what that script calls: scikit-image, SciPy,
OpenCV, PIL. The glass blur walks over the pixels in Python, motion blur and snow send each picture through a PNG in
memory, frost reads its picture of ice from a file for every image. Two stand-ins: NumPy blurs along a direction where the
script asks ImageMagick, and frost reads our own ice, written in the sizes and formats of the official files.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from scipy import ndimage
from skimage import color, filters
from skimage.util import random_noise

from prune_core.corruptions.frost_textures import frost_textures

SIDE = 32
ICE = (("1.png", 900, 600), ("2.png", 560, 315), ("3.png", 560, 315), ("4.jpg", 527, 350), ("5.jpg", 660, 495))
"""Width and height of the five pictures of ice that the script chooses from; those in PNG have an alpha channel."""

Floats = np.ndarray[Any, np.dtype[Any]]


def write_ice(folder: Path) -> list[Path]:
    """Write five pictures of ice of the official sizes; return their paths."""
    paths = []
    for (name, width, height), texture in zip(ICE, frost_textures(), strict=True):
        picture = Image.fromarray(texture).resize((width, height), Image.Resampling.BICUBIC)
        picture.convert("RGBA" if name.endswith("png") else "RGB").save(folder / name)
        paths.append(folder / name)
    return paths


class OneAtATime:
    """The script's way; ``make(name, picture, level)`` returns the corrupted values of 0..255, not yet cast."""

    def __init__(self, ice: list[Path], seed: int = 0) -> None:
        self._ice = ice
        self._random = np.random.default_rng(seed)

    def make(self, name: str, picture: Image.Image, level: tuple[float, ...]) -> Floats:
        """Corrupt one picture of 32x32 RGB."""
        values: Floats = getattr(self, name)(picture, level)
        return values

    def gaussian_noise(self, picture: Image.Image, c: Any) -> Floats:  # noqa: D102
        x = np.array(picture) / 255.0
        return np.clip(x + self._random.normal(size=x.shape, scale=c[0]), 0, 1) * 255

    def shot_noise(self, picture: Image.Image, c: Any) -> Floats:  # noqa: D102
        x = np.array(picture) / 255.0
        return np.clip(self._random.poisson(x * c[0]) / c[0], 0, 1) * 255

    def impulse_noise(self, picture: Image.Image, c: Any) -> Floats:  # noqa: D102
        noisy = random_noise(np.array(picture) / 255.0, mode="s&p", amount=c[0], rng=self._random)
        return np.clip(noisy, 0, 1) * 255

    def defocus_blur(self, picture: Image.Image, c: Any) -> Floats:  # noqa: D102
        x = np.array(picture) / 255.0
        right, down = np.meshgrid(np.arange(-8, 9), np.arange(-8, 9))
        disk = np.array(right**2 + down**2 <= c[0] ** 2, dtype=np.float32)
        disk /= disk.sum()
        kernel = cv2.GaussianBlur(disk, ksize=(3, 3), sigmaX=c[1])
        return np.clip(np.array([cv2.filter2D(x[:, :, d], -1, kernel) for d in range(3)]).transpose(1, 2, 0), 0, 1) * 255

    def glass_blur(self, picture: Image.Image, c: Any) -> Floats:  # noqa: D102
        soft = filters.gaussian(np.array(picture) / 255.0, sigma=c[0], channel_axis=-1)
        pixels: np.ndarray[Any, Any] = np.asarray(soft * 255).astype(np.uint8)
        for _ in range(int(c[2])):
            for row in range(SIDE - 1, 1, -1):
                for column in range(SIDE - 1, 1, -1):
                    right, down = self._random.integers(-1, 1, size=2)
                    other = row + down, column + right
                    pixels[row, column], pixels[other] = pixels[other], pixels[row, column]
        return np.clip(filters.gaussian(pixels / 255.0, sigma=c[0], channel_axis=-1), 0, 1) * 255

    def motion_blur(self, picture: Image.Image, c: Any) -> Floats:  # noqa: D102
        return np.clip(self._through_png(picture, c[0], c[1], self._random.uniform(-45, 45)), 0, 255)

    def zoom_blur(self, picture: Image.Image, c: Any) -> Floats:  # noqa: D102
        x = (np.array(picture) / 255.0).astype(np.float32)
        total = np.zeros_like(x)
        factors = np.arange(1, c[0], 0.01)
        for factor in factors:
            total += _clipped_zoom(x, factor)
        return np.clip((x + total) / (len(factors) + 1), 0, 1) * 255

    def snow(self, picture: Image.Image, c: Any) -> Floats:  # noqa: D102
        x = np.array(picture, dtype=np.float32) / 255.0
        layer = _clipped_zoom(self._random.normal(size=x.shape[:2], loc=c[0], scale=c[1])[..., np.newaxis], c[2])
        layer[layer < c[3]] = 0
        flakes = Image.fromarray((np.clip(layer.squeeze(), 0, 1) * 255).astype(np.uint8))
        fallen = self._through_png(flakes, c[4], c[5], self._random.uniform(-135, -45))[..., np.newaxis] / 255.0
        grey = cv2.cvtColor(x, cv2.COLOR_RGB2GRAY).reshape(SIDE, SIDE, 1)
        x = c[6] * x + (1 - c[6]) * np.maximum(x, grey * 1.5 + 0.5)
        return np.clip(x + fallen + np.rot90(fallen, k=2), 0, 1) * 255

    def frost(self, picture: Image.Image, c: Any) -> Floats:  # noqa: D102
        ice = cv2.imread(str(self._ice[self._random.integers(5)]))
        ice = cv2.resize(ice, (0, 0), fx=0.2, fy=0.2)
        top, left = self._random.integers(ice.shape[0] - SIDE), self._random.integers(ice.shape[1] - SIDE)
        piece = ice[top : top + SIDE, left : left + SIDE][..., [2, 1, 0]]
        return np.clip(c[0] * np.array(picture) + c[1] * piece, 0, 255)

    def fog(self, picture: Image.Image, c: Any) -> Floats:  # noqa: D102
        x = np.array(picture) / 255.0
        brightest = x.max()
        x += c[0] * self._clouds(c[1])[..., np.newaxis]
        return np.clip(x * brightest / (brightest + c[0]), 0, 1) * 255

    def brightness(self, picture: Image.Image, c: Any) -> Floats:  # noqa: D102
        hsv = color.rgb2hsv(np.array(picture) / 255.0)
        hsv[:, :, 2] = np.clip(hsv[:, :, 2] + c[0], 0, 1)
        return np.clip(color.hsv2rgb(hsv), 0, 1) * 255

    def contrast(self, picture: Image.Image, c: Any) -> Floats:  # noqa: D102
        x = np.array(picture) / 255.0
        means = x.mean(axis=(0, 1), keepdims=True)
        return np.clip((x - means) * c[0] + means, 0, 1) * 255

    def elastic_transform(self, picture: Image.Image, c: Any) -> Floats:  # noqa: D102
        x = np.array(picture, dtype=np.float32) / 255.0
        middle, reach = np.array([SIDE, SIDE], dtype=np.float32) // 2, SIDE // 3
        points = np.array([middle + reach, [middle[0] + reach, middle[1] - reach], middle - reach], dtype=np.float32)
        moved = points + self._random.uniform(-c[2] * SIDE, c[2] * SIDE, size=points.shape).astype(np.float32)
        x = cv2.warpAffine(x, cv2.getAffineTransform(points, moved), (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT_101)
        across, along = (
            (
                filters.gaussian(self._random.uniform(-1, 1, (SIDE, SIDE)), c[1] * SIDE, mode="reflect", truncate=3)
                * (c[0] * SIDE)
            ).astype(np.float32)[..., np.newaxis]
            for _ in range(2)
        )
        right, down, channel = np.meshgrid(np.arange(SIDE), np.arange(SIDE), np.arange(3))
        places = [np.reshape(each, (-1, 1)) for each in (down + along, right + across, channel)]
        return np.clip(ndimage.map_coordinates(x, places, order=1, mode="reflect").reshape(x.shape), 0, 1) * 255

    def pixelate(self, picture: Image.Image, c: Any) -> Floats:  # noqa: D102
        small = picture.resize((int(SIDE * c[0]), int(SIDE * c[0])), Image.Resampling.BOX)
        return np.array(small.resize((SIDE, SIDE), Image.Resampling.BOX))

    def jpeg_compression(self, picture: Image.Image, c: Any) -> Floats:  # noqa: D102
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=int(c[0]))
        return np.array(Image.open(stream))

    def _through_png(self, picture: Image.Image, radius: float, sigma: float, degrees: float) -> Floats:
        stream = io.BytesIO()
        picture.save(stream, format="PNG")
        pixels: Any = cv2.imdecode(np.frombuffer(stream.getvalue(), np.uint8), cv2.IMREAD_UNCHANGED)
        _, encoded = cv2.imencode(".png", _blurred_along(pixels, radius, sigma, degrees))
        blurred: Any = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
        return blurred[..., [2, 1, 0]] if blurred.ndim == 3 else blurred

    def _clouds(self, decay: float) -> Floats:
        """Diamond-square on a torus, a level of all points at a time."""
        field = np.empty((SIDE, SIDE))
        field[0, 0] = 0
        step, amplitude = SIDE, 100.0

        def mean_and_noise(total: Floats) -> Floats:
            return total / 4 + amplitude * self._random.uniform(-amplitude, amplitude, total.shape)

        while step >= 2:
            half = step // 2
            corners = field[0:SIDE:step, 0:SIDE:step]
            square = corners + np.roll(corners, -1, axis=0)
            square += np.roll(square, -1, axis=1)
            field[half:SIDE:step, half:SIDE:step] = mean_and_noise(square)
            centres, corners = field[half:SIDE:step, half:SIDE:step], field[0:SIDE:step, 0:SIDE:step]
            flat = centres + np.roll(centres, 1, axis=0) + corners + np.roll(corners, -1, axis=1)
            field[0:SIDE:step, half:SIDE:step] = mean_and_noise(flat)
            steep = centres + np.roll(centres, 1, axis=1) + corners + np.roll(corners, -1, axis=0)
            field[half:SIDE:step, 0:SIDE:step] = mean_and_noise(steep)
            step, amplitude = half, amplitude / decay
        field -= field.min()
        return field / field.max()


def _clipped_zoom(picture: Floats, factor: float) -> Floats:
    inner = int(np.ceil(SIDE / factor))
    start = (SIDE - inner) // 2
    middle = picture[start : start + inner, start : start + inner]
    enlarged = ndimage.zoom(middle, (factor, factor, 1), order=1)
    cut = (enlarged.shape[0] - SIDE) // 2
    return enlarged[cut : cut + SIDE, cut : cut + SIDE]


def _blurred_along(pixels: Floats, radius: float, sigma: float, degrees: float) -> Floats:
    """ImageMagick's motion blur, by twelve lines of NumPy."""
    height, width = pixels.shape[:2]
    weights = np.exp(-(np.arange(2 * int(np.ceil(radius)) + 1) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    total = np.zeros(pixels.shape)
    for step, weight in enumerate(weights):
        right = int(np.ceil(step * np.cos(np.deg2rad(degrees)) - 0.5))
        down = int(np.ceil(step * np.sin(np.deg2rad(degrees)) - 0.5))
        rows = np.clip(np.arange(height) + down, 0, height - 1)
        columns = np.clip(np.arange(width) + right, 0, width - 1)
        total += weight * pixels[np.ix_(rows, columns)]
    return np.floor(total + 1e-9).astype(np.uint8)
