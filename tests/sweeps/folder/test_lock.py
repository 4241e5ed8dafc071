from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock

from prune_core.base.errors import BadInput
from prune_core.base.files import write_json
from sweeps.folder.lock import STALE_SECONDS, driving, holder_of
from sweeps.folder.paths import DRIVER_LOCK

HOLDER = """
import sys, time
from pathlib import Path
from sweeps.folder.lock import driving
with driving(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def held_by_another(out: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(out)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_driver_is_refused_and_told_who_holds_the_folder(tmp_path: Path) -> None:
    process = held_by_another(tmp_path)
    try:
        with pytest.raises(BadInput, match=rf"another run is at work .*process {process.pid}"), driving(tmp_path):
            raise AssertionError("entered a held folder")
        holder = holder_of(tmp_path)
        assert holder is not None
        assert holder["process"] == process.pid
    finally:
        process.kill()
        process.wait()


def test_a_driver_killed_outright_leaves_the_folder_free(tmp_path: Path) -> None:
    process = held_by_another(tmp_path)
    process.kill()
    process.wait()
    assert holder_of(tmp_path) is None
    with driving(tmp_path):
        assert holder_of(tmp_path) is not None
    assert not (tmp_path / ".driver.json").exists()


@pytest.mark.parametrize(("age", "held"), [(0.0, True), (2 * STALE_SECONDS, False)])
def test_a_driver_on_another_host_holds_the_folder_while_its_heart_beats(tmp_path: Path, age: float, held: bool) -> None:
    beat = time.time() - age
    write_json(tmp_path / ".driver.json", {"host": "elsewhere", "process": 7, "since": beat, "heartbeat": beat})
    assert (holder_of(tmp_path) is not None) is held
    if held:
        with pytest.raises(BadInput, match="host elsewhere, process 7"), driving(tmp_path):
            raise AssertionError("entered a held folder")
    else:
        with driving(tmp_path):
            pass


def test_who_looks_at_the_folder_for_a_moment_refuses_no_driver(tmp_path: Path) -> None:
    look = FileLock(tmp_path / DRIVER_LOCK, thread_local=False)
    look.acquire(timeout=0)
    threading.Timer(0.1, look.release).start()
    with driving(tmp_path):
        assert holder_of(tmp_path) is not None
