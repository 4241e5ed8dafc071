"""SIGTERM before each command of the Slurm script in turn, and of what holds a Ray on a node: nothing stays."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import psutil

from tests.sweeps.clusters.test_slurm import SCRIPT, job  # noqa: F401

BEFORE_A_COMMAND = """
if [[ $0 == "$WHO" ]]; then
  at=0
  before() {
    [ "$BASHPID" = $$ ] || return 0
    [ "$at" != "$AT" ] || { echo "$BASH_COMMAND" >>"$LOG-at"; kill -TERM $$; }
    at=$((at + 1))
  }
  trap before DEBUG
fi
"""
"""For ``BASH_ENV``: shells that get its path read it first."""


def running(log: str) -> list[psutil.Process]:
    """Return what still runs of all that was started with this log."""
    found = []
    for each in psutil.process_iter():
        try:
            if each.environ().get("LOG") == log and each.status() != psutil.STATUS_ZOMBIE:
                found.append(each)
        except psutil.Error:
            continue
    return found


def signalled(command: list[str], at: int, environment: dict[str, str]) -> int | None:
    """Run a shell that gets SIGTERM before its command number ``at``; return its status, or ``None`` if it has fewer."""
    log = environment["LOG"]
    seen = Path(f"{log}-at")
    for each in (Path(log), seen):
        each.unlink(missing_ok=True)
    try:
        ran = subprocess.run(command, env={**environment, "AT": str(at)}, capture_output=True, text=True, timeout=60)
        assert running(log) == [], seen.read_text()
    finally:
        for process in running(log):
            process.kill()
    return ran.returncode if seen.exists() else None


def test_a_job_leaves_nothing(job: dict[str, str], tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "before").write_text(BEFORE_A_COMMAND)
    job |= {"BASH_ENV": str(tmp_path / "before"), "WHO": str(SCRIPT), "SLURM_JOB_ID": str(7_000_000 + psutil.Process().pid)}
    at, found = 0, []
    while (status := signalled(["bash", str(SCRIPT)], at, job)) is not None:
        assert not list(Path("/tmp").glob(f"pf-slurm-{job['SLURM_JOB_ID']}-*")), at
        assert not list(Path(job["OUT"]).glob(".ray-token-*")), at
        found.append(status)
        at += 1
    assert sorted(set(found)) == [-15, 0, 143]
    assert found == sorted(found, key=[-15, 143, 0].index), (
        "before there is anything to clean up, then in order, then too late"
    )


def test_what_holds_a_ray_ends_it(tmp_path: Path) -> None:
    (hold,) = re.findall(r"^HOLD='(.*?)'$", SCRIPT.read_text(), re.DOTALL | re.MULTILINE)
    (tmp_path / "before").write_text(BEFORE_A_COMMAND)
    ray = tmp_path / "ray"
    ray.write_text("#!/usr/bin/env bash\ntouch \"$LOG\"\ntrap 'sleep 0.3; exit 7' TERM\nwhile :; do sleep 0.05; done\n")
    ray.chmod(0o755)
    folder = tmp_path / "folder"
    environment = {
        "PATH": "/usr/bin:/bin",
        "LOG": str(tmp_path / "log"),
        "BASH_ENV": str(tmp_path / "before"),
        "WHO": str(folder),
    }
    for at in range(9):
        folder.mkdir(exist_ok=True)
        assert signalled(["bash", "-c", hold, str(folder), str(ray)], at, environment) is not None
        assert not Path(environment["LOG"]).exists() or not folder.exists()
