"""Generated sets in the cache, and the official files."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prune_core.base.errors import BadInput, UnknownName
from prune_core.corruptions import EXTRA, contact_sheet, corrupt, generated_set, official_set, set_label, sets

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 28, 28, 1)).astype(np.uint8)


def _set(cache: Path, **options: Any):
    given: dict[str, Any] = {
        "name": "mnist5k",
        "corruptions": ["gaussian_noise", "snow"],
        "seed": 3,
        "cache": cache,
        "title": "MNIST-5k",
    }
    return generated_set(IMAGES, None, **{**given, **options})


def test_cells_are_what_corrupt_makes_and_are_mapped(tmp_path: Path) -> None:
    made = _set(tmp_path)
    for name in ("gaussian_noise", "snow"):
        for severity in range(1, 6):
            cell = made.cell(name, severity)
            np.testing.assert_array_equal(cell, corrupt(IMAGES, name, severity, seed=3))
            assert isinstance(cell, np.memmap)
            assert not cell.flags.writeable
    with pytest.raises(UnknownName, match="gaussian_noise, snow"):
        made.cell("fog", 1)


def test_image_numbers_decide_not_positions(tmp_path: Path) -> None:
    numbers = np.array([40, 7, 9])
    made = generated_set(IMAGES[:3], numbers, name="x", corruptions=["shot_noise"], seed=0, cache=tmp_path)
    for position, number in enumerate(numbers):
        alone = corrupt(IMAGES[position : position + 1], "shot_noise", 4, first_index=int(number))
        np.testing.assert_array_equal(made.cell("shot_noise", 4)[position], alone[0])


def test_generated_once_and_found_again(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    _set(tmp_path, progress=lambda *each: told.append(each))
    assert [done for done, _, _ in told] == list(range(1, 11))
    assert {total for _, total, _ in told} == {10}
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")}
    assert len(files) == 2
    told.clear()
    _set(tmp_path, progress=lambda *each: told.append(each))
    assert [done for done, _, _ in told] == [5, 10]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")} == files


def test_other_images_seeds_and_numbers_have_other_files(tmp_path: Path) -> None:
    one = ["contrast"]
    _set(tmp_path, corruptions=one)
    _set(tmp_path, corruptions=one, seed=4)
    generated_set(IMAGES[::-1], None, name="mnist5k", corruptions=one, seed=3, cache=tmp_path)
    generated_set(IMAGES, np.arange(6) + 1, name="mnist5k", corruptions=one, seed=3, cache=tmp_path)
    assert len(list(tmp_path.rglob("contrast.npy"))) == 4


def test_interrupted_run_leaves_no_half_file_and_goes_on(tmp_path: Path) -> None:
    def stop(done: int, total: int, text: str) -> None:
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _set(tmp_path, progress=stop)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["gaussian_noise.npy"]
    told: list[str] = []
    made = _set(tmp_path, progress=lambda done, total, text: told.append(text))
    assert told[0] == "gaussian_noise: found"
    np.testing.assert_array_equal(made.cell("snow", 5), corrupt(IMAGES, "snow", 5, seed=3))


def test_of_several_processes_one_makes_a_file_and_the_others_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def generate(path: Path, *arguments: object) -> None:
        made.append(path.name)
        time.sleep(0.3)
        sets._generate_as_always(path, *arguments)  # type: ignore[attr-defined]

    monkeypatch.setattr(sets, "_generate_as_always", sets._generate, raising=False)
    monkeypatch.setattr(sets, "_generate", generate)
    told: list[str] = []
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: _set(tmp_path, progress=lambda *each: told.append(each[2])), range(3)))
    assert sorted(made) == ["gaussian_noise.npy", "snow.npy"]
    assert any("another process makes it" in text for text in told)
    for each in found:
        np.testing.assert_array_equal(each.cell("snow", 5), corrupt(IMAGES, "snow", 5, seed=3))


def test_a_killed_process_leaves_no_half_file_and_no_lock(tmp_path: Path) -> None:
    code = (
        "import numpy as np, os, signal, sys, pathlib\n"
        "from prune_core.corruptions import generated_set\n"
        "images = np.random.default_rng(0).integers(0, 256, (6, 28, 28, 1)).astype(np.uint8)\n"
        "def die(done, total, text):\n"
        "    if done == 7: os.kill(os.getpid(), signal.SIGKILL)\n"
        "generated_set(images, None, name='mnist5k', corruptions=['gaussian_noise', 'snow'], seed=3,"
        " cache=pathlib.Path(sys.argv[1]), progress=die, title='MNIST-5k')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert ended.returncode == -9
    assert [path.name for path in tmp_path.rglob("*.npy")] == ["gaussian_noise.npy"]
    left = next(tmp_path.rglob(".snow.npy.*.tmp"))
    os.utime(left, (1, 1))  # long ago
    np.testing.assert_array_equal(_set(tmp_path).cell("snow", 5), corrupt(IMAGES, "snow", 5, seed=3))
    assert not left.exists()


def test_damaged_cache_file_says_so(tmp_path: Path) -> None:
    _set(tmp_path)
    path = next(tmp_path.rglob("snow.npy"))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(BadInput, match="delete it"):
        _set(tmp_path)


def test_labels_never_pass_for_the_official_set(tmp_path: Path) -> None:
    assert set_label("cifar10", 0) == "CIFAR-10-C (regenerated, seed 0)"
    assert set_label("cifar100", 2) == "CIFAR-100-C (regenerated, seed 2)"
    assert set_label("mnist5k", 0, title="MNIST-5k") == "MNIST-5k-C (generated, seed 0)"
    assert set_label("cifar10", 1, jpeg=True) == "CIFAR-10-C (generated from JPEG re-encoded images, seed 1)"
    assert set_label("image_folder:/data/cats.tar.gz", 0) == "cats-C (generated, seed 0)"
    made = _set(tmp_path, jpeg=True)
    assert made.label == "MNIST-5k-C (generated from JPEG re-encoded images, seed 3)"
    assert made.jpeg
    assert made.generated


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"corruptions": ["fgo"]}, "did you mean fog"),
        ({"corruptions": []}, "one or more"),
        ({"corruptions": ["fog", "fog"]}, "each once"),
    ],
)
def test_bad_sets(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        _set(tmp_path, **options)
    with pytest.raises(BadInput, match="image numbers"):
        generated_set(IMAGES, np.arange(3), name="x", corruptions=["fog"], seed=0, cache=tmp_path)


def _official(folder: Path, names: list[str], labels: np.ndarray) -> None:
    """Official files, empty but for one pixel per severity: 154 MB each, sparse on disk."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "labels.npy", np.tile(labels, 5).astype(np.uint8))
    for name in names:
        array = np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=np.uint8, shape=(50_000, 32, 32, 3))
        for severity in range(1, 6):
            array[(severity - 1) * 10_000 + 17, 0, 0, 0] = severity


def test_official_files_are_cut_at_ten_thousand(tmp_path: Path) -> None:
    labels = np.random.default_rng(0).integers(0, 10, 10_000)
    _official(tmp_path / "CIFAR-10-C", ["fog"], labels)
    found = official_set(tmp_path, corruptions=["fog"], labels=labels)
    assert found.label.startswith("from files, sha256 "), "nobody knows whether they are the published ones"
    assert not found.generated
    for severity in range(1, 6):
        cell = found.cell("fog", severity)
        assert cell.shape == (10_000, 32, 32, 3)
        assert cell[17, 0, 0, 0] == severity
        assert not cell.flags.writeable
    chosen = official_set(tmp_path, corruptions=["fog"], positions=np.array([3, 17]))
    assert chosen.cell("fog", 4)[:, 0, 0, 0].tolist() == [0, 4]


def test_official_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"labels.npy is missing \(looked in .*zenodo"):
        official_set(tmp_path)
    labels = np.random.default_rng(0).integers(0, 10, 10_000)
    _official(tmp_path, [], labels)
    with pytest.raises(BadInput, match="fog.npy is missing"):
        official_set(tmp_path, corruptions=["fog"])
    with pytest.raises(BadInput, match="another order"):
        official_set(tmp_path, corruptions=["fog"], labels=np.sort(labels))
    np.save(tmp_path / "fog.npy", np.zeros((10_000, 3), dtype=np.uint8))
    with pytest.raises(BadInput, match=r"holds uint8 \(10000, 3\)"):
        official_set(tmp_path, corruptions=["fog"])
    with pytest.raises(BadInput, match="no official"):
        official_set(tmp_path, name="mnist5k")
    np.save(tmp_path / "labels.npy", np.random.default_rng(1).integers(0, 10, 50_000))
    with pytest.raises(BadInput, match="five severities differ"):
        official_set(tmp_path, corruptions=["fog"])


def test_contact_sheet_shows_every_cell(tmp_path: Path) -> None:
    from PIL import Image

    contact_sheet(IMAGES[:2], tmp_path / "sheet.png", corruptions=["brightness", *EXTRA], title="a sheet")
    sheet = np.asarray(Image.open(tmp_path / "sheet.png").convert("L"))
    bright = corrupt(IMAGES[:1], "brightness", 5)[0, :, :, 0].repeat(2, 0).repeat(2, 1)
    windows = np.lib.stride_tricks.sliding_window_view(sheet, bright.shape)
    assert (windows[:60] == bright).all(axis=(2, 3)).sum() == 1
    with pytest.raises(BadInput, match="1 to 8"):
        contact_sheet(IMAGES[:0], tmp_path / "none.png")
