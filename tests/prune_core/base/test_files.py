"""Files and folders that we write: whole, with the mode that the user's umask asks for, and no link followed to clean up."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from prune_core.base.files import is_abandoned, replacing, temporary_folder, write_json
from prune_core.base.store import Store
from sweeps.export.folder import whole_folder


@contextmanager
def umask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("mask", "file", "folder"), [(0o077, 0o600, 0o700), (0o022, 0o644, 0o755), (0o027, 0o640, 0o750), (0o002, 0o664, 0o775)]
)
def test_what_is_written_has_the_mode_that_the_umask_leaves(tmp_path: Path, mask: int, file: int, folder: int) -> None:
    def filled(place: Path) -> dict[str, Any]:
        (place / "weights").touch()
        return {}

    with umask(mask):
        write_json(tmp_path / "deep" / "new.json", {})
        (tmp_path / "old.json").touch()
        (tmp_path / "old.json").chmod(0o604)
        write_json(tmp_path / "old.json", {})
        entry = Store(tmp_path / "store").get_or_make({"a": 1}, filled)
        with whole_folder(tmp_path, "network") as export:
            (export / "weights").touch()
    assert {mode(path) for path in tmp_path.rglob("*") if path.is_file()} == {file}
    assert {mode(path) for path in tmp_path.rglob("*") if path.is_dir()} == {folder}
    assert entry.is_dir()


def test_the_umask_is_left_alone_while_many_threads_write(tmp_path: Path) -> None:
    def write_often(path: Path) -> None:
        for k in range(30):
            write_json(path, k)

    with umask(0o077):
        threads = [threading.Thread(target=write_often, args=(tmp_path / f"{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for n in range(200):
            (tmp_path / f"other-{n}").touch()
        for thread in threads:
            thread.join()
    assert {mode(path) for path in tmp_path.iterdir()} == {0o600}


def test_a_link_in_the_place_of_the_target_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("years of work")
    (tmp_path / "target").symlink_to(victim)
    with replacing(tmp_path / "target") as temporary:
        temporary.write_text("new")
    assert victim.read_text() == "years of work"
    assert not (tmp_path / "target").is_symlink()


def test_a_temporary_name_that_is_taken_is_not_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = tmp_path / "victim"
    victim.write_text("years of work")
    monkeypatch.setattr("secrets.token_hex", lambda count: "drawn")
    (tmp_path / ".a.drawn.tmp").symlink_to(victim)
    with pytest.raises(FileExistsError), replacing(tmp_path / "a"):
        pass
    with pytest.raises(FileExistsError):
        temporary_folder(tmp_path / "a")
    assert victim.read_text() == "years of work"


def test_only_real_things_are_abandoned(tmp_path: Path) -> None:
    old, young, link, broken = (tmp_path / name for name in ("old", "young", "link", "broken"))
    old.mkdir()
    young.touch()
    link.symlink_to(old)
    broken.symlink_to(tmp_path / "missing")
    for path in (old, link, broken):
        os.utime(path, (1, 1), follow_symlinks=False)
    assert [is_abandoned(path, 60) for path in (old, young, link, broken, tmp_path / "gone")] == [True, *[False] * 4]
    os.utime(young, (1, time.time() - 61))
    assert is_abandoned(young, 60)
