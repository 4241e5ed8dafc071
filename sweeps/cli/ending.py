"""The end of the command's process: what must be done is done, and the interpreter is not taken apart."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn


def end_process(status: int) -> NoReturn:
    """End this process as ``sys.exit`` does, without freeing each object of PyTorch's and MLflow's modules: that takes 2 s.

    Threads that are no daemons are waited for, what was registered for the exit is called, and what was printed is written.

    Args:
        status: the exit status; 0 becomes 120, as Python has it, where what was printed cannot be written.
    """
    threading._shutdown()  # type: ignore[attr-defined]  # as the interpreter does it, and multiprocessing's children
    with suppress(Exception):  # it has been printed
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # nobody reads any more
            status = status or 120
    os._exit(status)
