"""Run a command on one of the hosts of `benchmarks.hosts`: ``python benchmarks/hosts_enter.py PID COMMAND ...``.

PID is the first process of the host. To whoever starts it this is the command itself: signals are passed on (SIGINT to the
whole group, as a terminal does), its end and its status are the command's, and where it is killed the command dies with it.
`nsenter` does none of that once it has entered a namespace of processes.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from types import FrameType

NAMESPACES = ("net", "uts", "mnt", "pid")
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Enter, start the command, and end as it does."""
    host, command = sys.argv[1], sys.argv[2:]
    here = os.getcwd()  # noqa: PTH109  (no import that a command line of a few milliseconds can do without)
    doors = [os.open(f"/proc/{host}/ns/{name}", os.O_RDONLY) for name in NAMESPACES]
    for door in doors:
        if _libc.setns(door, 0):
            raise OSError(ctypes.get_errno(), f"no such host: {host}")
        os.close(door)
    os.chdir(here)  # another tree of mounts begins at its root
    child = os.fork()
    if child == 0:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.setsid()
        os.execvp(command[0], command)  # noqa: S606

    def pass_on(number: int, _frame: FrameType | None) -> None:
        (os.killpg if number == signal.SIGINT else os.kill)(child, number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, pass_on)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        signal.signal(os.WTERMSIG(status), signal.SIG_DFL) if os.WTERMSIG(status) != signal.SIGKILL else None
        os.kill(os.getpid(), os.WTERMSIG(status))
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
