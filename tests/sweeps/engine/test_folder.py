"""The temporary folder of our own Ray: whose driver lives, stays; whose driver is gone, goes; not ours, not touched."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweeps.engine import folder as folder_module
from sweeps.engine.folder import ALIVE, LONGEST, RAYS, YOUNG_SECONDS, is_left, session_folder

HOLDER = """
import sys, time
from sweeps.engine.folder import session_folder
with session_folder() as folder:
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder of our own, with a path short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as name:
        monkeypatch.setenv("TMPDIR", name)
        monkeypatch.setattr(tempfile, "tempdir", None)
        yield Path(name)


def holder() -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_the_folder_is_gone_afterwards_also_after_an_error(home: Path) -> None:
    with pytest.raises(RuntimeError), session_folder() as folder:
        (folder / "session" / "sockets").mkdir(parents=True)
        assert folder.parent == home
        raise RuntimeError
    assert list(home.iterdir()) == []


def test_what_a_process_writes_while_it_ends_goes_too(home: Path) -> None:
    late = "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[1], 'go').exists(): time.sleep(.001)\n"
    late += "for number in range(200):\n pathlib.Path(sys.argv[1], 's', 'logs').mkdir(parents=True, exist_ok=True)\n"
    late += " pathlib.Path(sys.argv[1], 's', 'logs', str(number)).touch()\n"
    with session_folder() as folder:
        process = subprocess.Popen([sys.executable, "-c", late, str(folder)], stderr=subprocess.DEVNULL)
        (folder / "go").touch()
        while not (folder / "s").exists():
            time.sleep(0.001)
    process.wait()
    with session_folder():  # the next driver, within the minute
        assert not folder.exists()


def test_the_next_driver_removes_what_a_killed_one_left_and_nothing_of_a_living_one(home: Path) -> None:
    (killed, left), (living, held) = holder(), holder()
    killed.kill()
    killed.wait()
    try:
        with session_folder() as folder:
            assert sorted(home.iterdir()) == sorted([held, folder])
            assert not left.exists()
    finally:
        living.kill()
        living.wait()


def test_a_folder_that_is_being_made_is_left_alone_for_a_minute(home: Path) -> None:
    young, old = home / "pfray-young", home / "pfray-old"
    young.mkdir()
    old.mkdir()
    os.utime(old, (0, time.time() - 2 * YOUNG_SECONDS))
    with session_folder():
        assert young.exists()
        assert not old.exists()


def test_a_path_too_long_for_sockets_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(str(tmp_path)) > LONGEST
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with session_folder() as folder:
        assert folder.parent == Path("/tmp")
        # Ray's longest socket: session_<date>_<time>_<microseconds>_<process>/sockets/plasma_store
        socket = folder / RAYS / "session_2026-11-24_23-12-31_123456_4194304" / "sockets" / "plasma_store.4194304"
        assert len(str(socket)) + LONGEST - len("/tmp") <= 107


SOMEBODY = 65534
"""Another user of the machine: nobody."""
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")


def precious(folder: Path) -> Path:
    """A folder that nobody may empty, old enough to look abandoned."""
    (folder / "session_latest").mkdir(parents=True)
    (folder / "session_latest" / "thesis.txt").write_text("years of work")
    (folder / "thesis.txt").write_text("years of work")
    (folder / ALIVE).write_text("years of work")
    make_old(folder)
    return folder


def make_old(folder: Path) -> None:
    os.utime(folder, (0, time.time() - 2 * YOUNG_SECONDS), follow_symlinks=False)


def unharmed(folder: Path) -> bool:
    files = [folder / "thesis.txt", folder / "session_latest" / "thesis.txt", folder / ALIVE]
    return all(file.read_text() == "years of work" for file in files)


@pytest.mark.parametrize("without_a_lock", [False, True])
def test_a_link_under_our_name_is_not_followed(home: Path, tmp_path: Path, without_a_lock: bool) -> None:
    victim = precious(tmp_path / "victim")
    if without_a_lock:
        victim = precious(tmp_path / "other")
        (victim / ALIVE).unlink()
        make_old(victim)
    (home / "pfray-evil").symlink_to(victim)
    (home / "pfray-twice").symlink_to(home / "pfray-evil")
    (home / "pfray-nowhere").symlink_to(tmp_path / "missing")
    assert not is_left(home / "pfray-evil")
    before = sorted(victim.rglob("*"))
    with session_folder():
        pass
    assert sorted(victim.rglob("*")) == before
    assert (home / "pfray-evil").is_symlink()


def test_a_link_inside_a_folder_that_was_left_goes_and_what_it_leads_to_stays(home: Path, tmp_path: Path) -> None:
    victim = precious(tmp_path / "victim")
    killed, left = holder()
    killed.kill()
    killed.wait()
    (left / RAYS / "session").mkdir(parents=True)
    (left / "link").symlink_to(victim)
    (left / RAYS / "session" / "deep").symlink_to(victim)
    (left / RAYS / "file").symlink_to(victim / "thesis.txt")
    with session_folder():
        assert not left.exists()
    assert unharmed(victim)


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_a_lock_that_is_none_is_not_opened(home: Path, tmp_path: Path, kind: str) -> None:
    victim = precious(tmp_path / "victim")
    planted = home / "pfray-planted"
    (planted / RAYS).mkdir(parents=True)
    match kind:
        case "link":
            (planted / ALIVE).symlink_to(victim / "thesis.txt")
        case "pipe":
            os.mkfifo(planted / ALIVE)
        case _:
            (planted / ALIVE).mkdir()
    make_old(planted)
    with session_folder():
        pass
    assert unharmed(victim)
    assert (planted / RAYS).is_dir()


def test_a_folder_of_something_else_under_our_name_stays(home: Path) -> None:
    folder = home / "pfray-notes"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    make_old(folder)
    with session_folder():
        pass
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_a_folder_that_is_exchanged_for_a_link_while_it_is_emptied_leads_nowhere(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = precious(tmp_path / "victim")
    killed, left = holder()
    killed.kill()
    killed.wait()
    (left / RAYS).mkdir()
    looked = folder_module._is_left

    def exchange(inside: int) -> bool:
        found = looked(inside)
        if found and not left.is_symlink():
            left.rename(home / "away")
            left.symlink_to(victim)
        return found

    monkeypatch.setattr(folder_module, "_is_left", exchange)
    with session_folder():
        pass
    assert left.is_symlink()
    assert unharmed(victim)
    assert list((home / "away").iterdir()) == []


@AS_ROOT
def test_a_folder_of_another_user_is_not_touched(home: Path, tmp_path: Path) -> None:
    victim = precious(tmp_path / "victim")
    planted = home / "pfray-theirs"
    (planted / RAYS).mkdir(parents=True)
    (planted / ALIVE).touch()
    (planted / "link").symlink_to(victim)
    for path in (planted, planted / RAYS, planted / ALIVE):
        os.chown(path, SOMEBODY, SOMEBODY)
    make_old(planted)
    assert not is_left(planted)
    with session_folder():
        pass
    assert sorted(path.name for path in planted.iterdir()) == sorted([ALIVE, RAYS, "link"])
    assert unharmed(victim)


@AS_ROOT
@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_nobody_else_comes_into_a_folder_of_ours(home: Path, umask: int) -> None:
    home.chmod(0o1777)
    before = os.umask(umask)
    try:
        with session_folder() as folder:
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            rays = folder / RAYS
            rays.mkdir()
            rays.chmod(0o777)  # as Ray does
            (rays / "socket").touch()
            for command in (f"ls {folder}", f"cat {rays}/socket", f"touch {rays}/new", f"mv {folder}/alive {folder}/x"):
                ran = subprocess.run(
                    ["sh", "-c", command], user=SOMEBODY, group=SOMEBODY, extra_groups=[], capture_output=True
                )
                assert b"ermission denied" in ran.stderr, command
    finally:
        os.umask(before)
