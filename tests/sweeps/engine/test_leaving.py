"""A driver that has to leave while Ray starts leaves nothing of it: a real Ray, a real SIGTERM."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from sweeps.engine.folder import PREFIX, RAYS
from sweeps.engine.leaving import end_processes

DRIVER = """
import sys, time
from functools import partial
from pathlib import Path
from sweeps.engine.session import ray_session
from sweeps.folder.stop_request import StopRequest, listening
from sweeps.run.leave import leave

stop = StopRequest(Path(sys.argv[1]))
stop.leave_soon = partial(stop.leave_soon, seconds=0.2)  # shorter than Ray's start: on a busy machine eight seconds are, too
with listening(stop, leave), ray_session(address=None, cpus=1, gpus=None, environment={}):
    time.sleep(60)
"""


def mentioning(text: str) -> list[psutil.Process]:
    found = []
    for each in psutil.process_iter():
        try:
            found += [each] if each.status() != psutil.STATUS_ZOMBIE and text in " ".join(each.cmdline()) else []
        except psutil.Error:
            continue
    return found


def test_sigterm_while_ray_starts_leaves_no_folder_and_no_process() -> None:
    temporary = Path(tempfile.mkdtemp(prefix="c", dir="/tmp"))  # short, for Ray's sockets
    try:
        command = [sys.executable, "-c", DRIVER, str(temporary)]
        driver = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(temporary)}, start_new_session=True)
        end = time.monotonic() + 120
        while not list(temporary.glob(f"{PREFIX}*/{RAYS}/session_*/logs/gcs_server*")):
            assert driver.poll() is None
            assert time.monotonic() < end
            time.sleep(0.01)
        driver.send_signal(signal.SIGTERM)
        assert driver.wait(timeout=60) == 130
        assert list(temporary.glob(f"{PREFIX}*")) == []
        assert mentioning(str(temporary)) == []
    finally:
        for each in mentioning(str(temporary)):
            each.kill()
        shutil.rmtree(temporary, ignore_errors=True)


def test_a_process_of_the_folder_whose_parent_is_gone_is_ended_too(tmp_path: Path) -> None:
    sleeper = (
        f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', '{tmp_path}'])"
    )
    subprocess.run([sys.executable, "-c", sleeper], check=True)  # its parent has ended: it belongs to init now
    orphans = [each for each in mentioning(str(tmp_path)) if each.ppid() != os.getpid()]
    assert len(orphans) == 1
    end_processes(str(tmp_path), patience=0.1)
    assert mentioning(str(tmp_path)) == []
