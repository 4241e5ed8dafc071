"""A Ray cluster on hosts of its own, known by name only, and what can happen to a network.

``packets``: one node's cable loses 10 to 30 of 100 packets for 30 seconds; ``narrow``: it lets 1 to 4 megabits a second
through for as long; ``partition``: it is pulled out for 30 seconds. ``gone``: a node's power fails and it never comes back.
"""

from __future__ import annotations

import os
import random
import secrets
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psutil

from benchmarks.chaos_places import QUIET, Harm, Surroundings
from benchmarks.chaos_sweep import named
from benchmarks.hosts import Hosts, lacks_tbf

HEAD, WORKERS = "head", ("node1", "node2")
PORT = 6379
PARTITION_SECONDS = 30.0
NETWORK_FAULTS = ("packets", "narrow", "partition", "gone")


class SeveralHosts(Surroundings):
    """A head without processors, where the driver runs, and nodes with one each; tokens on."""

    faults = ("driver", "worker", "terminate", "interrupt", "node", "head", "anew", *NETWORK_FAULTS)

    def __init__(self, folder: Path, workers: tuple[str, ...] = WORKERS, later: tuple[str, ...] = ()) -> None:
        """Name the nodes, and those of them on which Ray is started by `join` only."""
        super().__init__(folder)
        self.workers = workers
        self._later = set(later)
        self._token = secrets.token_hex(32)
        self.gone: set[str] = set()
        self._harmed: set[str] = set()
        """Nodes that cannot be reached, or badly, for a while: nothing is started on them."""

    def __enter__(self) -> SeveralHosts:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.hosts = Hosts([HEAD, *self.workers], [self.folder])
        self.hosts.__enter__()
        try:
            self.mend()
        except BaseException:
            self.hosts.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.hosts.__exit__(None, None, None)

    def command(self, study: str, out: Path) -> list[str]:
        """Return the command that runs the driver beside the head."""
        return self.hosts.command(HEAD, super().command(study, out))

    def options(self) -> list[str]:
        """Return the head's name: nobody is told a number."""
        return ["--address", f"{HEAD}:{PORT}"]

    def environment(self) -> dict[str, str]:
        """Return the cluster's token; every host has a temporary folder of its own."""
        return {**QUIET, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self._token, "TMPDIR": "/tmp"}  # noqa: S108

    def processes(self) -> list[psutil.Process]:
        """Return what runs on the nodes, and the head's own."""
        return [each for name in self.hosts.names for each in self.hosts.processes(name)]

    def lose_node(self, draw: random.Random) -> bool:
        """Cut the power of a node, unless one is missing already."""
        nodes = self._nodes()
        if len(nodes) < len(self._staying()) or self._harmed:
            return False
        self.hosts.power_off(draw.choice(nodes))
        return True

    def lose_head(self) -> bool:
        """Cut the power of the head, with the driver on it; the nodes cannot do without."""
        self.hosts.power_off(HEAD)
        return True

    def lose_for_good(self, name: str) -> None:
        """Cut the power of a node that never comes back."""
        self.gone.add(name)
        self.hosts.power_off(name)

    def renew_head(self) -> bool:
        """End Ray on every host, and start another in its place."""
        for name in self.hosts.names:
            if self.hosts.is_up(name):
                self._ray(name, "stop", "--force")
        self.mend()
        return True

    def harm(self, fault: str, draw: random.Random) -> Harm | None:
        """Do something to the network, or lose a node for good."""
        nodes = self._nodes()
        if len(nodes) < len(self._staying()) or self._harmed or (fault == "gone" and len(nodes) < 2):
            return None
        victim = draw.choice(nodes)
        if fault == "gone":
            self.lose_for_good(victim)
            return Harm(0.0, _nothing)
        self._harmed.add(victim)
        if fault == "packets":
            self.hosts.lose_packets(victim, draw.randint(10, 30))
        elif fault == "narrow":
            self.hosts.narrow(victim, 1000 * draw.randint(1, 4), queue=not lacks_tbf())
        else:
            self.hosts.cut(victim)
        return Harm(PARTITION_SECONDS, partial(self._whole_again, victim))

    def mend(self) -> None:
        """Start what is missing: hosts, the head, then the nodes; but no node that never comes back."""
        for name in self.hosts.names:
            if name not in self.gone and not self.hosts.is_up(name):
                self.hosts.start(name)
        if not self._has_ray(HEAD):
            for name in self._staying():  # a node does not outlive its head
                if self.hosts.processes(name):
                    self._ray(name, "stop", "--force")
            address = f"--node-ip-address={self.hosts.address(HEAD)}"
            self._ray(
                HEAD, "start", "--head", address, f"--port={PORT}", "--num-cpus=0", "--include-dashboard=false", *_COMMON
            )
        missing = [name for name in self._staying() if name not in self._harmed and not self._has_ray(name)]
        with ThreadPoolExecutor() as side_by_side:
            list(side_by_side.map(self.join, missing))

    def join(self, name: str) -> None:
        """Start Ray on a node."""
        self._later.discard(name)
        self._ray(name, "start", f"--address={HEAD}:{PORT}", "--num-cpus=1", *_COMMON)

    def _whole_again(self, name: str) -> None:
        self._harmed.discard(name)
        if self.hosts.is_up(name):
            self.hosts.mend(name)
            self.mend()

    def _staying(self) -> list[str]:
        return [name for name in self.workers if name not in self.gone | self._later]

    def _nodes(self) -> list[str]:
        return [name for name in self.workers if self._has_ray(name)]

    def _has_ray(self, name: str) -> bool:
        return any(named(each, "raylet") for each in self.hosts.processes(name))

    def _ray(self, host: str, *words: str) -> None:
        command = self.hosts.command(host, [sys.executable, "-m", "ray.scripts.scripts", *words])
        with (self.folder / "ray.log").open("ab") as log:
            for _ in range(3):  # on a loaded machine Ray's own limits are too short now and then
                ran = subprocess.run(command, check=False, stdout=log, stderr=log, env={**os.environ, **self.environment()})
                if ran.returncode == 0:
                    return
        raise RuntimeError(f"Ray does not {words[0]} on {host}: " + (self.folder / "ray.log").read_text()[-2000:])


_COMMON = ("--disable-usage-stats", "--object-store-memory=134217728")


def _nothing() -> None:
    """Mend nothing."""
