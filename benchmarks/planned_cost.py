"""What `prunefront plan` promises against what the run then takes: processor seconds, wall time, disk.

    python -m benchmarks.planned_cost [STUDY] [--set key=value ...]

Measures on an idle machine. The processor seconds are those of the workers (trials), apart from those of the driver and of
Ray's own processes; they are read from the system every half second, so each process may lose up to that much at its end.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from sweeps.cost.calibration import speeds_of
from sweeps.cost.cost import Cost, cost_of
from sweeps.cost.sizes import sizes_of
from sweeps.plan.plan import make_plan
from sweeps.study.model import load_study

EVERY_SECONDS = 0.5


def main() -> None:
    """Plan, run, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", nargs="?", default="quickstart")
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="planned-") as folder:
        out = Path(folder) / "runs" / "study"
        cost = planned(chosen.study, chosen.overrides, out, Path(folder))
        command = [sys.executable, "-m", "dashboards", "run", chosen.study, "--out", str(out)]
        command += [part for each in chosen.overrides for part in ("--set", each)]
        workers, others, wall, status = measured(command)
        disk = sum(path.stat().st_size for path in (out / "trials").rglob("*") if path.is_file())
        everything = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    if status != 0:
        sys.exit(f"the run ended with status {status}")
    print("| | planned | measured | measured / planned |\n|---|---|---|---|")
    for name, promise, found in (
        ("processor seconds of trials", cost.device_seconds, workers),
        ("wall seconds", cost.wall_seconds, wall),
        ("bytes of trials", float(cost.disk_bytes), float(disk)),
        ("bytes besides", float(cost.book_bytes), float(everything - disk)),
    ):
        print(f"| {name} | {promise:,.0f} | {found:,.0f} | {found / promise:.2f} |")
    print(f"\nbeside the trials, driver and Ray: {others:.0f} processor seconds")


def planned(name: str, overrides: list[str], out: Path, cache: Path) -> Cost:
    """Return what the plan says, from a calibration of this moment (nothing remembered)."""
    study = load_study(name, overrides)
    sizes = sizes_of(study)
    if sizes is None:
        sys.exit("the data is not at hand")
    plan = make_plan(study, out)
    return cost_of(plan, out, speeds_of(study, plan.trials, sizes, cache=cache), sizes)


def measured(command: list[str]) -> tuple[float, float, float, int]:
    """Run a command; return processor seconds of Ray's workers, of the rest of its family, wall seconds, and its status."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    seconds: dict[tuple[int, float], float] = {}
    workers: set[tuple[int, float]] = set()
    while process.poll() is None:
        for member in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]:
            try:
                times, name, key = member.cpu_times(), member.name(), (member.pid, member.create_time())
            except psutil.Error:
                continue
            seconds[key] = times.user + times.system
            if name.startswith("ray::"):
                workers.add(key)
        time.sleep(EVERY_SECONDS)
    wall = time.monotonic() - started
    trials = sum(spent for key, spent in seconds.items() if key in workers)
    return trials, sum(seconds.values()) - trials, wall, process.returncode


if __name__ == "__main__":
    main()
