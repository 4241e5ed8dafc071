"""The surroundings of a tormented study on one machine, and what can break in them: a disk, an MLflow server."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import psutil

ALWAYS = ("driver", "worker", "terminate", "interrupt")
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_USAGE_STATS_REPORT_URL": "http://127.0.0.1:9/"}


class Harm(NamedTuple):
    """What was done to the surroundings: after how many seconds it is mended, and how."""

    seconds: float
    mend: Callable[[], None]


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

    def command(self, study: str, out: Path) -> list[str]:
        """Return the command line that runs the study, or goes on with it."""
        return [sys.executable, "-m", "dashboards", "run", study, "--out", str(out), *self.options()]

    def processes(self) -> list[psutil.Process]:
        """Return processes around the driver that it did not start."""
        return []

    def driver(self, command: int) -> psutil.Process | None:
        """Return the driver of a command that was started, by the number of its process; None while there is none yet."""
        return psutil.Process(command)

    def tend(self) -> None:
        """Do what those do who look after a site; called now and then."""

    def left(self) -> list[str]:
        """Return what lies around after the study's end that should not."""
        return []

    def stop(self) -> None:
        """End what runs elsewhere for a command that was killed here."""

    def harm(self, fault: str, draw: random.Random) -> Harm | None:
        """Do a harm that only these surroundings know; return None where it finds no victim now."""
        return None

    def mend(self) -> None:
        """Put right what was broken."""

    def lose_node(self, draw: random.Random) -> bool:
        """Kill one of several nodes; return whether there was one to kill."""
        return False

    def lose_head(self) -> bool:
        """Kill a whole cluster; return whether there was one."""
        return False

    def renew_head(self) -> bool:
        """Kill a whole cluster, but not the driver, and start another in its place; return whether there was one."""
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


def free_port() -> int:
    """Return a port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
