"""The surroundings of a tormented study, and what can break in them: a disk, an MLflow server, a Ray cluster."""

from __future__ import annotations

import os
import random
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from benchmarks.chaos_sweep import kill, named

ALWAYS = ("driver", "worker", "terminate", "interrupt")
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_USAGE_STATS_REPORT_URL": "http://127.0.0.1:9/"}


class Surroundings:
    """A machine with nothing around it: the driver starts a Ray of its own and writes into its folder."""

    faults: tuple[str, ...] = (*ALWAYS, "family", "raylet", "limit", "limit_driver")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mlflow_database: Path | None = None
        """Where MLflow's server keeps the runs; None for the output folder."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return

    def options(self) -> list[str]:
        """Return further options of ``prunefront run``."""
        return []

    def environment(self) -> dict[str, str]:
        """Return what the driver finds in its environment."""
        return {}

    def processes(self) -> list[psutil.Process]:
        """Return processes around the driver that it did not start."""
        return []

    def mend(self) -> None:
        """Put right what was broken."""

    def lose_node(self, draw: random.Random) -> bool:
        """Kill one of several nodes; return whether there was one to kill."""
        return False

    def lose_head(self) -> bool:
        """Kill a whole cluster; return whether there was one."""
        return False

    def lose_server(self) -> bool:
        """Kill MLflow's server; return whether there was one."""
        return False

    def fill(self) -> bool:
        """Fill the file system; return whether it can be filled."""
        return False


class SmallDisk(Surroundings):
    """An output folder on a tmpfs of its own, which can be filled (needs the right to mount)."""

    faults = (*ALWAYS, "full", "full", "full")

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._disk = self.folder / "runs"
        self._disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", self._disk], check=True)
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", self._disk], check=True)

    def fill(self) -> bool:
        """Write until nothing goes any more."""
        with (self._disk / "ballast").open("ab", buffering=0) as ballast:
            for size in (2**20, 4096, 1):
                try:
                    while ballast.write(bytes(size)) == size:
                        continue
                except OSError:
                    continue
        return True

    def mend(self) -> None:
        """Make room."""
        (self._disk / "ballast").unlink(missing_ok=True)


class WithServer(Surroundings):
    """MLflow's server beside the sweep."""

    faults = (*ALWAYS, "mlflow", "mlflow", "mlflow")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._port = free_port()
        self.mlflow_database = folder / "server.db"
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.mend()
        return self

    def __exit__(self, *_: object) -> None:
        self.lose_server()

    def options(self) -> list[str]:
        """Return the study's key that names the server."""
        return ["--set", f"tracking.mlflow=http://127.0.0.1:{self._port}"]

    def lose_server(self) -> bool:
        """Kill the server with its workers."""
        if self._server is None:
            return False
        for child in psutil.Process(self._server.pid).children(recursive=True):
            child.kill()
        self._server.kill()
        self._server.wait()
        self._server = None
        return True

    def mend(self) -> None:
        """Start the server and wait until it answers."""
        if self._server is not None:
            return
        command = [
            sys.executable,
            "-m",
            "mlflow",
            "server",
            "--host",
            "127.0.0.1",
            "--port",
            str(self._port),
            "--workers",
            "1",
            "--backend-store-uri",
            f"sqlite:///{self.mlflow_database}",
            "--artifacts-destination",
            str(self.folder / "artifacts"),
        ]
        quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
        with (self.folder / "server.log").open("ab") as log:
            self._server = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **quiet})
        for _ in range(3000):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/health", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise RuntimeError("MLflow's server does not start: " + (self.folder / "server.log").read_text()[-2000:])


class Cluster(Surroundings):
    """A Ray cluster of three nodes on this machine: a head without processors, and two nodes that run the trials."""

    faults = ("driver", "worker", "terminate", "interrupt", "node", "node", "node", "head")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._port = free_port()
        self._token = secrets.token_hex(32)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._temporary = Path(tempfile.mkdtemp(prefix="pfc-", dir="/tmp"))  # short, for Ray's sockets
        self.mend()
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


def free_port() -> int:
    """Return a port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


PLACES: dict[str, type[Surroundings]] = {
    "alone": Surroundings,
    "small disk": SmallDisk,
    "server": WithServer,
    "cluster": Cluster,
}
