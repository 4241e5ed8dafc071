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

def taken():
    caught = next(line for line in open("/proc/self/status") if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> signal.SIGTERM - 1 & 1)

def wait_until(true):
    end = time.monotonic() + 30
    while not true() and time.monotonic() < end:
        time.sleep(0.01)

with sigterm_held():
    libc.signal(signal.SIGTERM, None)  # the default, which ends the process, as a library in C would set it
    wait_until(taken)
    os.kill(os.getpid(), signal.SIGTERM)
    wait_until(lambda: len(heard) == 1)
    libc.signal(signal.SIGTERM, None)
os.kill(os.getpid(), signal.SIGTERM)
wait_until(lambda: len(heard) == 2)
print(heard)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="LOUD: only on Linux is the system's handler put back")
def test_sigterm_comes_to_python_although_c_takes_it() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[15, 15]"), done.stderr
