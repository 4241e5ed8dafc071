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

DRIVER = """
import sys, time
from functools import partial
from pathlib import Path
from sweeps.engine.session import ray_session
from sweeps.folder.stop_request import StopRequest, listening
from sweeps.run.sweep import leave

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
