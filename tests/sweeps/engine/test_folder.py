"""The temporary folder of our own Ray: whose driver lives, stays; whose driver is gone, goes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweeps.engine.folder import LONGEST, YOUNG_SECONDS, session_folder

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
        socket = folder / "session_2026-11-24_23-12-31_123456_4194304" / "sockets" / "plasma_store.4194304"
        assert len(str(socket)) + LONGEST - len("/tmp") <= 107
