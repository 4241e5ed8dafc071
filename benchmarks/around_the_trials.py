"""What a run costs in two checkouts, in pairs: processor seconds of the driver and of all processes, and wall time.

    python -m benchmarks.around_the_trials EARLIER NOW [--study smoke] [--pairs 3]

Each run is the whole command in a new folder, with nothing there before; the two take turns, so that other work on the
machine slows both. Seconds are read from the system every tenth of a second: a process may lose so much at its end.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

EVERY_SECONDS = 0.1


def main() -> None:
    """Run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkouts", nargs=2, type=Path, metavar="CHECKOUT", help="folders of the repository: earlier, now")
    parser.add_argument("--study", default="smoke")
    parser.add_argument("--pairs", type=int, default=3)
    asked = parser.parse_args()
    for _ in range(asked.pairs):
        both = [took(checkout.resolve(), asked.study) for checkout in asked.checkouts]
        for name, (driver, everything, wall) in zip(("earlier", "now"), both, strict=True):
            print(f"{name:8} driver {driver:6.1f} s, all processes {everything:6.1f} s, wall {wall:6.1f} s")
        ratios = (earlier / now for earlier, now in zip(*both, strict=True))
        print("ratio    driver {:6.2f}, all processes {:6.2f}, wall {:6.2f}".format(*ratios), flush=True)


def took(checkout: Path, study: str) -> tuple[float, float, float]:
    """Run a study by the code of a checkout; return seconds: of the driver's processor, of all processes', and wall time."""
    with tempfile.TemporaryDirectory(prefix="around-") as folder:
        command = [sys.executable, "-m", "dashboards", "run", study, "--out", f"{folder}/run"]
        started, seconds = time.monotonic(), dict[tuple[int, float], float]()
        environment = {**os.environ, "PYTHONPATH": str(checkout)}
        process = subprocess.Popen(command, cwd=checkout, env=environment, stdout=subprocess.DEVNULL)
        driver = psutil.Process(process.pid)
        root = driver.pid, driver.create_time()
        while process.poll() is None:
            for member in _family(driver):
                try:
                    times = member.cpu_times()
                    seconds[member.pid, member.create_time()] = times.user + times.system
                except psutil.Error:
                    continue
            time.sleep(EVERY_SECONDS)
        if process.returncode != 0:
            sys.exit(f"the run in {checkout} ended with status {process.returncode}")
        return seconds[root], sum(seconds.values()), time.monotonic() - started


def _family(driver: psutil.Process) -> list[psutil.Process]:
    try:
        return [driver, *driver.children(recursive=True)]
    except psutil.Error:
        return []


if __name__ == "__main__":
    main()
