"""SIGTERM comes to Python's handler although C code takes it: real signals, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, os, signal, time
from sweeps.engine.sigterm import sigterm_held

heard = []
signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
libc = ctypes.CDLL(None)
with sigterm_held():
    libc.signal(signal.SIGTERM, None)  # the default, which ends the process, as a library in C would set it
    time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.1)
    libc.signal(signal.SIGTERM, None)
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(0.1)
print(heard)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="LOUD: only on Linux is the system's handler put back")
def test_sigterm_comes_to_python_although_c_takes_it() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[15, 15]"), done.stderr
