"""What is left of a Ray of our own when its driver ends, in order or at once: no process, no file."""

from __future__ import annotations

import os
import time

import psutil

from sweeps.engine.folder import held_folders, remove_now

_KILLED_SECONDS = 10.0
"""What killed processes may take to be gone."""
AT_ONCE_SECONDS = 1.5
"""What a driver that ends at once may take: it was given ten seconds in all, and most of them are gone."""

_RENAMED = "ray::"
"""How Ray's workers and agents name themselves, in place of their command line."""


def end_processes(folder: str, patience: float, killed: float = _KILLED_SECONDS) -> None:
    """End what Ray started in our folder and did not end itself: a start that failed leaves its processes running.

    Args:
        folder: of our Ray. Its own processes name it, and workers are below these; those whose parent is gone, and that have
            given themselves another name, have a log open there.
        patience: seconds that they may take to end by themselves.
        killed: seconds that they may take when they were killed.
    """
    named = [each for each in psutil.process_iter() if each.pid != os.getpid() and _of(each, folder)]
    mine = {each.pid: each for process in named for each in [process, *_children(process)]}
    _, alive = psutil.wait_procs(list(mine.values()), timeout=patience)
    for each in alive:
        each.kill()
    psutil.wait_procs(alive, timeout=killed)


def abandon() -> None:
    """Remove every Ray of our own, also one that is just being started: this process ends in the next moment.

    Called from a signal handler or a thread of its own, while the main thread may be within ``ray.init`` and start the next
    of Ray's processes; it starts none any more.
    """
    folders = held_folders()
    if not folders:
        return
    from ray._private import services

    services.start_ray_process = _never
    end = time.monotonic() + AT_ONCE_SECONDS
    for folder in folders:
        while folder.exists():
            left = max(0.0, end - time.monotonic())
            end_processes(str(folder), 0.0, min(left, 1.0))
            remove_now(folder, min(left, 0.5))
            if not left:
                break


def _never(*_: object, **__: object) -> None:
    """Start no process: wait until this one is gone."""
    time.sleep(2 * _KILLED_SECONDS)


def _of(process: psutil.Process, folder: str) -> bool:
    try:
        words = process.cmdline()
        if any(folder in word for word in words):
            return True
        renamed = bool(words) and words[0].startswith(_RENAMED)
        return renamed and any(each.path.startswith(f"{folder}/") for each in process.open_files())
    except (psutil.Error, OSError):
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
