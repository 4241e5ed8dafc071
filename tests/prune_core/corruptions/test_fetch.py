"""The official archive from a server on loopback: broken connections, resumption, wrong bytes, no network."""

from __future__ import annotations

import fcntl
import hashlib
import io
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prune_core.base.errors import BadInput
from prune_core.corruptions.definition import EXTRA, STANDARD
from prune_core.corruptions.fetch import ARCHIVES, Archive, fetch_official
from tests.prune_core.loopback import Served, serving

NAMES = ("fog", "snow", "labels")


def tar_of(names: tuple[str, ...], folder: str = "CIFAR-10-C") -> bytes:
    """An archive like the official one, with a page of text and a nasty member beside the arrays."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        contents = {f"{folder}/{name}.npy": array_bytes(number) for number, name in enumerate(names)}
        for path, content in {**contents, f"{folder}/README": b"text", "../escaped.npy": b"no"}.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo(f"{folder}/frost.npy")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)
    return buffer.getvalue()


def array_bytes(number: int) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.full((50, 7), number, np.uint8))
    return buffer.getvalue()


@pytest.fixture(name="served")
def _served() -> Iterator[Served]:
    with serving(tar_of(NAMES)) as served:
        yield served


def archive_of(served: Served) -> Archive:
    content, checksum = served.content, f"sha256:{hashlib.sha256(served.content).hexdigest()}"
    return Archive("CIFAR-10-C", f"{served.address}/CIFAR-10-C.tar", "the page", len(content), checksum, NAMES)


def assert_unpacked(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["CIFAR-10-C"]
    assert sorted(path.name for path in (folder / "CIFAR-10-C").iterdir()) == sorted(f"{name}.npy" for name in NAMES)
    for number, name in enumerate(NAMES):
        assert (np.load(folder / "CIFAR-10-C" / f"{name}.npy") == number).all()
    assert not (folder.parent / "escaped.npy").exists()


def test_fetched_once_and_found_again(served: Served, tmp_path: Path) -> None:
    archive, told = archive_of(served), []
    found = fetch_official("cifar10", tmp_path / "cache", archive=archive, told=lambda *each: told.append(each[:2]))
    assert found == tmp_path / "cache" / "CIFAR-10-C"
    assert_unpacked(tmp_path / "cache")
    assert told[-1] == (archive.size, archive.size)
    assert fetch_official("cifar10", tmp_path / "cache", archive=archive) == found
    assert served.asked == [None]


def test_a_connection_that_breaks_is_taken_up_where_it_broke(served: Served, tmp_path: Path) -> None:
    served.longest = 5000
    archive = archive_of(served)
    fetch_official("cifar10", tmp_path, archive=archive)
    assert_unpacked(tmp_path)
    assert served.asked == [None, *(f"bytes={start}-" for start in range(5000, archive.size, 5000))]


def test_a_killed_download_goes_on_in_the_next_call(served: Served, tmp_path: Path) -> None:
    def killed(done: int, total: int, text: str) -> None:
        raise KeyboardInterrupt

    served.longest = 6000
    with pytest.raises(KeyboardInterrupt):
        fetch_official("cifar10", tmp_path, archive=archive_of(served), told=killed)
    assert (tmp_path / "CIFAR-10-C.tar.part").read_bytes() == served.content[:6000]
    served.longest = None
    fetch_official("cifar10", tmp_path, archive=archive_of(served))
    assert served.asked == [None, "bytes=6000-"]
    assert_unpacked(tmp_path)


def test_a_server_without_ranges_starts_anew(served: Served, tmp_path: Path) -> None:
    (tmp_path / "CIFAR-10-C.tar.part").write_bytes(b"old bytes")
    served.ranges = False
    fetch_official("cifar10", tmp_path, archive=archive_of(served))
    assert_unpacked(tmp_path)


def test_wrong_bytes_are_refused_and_not_kept(served: Served, tmp_path: Path) -> None:
    archive = replace(archive_of(served), checksum="sha256:" + "0" * 64)
    with pytest.raises(BadInput, match=r"SHA-256 is [0-9a-f]{64}, not 0{64}.*get it again from the page"):
        fetch_official("cifar10", tmp_path, archive=archive)
    assert list(tmp_path.iterdir()) == []


def test_a_cut_file_says_how_far_it_is(served: Served, tmp_path: Path) -> None:
    content = served.content
    archive = archive_of(served)
    served.content = content[:4000]
    with pytest.raises(BadInput, match=rf"4,000 of {len(content):,} bytes are there.*put it into {tmp_path}"):
        fetch_official("cifar10", tmp_path, archive=archive)
    served.content = content
    fetch_official("cifar10", tmp_path, archive=archive)
    assert_unpacked(tmp_path)


def test_without_a_network_one_line_says_what_to_do(served: Served, tmp_path: Path) -> None:
    served.status = 503
    with pytest.raises(BadInput) as refused:
        fetch_official("cifar10", tmp_path, archive=archive_of(served))
    line = str(refused.value)
    assert "\n" not in line and "503" in line
    for part in ("CIFAR-10-C is missing", f"{tmp_path}/CIFAR-10-C", "CIFAR-10-C.tar", "the page", f"put it into {tmp_path}"):
        assert part in line
    nobody = replace(archive_of(served), url="http://127.0.0.1:9/CIFAR-10-C.tar")
    with pytest.raises(BadInput, match="download failed: .*refused"):
        fetch_official("cifar10", tmp_path, archive=nobody)
    with pytest.raises(BadInput, match="allowed: cifar10"):
        fetch_official("mnist5k", tmp_path)


def test_an_archive_that_lies_there_is_used_and_kept(served: Served, tmp_path: Path) -> None:
    given = tmp_path / "CIFAR-10-C.tar"
    given.write_bytes(served.content[:-1])
    with pytest.raises(BadInput, match="damaged or another file"):
        fetch_official("cifar10", tmp_path, archive=archive_of(served))
    given.write_bytes(served.content)
    fetch_official("cifar10", tmp_path, archive=archive_of(served))
    assert served.asked == []
    given.unlink()
    assert_unpacked(tmp_path)


def test_an_archive_without_a_file_leaves_nothing(served: Served, tmp_path: Path) -> None:
    archive = replace(archive_of(served), names=("fog", "frost", "labels"))  # frost is a link in there
    with pytest.raises(BadInput, match=r"lacks frost\.npy"):
        fetch_official("cifar10", tmp_path, archive=archive)
    assert not (tmp_path / "CIFAR-10-C").exists()


def test_a_set_that_lacks_files_is_completed(served: Served, tmp_path: Path) -> None:
    (tmp_path / "CIFAR-10-C").mkdir()
    (tmp_path / "CIFAR-10-C" / "fog.npy").write_bytes(b"half")
    fetch_official("cifar10", tmp_path, archive=archive_of(served))
    assert_unpacked(tmp_path)


def test_two_do_not_fetch_at_once(served: Served, tmp_path: Path) -> None:
    with (tmp_path / "CIFAR-10-C.tar.part").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BadInput, match="another process"):
            fetch_official("cifar10", tmp_path, archive=archive_of(served))
    assert served.asked == []


def test_no_room_is_said_before_anything_is_fetched(served: Served, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="GB free"):
        fetch_official("cifar10", tmp_path, archive=replace(archive_of(served), size=1 << 60))
    assert served.asked == []


def test_the_published_archive_is_the_whole_benchmark() -> None:
    official = ARCHIVES["cifar10"]
    assert set(official.names) == {*STANDARD, *EXTRA, "labels"} and official.names[-1] == "labels"
    # 20 arrays of 50,000: 19 of 32x32x3 bytes, the labels of one; 128 bytes before each array, and the archive's own.
    arrays = 19 * 50_000 * 3072 + 50_000
    assert 0 < official.size - arrays < 100_000
