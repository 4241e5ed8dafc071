"""What every dataset promises. Those whose files are not at hand get small files of the same format."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from prune_core.base.errors import BadInput
from prune_core.data import DATASETS, Dataset, load_dataset
from prune_core.data.datasets import cifar10, cifar100

GENERATOR = np.random.default_rng(0)


def _arrays(folder: Path, patch: pytest.MonkeyPatch) -> tuple[str, dict[str, Any]]:
    images, labels = GENERATOR.integers(0, 256, (30, 20, 20, 3)).astype(np.uint8), np.arange(30) % 3
    np.savez(folder / "mine.npz", images=images, labels=labels)
    return f"arrays:{folder / 'mine.npz'}", {}


def _image_folder(folder: Path, patch: pytest.MonkeyPatch) -> tuple[str, dict[str, Any]]:
    for part in ("train", "test"):
        for name in ("cat", "ant", "bee"):
            (folder / "pictures" / part / name).mkdir(parents=True)
            for number in range(3):
                pixels = GENERATOR.integers(0, 256, (24, 30, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(folder / "pictures" / part / name / f"{number}.png")
    return f"image_folder:{folder / 'pictures'}", {"size": 20}


def _cifar(folder: Path, patch: pytest.MonkeyPatch, module: object, classes: int) -> dict[str, Any]:
    files = module.FILES  # type: ignore[attr-defined]
    inside = folder / files.folder
    inside.mkdir()
    sums = {}

    def put(name: str, content: dict[str, Any]) -> None:
        (inside / name).write_bytes(pickle.dumps(content, protocol=2))
        sums[name] = hashlib.md5((inside / name).read_bytes()).hexdigest()

    for name, _ in (*files.train, *files.test):
        data = GENERATOR.integers(0, 256, (2 * classes, 3072)).astype(np.uint8)
        put(name, {"data": data, files.label_key: [k % classes for k in range(2 * classes)]})
    put(files.meta[0], {files.names_key: [f"class {k}" for k in range(classes)]})
    with tarfile.open(folder / files.archive, "w:gz") as archive:
        archive.add(inside, files.folder)
    known = {"train": tuple((name, sums[name]) for name, _ in files.train), "meta": (files.meta[0], sums[files.meta[0]])}
    patch.setattr(module, "FILES", replace(files, test=tuple((name, sums[name]) for name, _ in files.test), **known))
    return {"root": str(folder), "download": False}


def _cifar10(folder: Path, patch: pytest.MonkeyPatch) -> tuple[str, dict[str, Any]]:
    return "cifar10", _cifar(folder, patch, cifar10, 10)


def _cifar100(folder: Path, patch: pytest.MonkeyPatch) -> tuple[str, dict[str, Any]]:
    return "cifar100", _cifar(folder, patch, cifar100, 100)


def _fashion(folder: Path, patch: pytest.MonkeyPatch) -> tuple[str, dict[str, Any]]:
    for part, count in (("train", 40), ("t10k", 20)):
        images = GENERATOR.integers(0, 256, (count, 28, 28)).astype(np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        for kind, values in (("images-idx3", images), ("labels-idx1", labels)):
            head = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, dtype=">u4").tobytes()
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(head + values.tobytes()))
    return "fashion_mnist", {"root": str(folder)}


Maker = Callable[[Path, pytest.MonkeyPatch], tuple[str, dict[str, Any]]]
MAKERS: dict[str, Maker] = {
    "mnist5k": lambda folder, patch: ("mnist5k", {}),
    "digits": lambda folder, patch: ("digits", {}),
    "arrays": _arrays,
    "image_folder": _image_folder,
    "cifar10": _cifar10,
    "cifar100": _cifar100,
    "fashion_mnist": _fashion,
}


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For what ships in packages: decoded once for all tests."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(params=DATASETS.names())
def asked(
    request: pytest.FixtureRequest, tmp_path: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, dict[str, Any], Path]:
    folder = tmp_path / "files"
    folder.mkdir()
    monkeypatch.delenv("PRUNEFRONT_CIFAR10", raising=False)
    name, options = MAKERS[request.param](folder, monkeypatch)
    return name, options, tmp_path / "cache" if options or ":" in name else shared_cache


def _same(first: Dataset, second: Dataset) -> None:
    assert first.checksum == second.checksum
    np.testing.assert_array_equal(first.train_images, second.train_images)
    np.testing.assert_array_equal(first.train_labels, second.train_labels)


def test_a_dataset_is_whole_mapped_and_read_only(asked: tuple[str, dict[str, Any], Path]) -> None:
    name, options, cache = asked
    dataset = load_dataset(name, cache=cache, **options)
    pools = [(dataset.train_images, dataset.train_labels), (dataset.test_images, dataset.test_labels)]
    for images, labels in pools:
        if images is None:
            assert labels is None
            continue
        assert isinstance(images, np.memmap)
        assert not images.flags.writeable
        assert images.dtype == np.uint8
        assert images.shape[1:] == dataset.shape
        assert labels is not None and labels.dtype == np.int64
        assert labels.shape == (len(images),)
        assert set(np.unique(labels)) == set(range(len(dataset.classes)))
    channels = dataset.shape[2]
    assert len(dataset.mean) == len(dataset.std) == channels
    assert all(0 <= value <= 1 for value in dataset.mean)
    assert all(0 < value <= 1 for value in dataset.std)
    assert dataset.title
    assert dataset.licence
    assert dataset.source
    assert len(dataset.checksum) == 64


def test_found_again_in_the_cache_without_decoding(
    asked: tuple[str, dict[str, Any], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, options, cache = asked
    first = load_dataset(name, cache=cache, **options)

    def refuse(*arguments: object) -> None:
        raise AssertionError("decoded twice")

    monkeypatch.setattr("prune_core.data.load.write_arrays", refuse)
    _same(first, load_dataset(name, cache=cache, **options))


def test_normalisation_is_set_from_outside(asked: tuple[str, dict[str, Any], Path]) -> None:
    name, options, cache = asked
    dataset = load_dataset(name, cache=cache, mean=[0.5], std=0.25, **options)
    assert dataset.mean == (0.5,) * dataset.shape[2]
    assert dataset.std == (0.25,) * dataset.shape[2]
    _same(dataset, load_dataset(name, cache=cache, **options))


def test_unknown_options_are_refused_in_one_line(asked: tuple[str, dict[str, Any], Path]) -> None:
    name, options, cache = asked
    with pytest.raises(BadInput, match=r"has no option 'colour' \(allowed: .*mean") as caught:
        load_dataset(name, cache=cache, colour=1, **options)
    assert "\n" not in str(caught.value)
    with pytest.raises(BadInput, match="one per channel"):
        load_dataset(name, cache=cache, std=[0.0], **options)
    with pytest.raises(BadInput, match="2 numbers"):
        load_dataset(name, cache=cache, mean=[0.1, 0.2], **options)


def test_a_cifar_archive_reads_like_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, options = _cifar10(tmp_path, monkeypatch)
    unpacked = load_dataset("cifar10", cache=tmp_path / "a", **options)
    for file in (tmp_path / "cifar-10-batches-py").iterdir():
        file.unlink()
    (tmp_path / "cifar-10-batches-py").rmdir()
    _same(unpacked, load_dataset("cifar10", cache=tmp_path / "b", **options))
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz") as archive:
        member = archive.extractfile("cifar-10-batches-py/test_batch")
        assert member is not None
        batch = pickle.load(member)
    assert unpacked.test_images is not None
    assert unpacked.test_images[4, 10, 20, 1] == batch["data"][4].reshape(3, 32, 32)[1, 10, 20]


def test_a_damaged_cifar_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, options = _cifar10(tmp_path, monkeypatch)
    with (tmp_path / "cifar-10-batches-py" / "data_batch_3").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(BadInput, match="data_batch_3 is damaged"):
        load_dataset("cifar10", cache=tmp_path / "a", **options)


def test_a_pickle_that_would_run_something_is_refused() -> None:
    from prune_core.data.cifar_files import _unpickled

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return print, ("executed",)

    with pytest.raises(pickle.UnpicklingError, match="not allowed"):
        _unpickled(pickle.dumps({"data": Evil()}))


def test_class_folders_of_jpeg_files_are_cifar10_too(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.full((32, 32, 3), 90, dtype=np.uint8)).save(buffer, "JPEG")
    with tarfile.open(tmp_path / "mine.tar.gz", "w:gz") as archive:
        for part, name in (("train", "b"), ("train", "a"), ("test", "a")):
            member = tarfile.TarInfo(f"some/{part}/{name}/1.jpg")
            member.size = len(buffer.getvalue())
            archive.addfile(member, io.BytesIO(buffer.getvalue()))
    dataset = load_dataset("cifar10", cache=tmp_path / "cache", root=str(tmp_path / "mine.tar.gz"))
    assert dataset.jpeg
    assert dataset.classes == ("a", "b")
    assert dataset.mean == (0.4914, 0.4822, 0.4465)
    assert dataset.train_images.shape == (2, 32, 32, 3)
    assert dataset.test_labels is not None and dataset.test_labels.tolist() == [0]
