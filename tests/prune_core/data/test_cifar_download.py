"""CIFAR's archive from a server on loopback: fetched, resumed, checked, shared by those who race for it; or one line."""

from __future__ import annotations

import hashlib
import io
import pickle
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prune_core.base.errors import BadInput
from prune_core.data import load_dataset
from prune_core.data.datasets import cifar100
from tests.prune_core.loopback import Served, serving

NAME = "cifar-100-python.tar.gz"
PIXELS = np.random.default_rng(0).integers(0, 256, (200, 3072)).astype(np.uint8)


def small_files() -> dict[str, bytes]:
    """Two images of each class, pickled as the authors did."""
    batch = {"data": PIXELS, "fine_labels": [k % 100 for k in range(200)]}
    names = {"fine_label_names": [f"class {k}" for k in range(100)]}
    return {name: pickle.dumps(value, protocol=2) for name, value in (("train", batch), ("test", batch), ("meta", names))}


@pytest.fixture(name="served")
def _served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    files, buffer = small_files(), io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"cifar-100-python/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    content = buffer.getvalue()
    sums = {name: hashlib.md5(each).hexdigest() for name, each in files.items()}
    with serving(content) as served:
        small = replace(
            cifar100.FILES,
            url=f"{served.address}/{NAME}",
            size=len(content),
            md5=hashlib.md5(content).hexdigest(),
            train=(("train", sums["train"]),),
            test=(("test", sums["test"]),),
            meta=("meta", sums["meta"]),
        )
        monkeypatch.setattr(cifar100, "FILES", small)
        yield served


def test_fetched_once_into_the_cache_or_into_root(served: Served, tmp_path: Path) -> None:
    dataset = load_dataset("cifar100", cache=tmp_path / "c")
    assert dataset.test_images is not None and dataset.test_images.shape == (200, 32, 32, 3)
    assert dataset.test_images[7, 3, 4, 2] == PIXELS[7].reshape(3, 32, 32)[2, 3, 4]
    load_dataset("cifar100", cache=tmp_path / "c")
    assert served.asked == [None]
    assert [path.name for path in (tmp_path / "c" / "downloads").iterdir()] == [NAME]
    load_dataset("cifar100", cache=tmp_path / "d", root=str(tmp_path / "r"))
    assert [path.name for path in (tmp_path / "r").iterdir()] == [NAME]


def test_a_download_that_broke_off_goes_on_where_it_stopped(served: Served, tmp_path: Path) -> None:
    part = tmp_path / "downloads" / f"{NAME}.part"
    part.parent.mkdir()
    part.write_bytes(served.content[:7000])  # by a process that was killed
    served.longest = 100_000
    load_dataset("cifar100", cache=tmp_path)
    assert served.asked == [f"bytes={start}-" for start in range(7000, len(served.content), 100_000)]
    assert [path.name for path in part.parent.iterdir()] == [NAME]


def test_wrong_bytes_are_refused_and_fetched_anew(served: Served, tmp_path: Path) -> None:
    right = served.content
    served.content = right[:-1] + b"x"
    with pytest.raises(BadInput, match=rf"{NAME} is missing \(looked in .*its MD5 is [0-9a-f]{{32}}, not .*put it into"):
        load_dataset("cifar100", cache=tmp_path)
    assert list((tmp_path / "downloads").iterdir()) == []
    served.content = right
    assert load_dataset("cifar100", cache=tmp_path).title == "CIFAR-100"


def test_without_a_network_one_line_says_what_to_do(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served.status = 503
    with pytest.raises(BadInput) as refused:
        load_dataset("cifar100", cache=tmp_path)
    said = str(refused.value)
    downloads = tmp_path / "downloads"
    assert "\n" not in said
    for part in (
        f"{NAME} is missing",
        f"looked in {downloads}",
        "503",
        f"get it from {served.address}",
        f"put it into {downloads}",
    ):
        assert part in said
    assert list(downloads.iterdir()) == [], "nothing is left of it"
    monkeypatch.setattr(cifar100, "FILES", replace(cifar100.FILES, url="http://127.0.0.1:9/x.tar.gz"))
    with pytest.raises(BadInput, match=r"download failed: .*refused"):
        load_dataset("cifar100", cache=tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match=r"Not a directory|File exists"):
        load_dataset("cifar100", cache=tmp_path, root=str(tmp_path / "file" / "r"))


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_an_archive_that_is_gone_is_not_replaced_by_a_folder_of_its_name(name: str, tmp_path: Path) -> None:
    gone = tmp_path / "pictures.tar.gz"
    with pytest.raises(BadInput, match=r"there is no archive '.*pictures\.tar\.gz' \(allowed: "):
        load_dataset(name, root=str(gone), cache=tmp_path / "cache")
    assert not gone.exists()


def test_of_several_that_race_one_fetches_and_the_others_wait(served: Served, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: load_dataset("cifar100", cache=tmp_path).checksum, range(4)))
    assert len(set(found)) == 1
    assert served.asked == [None]


def test_those_who_wait_take_over_where_the_first_one_failed(served: Served, tmp_path: Path) -> None:
    served.status = 503
    with ThreadPoolExecutor(3) as pool:
        tries = [pool.submit(load_dataset, "cifar100", cache=tmp_path) for _ in range(3)]
        assert all(isinstance(each.exception(), BadInput) for each in tries)
    assert len(served.asked) == 3
