"""Facts of the shipped datasets, and everything that is wrong with other people's files."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prune_core.base.errors import BadInput, UnknownName
from prune_core.data import DATASETS, load_dataset


def test_mnist5k_is_mlxtends(tmp_path: Path) -> None:
    dataset = load_dataset("mnist5k", cache=tmp_path)
    assert dataset.train_images.shape == (5000, 28, 28, 1)
    assert np.bincount(dataset.train_labels).tolist() == [500] * 10
    assert dataset.test_images is None
    # Ink of real digits: mean grey value of MNIST's training images is .1307, a one has least ink, a zero most.
    ink = [dataset.train_images[dataset.train_labels == digit].mean() for digit in range(10)]
    assert np.argmin(ink) == 1
    assert np.argmax(ink) == 0
    assert np.mean(ink) / 255 == pytest.approx(0.1307, abs=0.003)


def test_digits_are_scikit_learns_enlarged(tmp_path: Path) -> None:
    from sklearn.datasets import load_digits

    dataset = load_dataset("digits", cache=tmp_path, size=24)
    assert dataset.train_images.shape == (1797, 24, 24, 1)
    small = dataset.train_images[:, 1::3, 1::3, 0]
    np.testing.assert_allclose(small / 255 * 16, load_digits().images, atol=0.04)
    measured = dataset.train_images / 255.0
    assert dataset.mean[0] == pytest.approx(measured.mean(), abs=1e-4)
    assert dataset.std[0] == pytest.approx(measured.std(), abs=1e-4)


def test_racing_builders_agree_and_leave_one_copy(tmp_path: Path) -> None:
    """Four builders that have all found the cache empty before any of them writes."""
    from prune_core.data.cache import read_arrays, write_arrays
    from prune_core.data.dataset import Arrays

    arrays = Arrays(("a",), np.ones((50, 16, 16, 1), dtype=np.uint8), np.zeros(50, dtype=np.int64))
    together = threading.Barrier(4)

    def build(_: int) -> str:
        together.wait()
        write_arrays(tmp_path / "x", arrays)
        found = read_arrays(tmp_path / "x")
        assert found is not None
        return found[1]

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(build, range(4)))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_finished_folder_of_somebody_else_stays(tmp_path: Path) -> None:
    from prune_core.data.cache import read_arrays, write_arrays
    from prune_core.data.dataset import Arrays

    for value in (1, 2):
        images = np.full((2, 16, 16, 1), value, dtype=np.uint8)
        write_arrays(tmp_path / "x", Arrays(("a",), images, np.zeros(2, dtype=np.int64)))
    found = read_arrays(tmp_path / "x")
    assert found is not None
    assert found[0].train_images[0, 0, 0, 0] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_damaged_cache_says_which_folder_to_delete(tmp_path: Path) -> None:
    load_dataset("digits", cache=tmp_path)
    folder = next((tmp_path / "datasets").iterdir())
    (folder / "train_images.npy").write_bytes(b"x")
    with pytest.raises(BadInput, match="delete that folder"):
        load_dataset("digits", cache=tmp_path)


def test_cache_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRUNEFRONT_CACHE", str(tmp_path / "here"))
    load_dataset("digits")
    assert (tmp_path / "here" / "datasets").is_dir()


IMAGES = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"labels": np.arange(4)}, "no array 'images', only labels"),
        ({"images": IMAGES}, "no array 'labels'"),
        ({"images": IMAGES / 255.0, "labels": np.arange(4)}, "float64"),
        ({"images": IMAGES[0], "labels": np.arange(4)}, r"\(16, 16, 3\)"),
        ({"images": IMAGES, "labels": np.arange(5)}, "4 train images but labels"),
        ({"images": IMAGES, "labels": np.arange(4) / 2}, "whole numbers"),
        ({"images": IMAGES, "labels": np.arange(4) - 1}, r"labels go from -1 to 2 \(allowed: 0 to"),
        ({"images": IMAGES, "labels": np.arange(4) + 10**9}, r"go from 1000000000 to"),
        ({"images": IMAGES, "labels": np.arange(4).astype(np.uint64) + 2**63}, r"go from 9223372036854775808"),
        ({"images": IMAGES, "labels": np.array(["a", "b", "c", "d"], dtype=object)}, "without pickles"),
        ({"images": IMAGES, "labels": np.arange(4), "test_images": IMAGES}, "come together"),
        (
            {"images": IMAGES, "labels": np.arange(4), "test_images": IMAGES[:, :8], "test_labels": np.arange(4)},
            r"test images \(8, 16, 3\)",
        ),
        ({"images": IMAGES, "labels": np.arange(4), "classes": np.array(["a"])}, "or more"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path: Path, members: dict[str, Any], said: str) -> None:
    np.savez(tmp_path / "f.npz", **members)
    with pytest.raises(BadInput, match=said) as caught:
        load_dataset(f"arrays:{tmp_path / 'f.npz'}", cache=tmp_path / "cache")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "cache" / "datasets").exists()


def test_arrays_with_test_images_and_class_names(tmp_path: Path) -> None:
    tests: dict[str, Any] = {"test_images": IMAGES[:2], "test_labels": np.array([1, 0], dtype=np.uint8)}
    np.savez(tmp_path / "f.npz", images=IMAGES, labels=np.arange(4) % 2, classes=np.array(["no", "yes"]), **tests)
    dataset = load_dataset(f"arrays:{tmp_path / 'f.npz'}", cache=tmp_path)
    assert dataset.classes == ("no", "yes")
    np.testing.assert_array_equal(dataset.test_images, IMAGES[:2])
    assert dataset.test_labels is not None and dataset.test_labels.dtype == np.int64


def test_files_that_are_no_arrays(tmp_path: Path) -> None:
    (tmp_path / "f.npz").write_bytes(b"PK\x03\x04 not really")
    for name, said in (
        (f"arrays:{tmp_path / 'f.npz'}", "not a readable"),
        ("arrays:", "no file"),
        ("arrays:/no/x.npz", "no file"),
    ):
        with pytest.raises(BadInput, match=said):
            load_dataset(name, cache=tmp_path / "cache")


def test_missing_files_say_what_where_and_whence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRUNEFRONT_CIFAR10", raising=False)
    for name, said in (
        (
            "cifar10",
            r"cifar-10-python.tar.gz is missing \(looked in .*; download is off\); get it from https://.* put it into",
        ),
        ("cifar100", r"cifar-100-python.tar.gz is missing \(looked in .*get it from https://.* put it into"),
    ):
        with pytest.raises(BadInput, match=said) as caught:
            load_dataset(name, cache=tmp_path, root=str(tmp_path / "r"), download=False)
        assert str(tmp_path / "r") in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(BadInput, match=r"train-images-idx3-ubyte.gz is missing \(looked in .*dataset-fashion-mnist.* put"):
        load_dataset("fashion_mnist", cache=tmp_path, root=str(tmp_path / "r"))


def test_names_and_arguments_that_are_wrong(tmp_path: Path) -> None:
    for name in ("mnist5", "MNIST5k"):
        with pytest.raises(UnknownName, match="did you mean mnist5k"):
            load_dataset(name, cache=tmp_path)
    with pytest.raises(BadInput, match="takes nothing after a colon"):
        load_dataset("mnist5k:x", cache=tmp_path)
    with pytest.raises(BadInput, match="8, 16, 24, 32"):
        load_dataset("digits", cache=tmp_path, size=20)
    with pytest.raises(BadInput, match="true, false"):
        load_dataset("cifar10", cache=tmp_path, download="no")


def test_the_guide_names_every_dataset() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "data.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1].split(":")[0] for line in guide.splitlines() if line.startswith("| `")}
    assert rows == set(DATASETS.names())


@pytest.mark.cifar10
@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("PRUNEFRONT_CIFAR10"), reason="PRUNEFRONT_CIFAR10 names no images")
def test_real_cifar10(tmp_path: Path) -> None:
    dataset = load_dataset("cifar10", cache=tmp_path)
    assert dataset.train_images.shape == (50_000, 32, 32, 3)
    assert dataset.classes[0] == "airplane"
    assert dataset.test_labels is not None
    assert np.bincount(dataset.test_labels).tolist() == [1000] * 10
    measured = dataset.train_images[::10].mean(axis=(0, 1, 2)) / 255
    np.testing.assert_allclose(measured, dataset.mean, atol=0.01)
