"""How long the generator takes, and how much longer the script behind the official CIFAR-10-C takes for the same images.

    python -m benchmarks.corruption_speed                        our CPU seconds of each cell, scaled to 10,000 images
    python -m benchmarks.corruption_speed --against-script 100   both ways on the same images, one after the other: the ratio
    python -m benchmarks.corruption_speed --full                 10,000 images x 75 cells into a cache: CPU, wall, memory

Run it with OMP_NUM_THREADS=1, so that it is one core's time. Goals: at most 90 s, 1.5 GB, at least 12 times as fast as the
script. The images are smooth random ones, which JPEG finds as hard as photographs; ``--data cifar10`` takes real ones.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from prune_core.corruptions import CORRUPTIONS, EXTRA, SEVERITIES, STANDARD, corrupt, generated_set
from prune_core.corruptions.linear import gaussian
from prune_core.data import load_dataset

FULL = 10_000


def smooth_images(count: int, size: int, channels: int) -> np.ndarray:
    """Return random images whose neighbouring pixels are alike."""
    noise = np.random.default_rng(0).random((count, size, size, channels))
    soft = gaussian(noise, 1.5)
    return np.clip((soft - 0.5) * 900 + 127, 0, 255).astype(np.uint8)


def some_images(asked: argparse.Namespace, count: int) -> np.ndarray:
    """Return so many images: of the dataset that was asked for, evenly picked, else smooth random ones."""
    if asked.data is None:
        return smooth_images(count, asked.size, asked.channels)
    dataset = load_dataset(asked.data)
    pool = dataset.train_images if dataset.test_images is None else dataset.test_images
    return np.ascontiguousarray(pool[np.linspace(0, len(pool) - 1, count).astype(int)])


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def ours_of(images: np.ndarray, name: str) -> list[float]:
    """Return our CPU seconds at each severity, tables already made, scaled to 10,000 images."""
    for severity in SEVERITIES:
        corrupt(images[:2], name, severity)
    scale = FULL / len(images)
    return [scale * seconds(partial(corrupt, images, name, severity)) for severity in SEVERITIES]


def show_ours(asked: argparse.Namespace) -> None:
    """Print a table: each corruption, each severity, scaled to 10,000."""
    images, total = some_images(asked, asked.images), 0.0
    for name in (*STANDARD, *EXTRA):
        cells = ours_of(images, name)
        total += sum(cells) if name in STANDARD else 0.0
        print(f"{name:18s} " + " ".join(f"{cell:6.2f}" for cell in cells) + f"  {sum(cells):7.2f} s")
    print(f"15 x 5 cells of {FULL} images: {total:.1f} s of CPU; peak memory of this process {peak_memory():.2f} GB")


def show_against_script(asked: argparse.Namespace) -> None:
    """Print both ways side by side: mean absolute change in grey levels, which must agree, CPU seconds, and the ratio."""
    from PIL import Image

    from benchmarks.one_image_at_a_time import OneAtATime, write_ice

    many, few = some_images(asked, asked.images), some_images(asked, asked.against_script)
    pictures = [Image.fromarray(image) for image in few]
    ours, theirs = np.zeros((asked.repeats, len(STANDARD))), np.zeros((asked.repeats, len(STANDARD)))
    print(f"{'':18s}   mean change        CPU seconds of 5 x {FULL:,}   times")
    with tempfile.TemporaryDirectory() as folder:
        script = OneAtATime(write_ice(Path(folder)))
        for at, name in enumerate(STANDARD):
            for turn in range(asked.repeats):
                made: list[list[np.ndarray]] = []

                def one_by_one(name: str = name, made: list[list[np.ndarray]] = made) -> None:
                    for level in CORRUPTIONS.get(name).levels:
                        made.append([script.make(name, picture, level).astype(np.uint8) for picture in pictures])

                theirs[turn, at] = seconds(one_by_one) * FULL / len(few)
                ours[turn, at] = sum(ours_of(many, name))
            change = np.mean([np.abs(np.stack(cell).astype(int) - few).mean() for cell in made])
            own = np.mean([np.abs(corrupt(few, name, severity).astype(int) - few).mean() for severity in SEVERITIES])
            a, b = ours[:, at].mean(), theirs[:, at].mean()
            print(f"{name:18s} {own:6.2f} {change:6.2f}   ours {a:7.2f}, script {b:8.2f}   {b / a:7.1f}", flush=True)
    ratios = theirs.sum(axis=1) / ours.sum(axis=1)
    print(
        f"15 x 5 cells of {FULL} images, {asked.repeats} turns: ours {ours.sum(axis=1).mean():.1f} s, script "
        f"{theirs.sum(axis=1).mean():.0f} s; {ratios.mean():.1f} times as fast ({ratios.min():.1f} to {ratios.max():.1f})"
    )


def show_full(asked: argparse.Namespace) -> None:
    """Write the whole set into a cache of its own, as a study does, and print what it took."""
    images = some_images(asked, FULL)
    before = peak_memory()
    with tempfile.TemporaryDirectory() as folder:
        wall = time.perf_counter()
        spent = seconds(lambda: generated_set(images, None, name="benchmark", cache=Path(folder)))
        wall = time.perf_counter() - wall
    print(
        f"{FULL} images x 75 cells written: {spent:.1f} s of CPU, {wall:.1f} s, peak memory of this process "
        f"{peak_memory():.2f} GB ({before:.2f} before)"
    )


def peak_memory() -> float:
    """Return the most memory that this process ever had, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    """Do what is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000, help="how many for our way")
    parser.add_argument("--against-script", type=int, metavar="N", help="N images for the script's way")
    parser.add_argument("--repeats", type=int, default=3, help="turns of the comparison")
    parser.add_argument("--full", action="store_true", help="write all 10,000 x 75")
    parser.add_argument("--data", help="a dataset's name instead of random images")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--channels", type=int, default=3, choices=(1, 3))
    asked = parser.parse_args()
    if asked.full:
        show_full(asked)
    elif asked.against_script:
        show_against_script(asked)
    else:
        show_ours(asked)


if __name__ == "__main__":
    main()
