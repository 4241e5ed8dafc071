"""A Ray cluster of three nodes on one machine, in which nodes and all of it can be lost."""

from __future__ import annotations

import os
import random
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Self

import psutil

from benchmarks.chaos_places import QUIET, Surroundings, free_port
from benchmarks.chaos_sweep import kill, named


class Cluster(Surroundings):
    """A Ray cluster of three nodes on this machine: a head without processors, and two nodes that run the trials."""

    faults = ("driver", "worker", "terminate", "interrupt", "node", "node", "node", "head", "anew")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._port = free_port()
        self._token = secrets.token_hex(32)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._temporary = Path(tempfile.mkdtemp(prefix="pfc-", dir="/tmp"))  # short, for Ray's sockets
        try:
            self.mend()
        except BaseException:  # nobody calls the exit of what was not entered
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._kill_all()
        shutil.rmtree(self._temporary, ignore_errors=True)

    def options(self) -> list[str]:
        """Return the cluster's address."""
        return ["--address", f"127.0.0.1:{self._port}"]

    def environment(self) -> dict[str, str]:
        """Return the cluster's token."""
        return {**QUIET, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self._token}

    def processes(self) -> list[psutil.Process]:
        """Return the workers and agents of every node."""
        return [child for node in self._nodes() for child in node.children(recursive=True)]

    def lose_node(self, draw: random.Random) -> bool:
        """Kill a worker node and what runs on it, unless one is missing already."""
        nodes = self._nodes()
        if len(nodes) < 3:
            return False
        victim = draw.choice([each for each in nodes if "--head" not in each.cmdline()])
        for each in [victim, *victim.children(recursive=True)]:
            kill(each)
        return True

    def lose_head(self) -> bool:
        """Kill every process of the cluster."""
        self._kill_all()
        return True

    def renew_head(self) -> bool:
        """Kill every process of the cluster, and start another."""
        self._kill_all()
        self.mend()
        return True

    def mend(self) -> None:
        """Start what is missing: the head, then worker nodes."""
        nodes = self._nodes()
        if not any("--head" in each.cmdline() for each in nodes):
            self._kill_all()
            self._ray(
                "--head",
                f"--port={self._port}",
                "--num-cpus=0",
                f"--temp-dir={self._temporary}",
                "--include-dashboard=false",
            )
            nodes = self._nodes()
        for _ in range(3 - len(nodes)):
            self._ray(f"--address=127.0.0.1:{self._port}", "--num-cpus=1")

    def _ray(self, *options: str) -> None:
        command = [
            sys.executable,
            "-m",
            "ray.scripts.scripts",
            "start",
            "--disable-usage-stats",
            "--object-store-memory=134217728",
            *options,
        ]
        environment = {**os.environ, **self.environment()}
        with (self.folder / "ray.log").open("ab") as log:
            for _ in range(3):  # on a loaded machine Ray's own limits are too short now and then
                if subprocess.run(command, check=False, stdout=log, stderr=log, env=environment).returncode == 0:
                    return
                if "--head" in options:  # a server that was left behind would know another session
                    self._kill_all()
        raise RuntimeError("Ray does not start: " + (self.folder / "ray.log").read_text()[-2000:])

    def _nodes(self) -> list[psutil.Process]:
        return [each for each in self._all() if named(each, "raylet")]

    def _all(self) -> list[psutil.Process]:
        found = []
        for each in psutil.process_iter():
            try:
                if any(str(self._temporary) in word for word in each.cmdline()):
                    found.append(each)
            except psutil.Error:
                continue
        return found

    def _kill_all(self) -> None:
        for _ in range(2):  # Ray starts agents anew while it dies
            nodes = self._all()
            for each in [*nodes, *[child for node in nodes for child in children(node)]]:
                kill(each)


def children(process: psutil.Process) -> list[psutil.Process]:
    """Return what a process started, and nothing if it is gone."""
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
