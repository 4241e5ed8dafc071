"""A process beside the driver that takes down the driver's own Ray when the driver is gone and has not done so itself.

``kill -9`` gives a driver no time, and Ray's C++ part ends its process at once where it finds its node dead while it
connects (measured in Ray 2.60: exit 1 within ``ray.init``, no exception). What is left then, processes that take half a
minute to notice and a folder that nobody removes, is what this one is for.

Run as ``python -P -m sweeps.engine.reaper``; the folder of the driver's Ray is the first line of its input. (On its command
line it would be one of the processes that name the folder, which are ended.)
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from sweeps.engine.folder import remove_now
from sweeps.engine.leaving import end_processes

_LOOK_SECONDS = 1.0
_END_SECONDS = 5.0
GONE = "this run's driver is gone; its Ray was taken down. Run the same command again to go on."


@contextmanager
def reaper() -> Iterator[Callable[[Path], None]]:
    """Start the process; yield what tells it the folder to watch. Leave the block when that folder is removed.

    No reaper, on a machine that starts no more processes, is no reason not to run.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    command = [sys.executable, "-P", "-m", "sweeps.engine.reaper"]
    # a group of its own: what ends the driver's whole group, such as Ctrl-C, is not for it
    started = partial(
        subprocess.Popen[str], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, start_new_session=True
    )
    try:
        process = started(command, env=environment)
    except OSError:
        yield lambda folder: None
        return
    try:
        yield partial(_tell, process)
    finally:
        try:
            process.communicate(timeout=_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _tell(process: subprocess.Popen[str], folder: Path) -> None:
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.write(f"{folder}\n")
            process.stdin.flush()


def main() -> None:
    """Wait for the driver's end, however it comes, and remove what it left."""
    driver = os.getppid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the driver gets them too, and knows what to do
        signal.signal(number, signal.SIG_IGN)
    folder = Path(sys.stdin.buffer.readline().decode().rstrip("\n"))
    # a child of the driver may have inherited the other end of the input: the parent's number says it, too
    while not select.select([sys.stdin], [], [], _LOOK_SECONDS)[0] and os.getppid() == driver:
        pass
    if not folder.name or not folder.exists():
        return
    end_processes(str(folder), 0.0)
    remove_now(folder)
    with suppress(OSError):
        sys.stderr.write(f"{GONE}\n")


if __name__ == "__main__":
    main()
