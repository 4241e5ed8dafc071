"""A driver that is gone at once leaves no process and no folder of its Ray; one that ends in order hears nothing of this."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sweeps.engine.folder import PREFIX
from sweeps.engine.reaper import GONE

DRIVER = """
import os, subprocess, sys
from sweeps.engine.folder import session_folder
from sweeps.engine.reaper import reaper
with reaper() as watch, session_folder() as folder:
    watch(folder)
    rays = [
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)", str(folder)], start_new_session=True),
        subprocess.Popen(  # as a worker whose node is gone: a name of its own, and a log that is open in the folder
            ["ray::IDLE", "-c", "import time; time.sleep(120)"], executable=sys.executable, start_new_session=True,
            stdout=open(folder / "log", "w"),
        ),
    ]
    print(*(each.pid for each in rays), flush=True)
    {end}
    for each in rays:
        each.kill()
        each.wait()
"""


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A short path: a longer one is not used, for Ray's sockets."""
    folder = Path(tempfile.mkdtemp(prefix="c", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def driver_that(end: str, temporary: Path) -> tuple[subprocess.CompletedProcess[str], list[int]]:
    """Run a driver with two processes of its Ray; return how it ended, and those."""
    command = [sys.executable, "-c", DRIVER.format(end=end)]
    # the reaper holds the error stream for as long as it works, so this waits for it, too
    environment = {**os.environ, "TMPDIR": str(temporary)}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)
    return ran, [int(pid) for pid in ran.stdout.split()]


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "os._exit(1)", "import ctypes; ctypes.CDLL(None)._exit(1)"])
def test_a_driver_that_is_gone_at_once_leaves_nothing(end: str, temporary: Path) -> None:
    ran, rays = driver_that(end, temporary)
    assert ran.returncode in (-9, 1)
    assert GONE in ran.stderr
    until = time.monotonic() + 60
    while (left := [pid for pid in rays if alive(pid)]) and time.monotonic() < until:
        time.sleep(0.05)
    assert (left, list(temporary.glob(f"{PREFIX}*")), len(rays)) == ([], [], 2)


def test_a_driver_that_ends_in_order_hears_nothing_of_it(temporary: Path) -> None:
    ran, rays = driver_that("pass", temporary)
    assert (ran.returncode, ran.stderr, [pid for pid in rays if alive(pid)]) == (0, "", [])
    assert list(temporary.glob(f"{PREFIX}*")) == []


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
