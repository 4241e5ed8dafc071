"""What a run says of its cluster's head, and how it ends without it: one line and status 1."""

from __future__ import annotations

import threading
from collections.abc import Callable

from rich.console import Console

from sweeps.run.progress import say


class Head:
    """The head of the cluster on which a sweep runs, as `sweeps.engine.cluster_watch` tells of it."""

    def __init__(self, console: Console, address: str, leave: Callable[[int], None]) -> None:
        """Take where the user is told, the address as the user gave it, and what ends the process with a status."""
        self._console, self._leave = console, leave
        self._name = f"the Ray cluster at {address}"
        self._leaving = threading.Lock()

    def silent(self, patience: float) -> None:
        """Say what is waited for; it is the last line where Ray itself ends the process."""
        say(
            self._console,
            f"{self._name} does not answer; waiting {patience:.0f} s for it (whatever comes, nothing that was finished is "
            "lost, and the same command goes on)",
        )

    def back(self) -> None:
        """Say that it goes on."""
        say(self._console, f"{self._name} answers again")

    def lost(self, seconds: float) -> None:
        """Say so and leave."""
        self.give_up(f"has not answered for {seconds:.0f} s")

    def anew(self) -> None:
        """Say so and leave: Ray would, with a stack."""
        self.give_up("was started anew and knows nothing of this run")

    def give_up(self, why: str) -> None:
        """Say why, once, and leave at once: without its head, taking Ray down hangs."""
        self._leaving.acquire()  # another thread that comes here waits for the end
        say(
            self._console,
            f"stopped: {self._name} {why}; nothing that was finished is lost, run the same command again when it is back",
        )
        self._leave(1)
