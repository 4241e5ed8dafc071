"""How long the generator takes: ``python benchmarks/corruption_speed.py [--images 1000] [--size 32] [--channels 3]``.

CPU seconds of one core for the 15 x 5 cells, measured on some images and scaled to 10,000; the goal is 90 s and 1.5 GB.
Run it with OMP_NUM_THREADS=1. The images are smooth random ones, which JPEG finds as hard as photographs.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from prune_core.corruptions import EXTRA, SEVERITIES, STANDARD, corrupt
from prune_core.corruptions.linear import gaussian

FULL = 10_000


def smooth_images(count: int, size: int, channels: int) -> np.ndarray:
    """Return random images whose neighbouring pixels are alike."""
    noise = np.random.default_rng(0).random((count, size, size, channels))
    soft = gaussian(noise, 1.5)
    return np.clip((soft - 0.5) * 900 + 127, 0, 255).astype(np.uint8)


def seconds(images: np.ndarray, name: str, severity: int) -> float:
    """Return CPU seconds of one cell, tables already made."""
    corrupt(images[:2], name, severity)
    start = time.process_time()
    corrupt(images, name, severity)
    return time.process_time() - start


def main() -> None:
    """Print a table: each corruption, each severity, scaled to 10,000 images."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--channels", type=int, default=3, choices=(1, 3))
    asked = parser.parse_args()
    images = smooth_images(asked.images, asked.size, asked.channels)
    total = 0.0
    for name in (*STANDARD, *EXTRA):
        cells = [seconds(images, name, severity) * FULL / asked.images for severity in SEVERITIES]
        total += sum(cells) if name in STANDARD else 0.0
        print(f"{name:18s} " + " ".join(f"{cell:6.2f}" for cell in cells) + f"  {sum(cells):7.2f} s")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"15 x 5 cells of {FULL} images: {total:.1f} s of CPU; peak memory of this process {memory:.2f} GB")


if __name__ == "__main__":
    main()
