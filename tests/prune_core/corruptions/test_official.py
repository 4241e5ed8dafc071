"""Official files by their content: what they are called, what a digest costs, what is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from prune_core.base import file_digest
from prune_core.base.errors import BadInput
from prune_core.base.file_digest import remembered_sha256
from prune_core.base.store import file_sha256
from prune_core.corruptions import official, official_digest, official_label, official_set
from prune_core.corruptions.definition import EXTRA, STANDARD
from prune_core.corruptions.fetch import ARCHIVES, fetch_official

COUNT = 20


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets of twenty images, where the real ones have ten thousand."""
    monkeypatch.setattr(official, "_COUNT", COUNT)


def contents(start: int = 0) -> dict[str, bytes]:
    """What the files of a set hold, each another constant."""
    found = {}
    for number, name in enumerate((*STANDARD, *EXTRA, "labels")):
        shape = (5 * COUNT,) if name == "labels" else (5 * COUNT, 32, 32, 3)
        buffer = io.BytesIO()
        np.save(buffer, np.full(shape, 0 if name == "labels" else number + start, np.uint8))
        found[name] = buffer.getvalue()
    return found


def put(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.npy").write_bytes(content)
    return folder


def publish(tar: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make these files, in an archive, the published ones; the archive is known by its MD5, as Zenodo gives it."""
    tar.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(tar, "w") as opened:
        for name, content in contents().items():
            member = tarfile.TarInfo(f"CIFAR-10-C/{name}.npy")
            member.size = len(content)
            opened.addfile(member, io.BytesIO(content))
    checksum = f"md5:{hashlib.md5(tar.read_bytes(), usedforsecurity=False).hexdigest()}"
    known = dataclasses.replace(ARCHIVES["cifar10"], checksum=checksum, size=tar.stat().st_size)
    monkeypatch.setitem(ARCHIVES, "cifar10", known)


def test_files_of_the_same_place_and_name_are_told_apart_by_what_they_hold(tmp_path: Path) -> None:
    cache, folder = tmp_path / "cache", put(tmp_path / "mine", contents())
    first = official_digest(folder, name="cifar10", cache=cache)
    assert first == official_digest(put(tmp_path / "copy", contents()), name="cifar10", cache=cache)
    black = np.zeros((5 * COUNT, 32, 32, 3), np.uint8)
    np.save(folder / "fog.npy", black)
    second = official_digest(folder, name="cifar10", cache=cache)
    assert first != second
    assert official_set(folder, cache=cache).label == official_label("cifar10", second, cache)
    assert official_label("cifar10", second, cache) == f"from files, sha256 {second[:16]}"
    with pytest.raises(BadInput, match="not those that were planned with"):
        official_set(folder, cache=cache, sha256=first)
    np.save(folder / "brightness_of_mine.npy", black)  # a file that no study uses
    assert official_digest(folder, name="cifar10", cache=cache) == second


def test_the_official_name_is_for_files_of_the_published_archive_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    byhand = put(tmp_path / "by hand", contents())
    digest = official_digest(byhand, name="cifar10", cache=cache)
    assert official_set(byhand, cache=cache).label.startswith("from files, sha256 ")
    publish(cache / "CIFAR-10-C.tar", monkeypatch)
    fetched = fetch_official("cifar10", cache)
    for folder in (fetched, byhand):  # the same bytes, wherever they lie
        assert official_set(folder, cache=cache).label == "CIFAR-10-C"
    assert official_label("cifar10", digest, cache) == "CIFAR-10-C"
    assert official_label("cifar100", digest, cache) != "CIFAR-10-C"
    put(fetched, {"fog": contents(1)["fog"]})
    assert official_set(fetched, cache=cache).label.startswith("from files, sha256 ")
    assert official_set(fetched, corruptions=["snow"], cache=cache).label == "CIFAR-10-C"


def test_the_archive_beside_unpacked_files_says_what_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, folder = tmp_path / "cache", tmp_path / "data"
    put(folder / "CIFAR-10-C", contents())
    publish(folder / "CIFAR-10-C.tar", monkeypatch)
    before = sorted(folder.rglob("*"))
    fetch_official("cifar10", folder, cache=cache)
    assert sorted(folder.rglob("*")) == before, "nothing is written into a folder of the user's that is whole"
    assert official_set(folder, cache=cache).label == "CIFAR-10-C"


def test_another_archive_does_not_make_its_files_official(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    real = ARCHIVES["cifar10"]
    publish(cache / "CIFAR-10-C.tar", monkeypatch)
    mine = ARCHIVES["cifar10"]
    monkeypatch.setitem(ARCHIVES, "cifar10", real)
    fetch_official("cifar10", cache, archive=mine)
    assert official_set(cache, cache=cache).label.startswith("from files, sha256 ")


def test_a_file_is_read_once_as_long_as_it_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, file = tmp_path / "cache", tmp_path / "big.npy"
    read: list[Path] = []
    file.write_bytes(b"one")
    plain = file_sha256

    def counted(path: Path) -> str:
        read.append(path)
        return plain(path)

    monkeypatch.setattr(file_digest, "file_sha256", counted)
    expected = hashlib.sha256(b"one").hexdigest()
    assert [remembered_sha256(file, cache) for _ in range(3)] == [expected] * 3 and len(read) == 1
    assert sorted(tmp_path.iterdir()) == [file, cache], "nothing beside the file"
    file.write_bytes(b"two")
    assert remembered_sha256(file, cache) == hashlib.sha256(b"two").hexdigest() and len(read) == 2
    other = tmp_path / "other"
    other.write_bytes(b"six")
    other.replace(file)  # the same size, another inode
    assert remembered_sha256(file, cache) == hashlib.sha256(b"six").hexdigest()
    next(cache.rglob("*.json")).write_text("{")
    assert remembered_sha256(file, cache) == hashlib.sha256(b"six").hexdigest()
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the cache should be")
    assert remembered_sha256(file, blocked) == hashlib.sha256(b"six").hexdigest()
