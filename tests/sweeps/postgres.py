"""A throw-away PostgreSQL from Debian's binaries: a cluster in a temporary folder, a socket in it, and gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def binaries() -> Path | None:
    """Return the folder of the newest PostgreSQL that Debian has installed, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class Postgres:
    """A running server.

    Args:
        folder: holds the cluster and the socket.
        command: how its programs are started (PostgreSQL refuses to run as root).
    """

    def __init__(self, folder: Path, command: list[str]) -> None:
        self.folder = folder
        self._command = command
        how = ("-U", "prunefront", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        self.call("initdb", "-D", folder / "data", *how)
        self.start()

    def call(self, program: str, *arguments: str | Path) -> str:
        """Run one of PostgreSQL's programs and return what it says."""
        bin_folder = binaries()
        assert bin_folder is not None
        ran = subprocess.run(
            [*self._command, str(bin_folder / program), *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=self.folder,
        )
        assert ran.returncode == 0, f"{program}: {ran.stdout}{ran.stderr}"
        return ran.stdout

    def start(self) -> None:
        """Start the server: no port, and nothing that makes it survive a power failure."""
        options = f"-k {self.folder} -c listen_addresses='' -c fsync=off -c full_page_writes=off -c synchronous_commit=off"
        self.call("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-o", options, "-w", "start")

    def stop(self) -> None:
        """Stop the server at once, as a lost machine does; what was committed is there after `start`."""
        self.call("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop")

    def database(self, name: str) -> str:
        """Make a database and return its URL, as a study file gives it."""
        self.call("createdb", "-h", self.folder, "-U", "prunefront", name)
        return f"postgresql+psycopg://prunefront@/{name}?host={self.folder}"


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start a PostgreSQL for a module of tests; skip them, aloud, where it is not installed."""
    if binaries() is None:
        pytest.skip("no PostgreSQL in /usr/lib/postgresql (apt-get install postgresql)")
    root = os.geteuid() == 0
    if root and shutil.which("runuser") is None:
        pytest.skip("PostgreSQL does not run as root, and there is no runuser")
    # A socket's path has to be short, and its folder the server's.
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    if root:
        shutil.chown(folder, "postgres", "postgres")
    server = None
    try:
        server = Postgres(folder, ["runuser", "-u", "postgres", "--"] if root else [])
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
