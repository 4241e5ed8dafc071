"""Kill a sweep at random moments, in random ways, run it again, and compare what it leaves with an undisturbed run.

    python -m benchmarks.chaos --faults 20 --seed 0 [--rows FILE]

Each study runs in one of the surroundings of `PLACES` and meets several faults of
`benchmarks.chaos_faults`; whenever the driver has ended, the same command runs again, until it says that it is done. A fault
whose moment comes after that does not count: it is drawn again, in another study. Then `benchmarks.chaos_compare` looks for
anything that differs. The seed gives the surroundings, the faults and their moments in seconds; what these moments meet
depends on the machine.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.chaos_cluster import Cluster
from benchmarks.chaos_compare import differences
from benchmarks.chaos_faults import FAULTS
from benchmarks.chaos_hosts import SeveralHosts
from benchmarks.chaos_places import SmallDisk, Surroundings, WithServer
from benchmarks.chaos_rows import Struck, keep, kept, table, this_commit
from benchmarks.chaos_slurm import OnSlurm
from benchmarks.chaos_sweep import Sweep

PLACES: dict[str, type[Surroundings]] = {
    "alone": Surroundings,
    "small disk": SmallDisk,
    "server": WithServer,
    "cluster": Cluster,
    "hosts": SeveralHosts,
    "slurm": OnSlurm,
}
PATIENCE_SECONDS = 180
"""How long a victim is waited for: on Slurm it takes minutes until a worker is there."""
TRIES = 6
"""How often a study that meets no more faults may be run until it is done; more than two is a finding."""


def main() -> None:
    """Read the command line, torment, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faults", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--study", default="smoke")
    parser.add_argument("--per-study", type=int, default=5, help="faults until a study is let to its end and compared")
    unasked = [name for name in sorted(PLACES) if name not in ("hosts", "slurm")]  # these need root, the last Slurm too
    parser.add_argument("--places", nargs="+", choices=sorted(PLACES), default=unasked)
    parser.add_argument("--only", nargs="+", choices=sorted(FAULTS), default=sorted(FAULTS), help="draw from these faults")
    parser.add_argument("--undisturbed", type=Path, help="the output folder of an undisturbed run that is there already")
    parser.add_argument("--seconds", type=float, help="faults come 0 to so many seconds apart; default: an undisturbed run")
    parser.add_argument("--keep", type=Path, help="move the folders of studies that came out wrong here")
    parser.add_argument("--rows", type=Path, help="append to this CSV; the table is of all that it holds")
    chosen = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts us in the background lets it be ignored
    root = Path(tempfile.mkdtemp(prefix="chaos-"))
    try:
        rows = torment(chosen, root) if chosen.faults else []
    finally:
        shutil.rmtree(root, ignore_errors=True)
    print(table(kept(chosen.rows) if chosen.rows else rows))
    sys.exit(any(row.verdict != "equal" for row in rows))


def torment(chosen: argparse.Namespace, root: Path) -> list[Struck]:
    """Run studies until enough faults have struck; return them."""
    draw = random.Random(chosen.seed)
    undisturbed, usual = chosen.undisturbed, chosen.seconds
    if undisturbed is None:
        undisturbed, took = calm_run(chosen.study, root)
        usual = usual or took
    rows: list[Struck] = []
    commit = this_commit()
    number = 0
    while len(rows) < chosen.faults:
        name = draw.choice(chosen.places)
        folder = root / f"study-{number}"
        most = min(chosen.per_study, chosen.faults - len(rows))
        struck, verdict = one_study(chosen, name, folder, undisturbed, draw, usual or 30.0, most)
        new = [Struck(commit, str(chosen.seed), name, fault, ended, verdict) for fault, ended in struck]
        rows += new
        if chosen.rows:
            keep(chosen.rows, new)
        said = ", ".join(f"{fault} ({ended})" for fault, ended in struck) or "done before its first fault"
        print(f"{time.strftime('%H:%M:%S')} {len(rows)} of {chosen.faults}: {name} {number}: {said}: {verdict}", flush=True)
        if verdict != "equal" and chosen.keep:
            chosen.keep.mkdir(parents=True, exist_ok=True)
            shutil.move(folder, chosen.keep / f"seed-{chosen.seed}-study-{number}")
        shutil.rmtree(folder, ignore_errors=True)
        number += 1
    return rows


def calm_run(study: str, root: Path) -> tuple[Path, float]:
    """Run the study once without a fault; return its folder and how long it took."""
    place = PLACES["alone"](root / "calm")
    begun = time.monotonic()
    with Sweep(study, place) as sweep:
        sweep.start()
        sweep.wait(1200)
        if sweep.status != 0:
            raise RuntimeError(sweep.log.read_text())
        return sweep.out, time.monotonic() - begun


def one_study(
    chosen: argparse.Namespace, name: str, folder: Path, undisturbed: Path, draw: random.Random, usual: float, most: int
) -> tuple[list[tuple[str, str]], str]:
    """Run one study to its end among up to ``most`` faults; return (fault, what the driver did) of each, and the verdict."""
    place: Surroundings = PLACES[name](folder)
    with place, Sweep(chosen.study, place) as sweep:
        struck: list[tuple[str, str]] = []
        sweep.start()
        while len(struck) < most:
            sweep.wait(draw.uniform(0.0, usual))
            if struck and struck[-1][1] == "":
                struck[-1] = (struck[-1][0], sweep.said())
            if sweep.status == 0:
                break
            if sweep.status is not None:  # the last fault ended the driver, late
                sweep.start()
                continue
            fault = strike(sweep, [each for each in place.faults if each in chosen.only], draw)
            if fault != "none":
                struck.append((fault, "" if sweep.status is None else sweep.said()))
            if sweep.status == 0:
                break
            if sweep.status is not None:
                sweep.start()
        verdict = to_the_end(sweep)
        if struck and struck[-1][1] == "":
            struck[-1] = (struck[-1][0], sweep.first_end or "went on")
        verdict = verdict or "; ".join(differences(sweep, undisturbed))
    return struck, verdict or "equal"


def strike(sweep: Sweep, faults: list[str], draw: random.Random) -> str:
    """Do harm: the first fault, in random order, that finds a victim; when none does for long, the driver is one."""
    draw.shuffle(faults)
    for _ in range(PATIENCE_SECONDS):
        struck = next((fault for fault in faults if FAULTS[fault](sweep, draw)), None)
        if struck is not None or sweep.status is not None:
            return struck or "none"
        sweep.wait(1.0)
    FAULTS["driver"](sweep, draw)
    return "driver"


def to_the_end(sweep: Sweep) -> str:
    """Let the study end, with everything mended; return what is wrong with how it ended, or an empty line."""
    sweep.first_end = None
    for run in range(TRIES):
        if run or sweep.status is not None:
            sweep.start()
        sweep.wait(900)
        if sweep.status is None:
            sweep.kill_family()
            return "did not end by itself within 15 minutes"
        sweep.first_end = sweep.first_end or sweep.said()
        waits = "for the next start" in sweep.said_last()
        sweep.mend_all()
        if sweep.status == 0 and not waits:
            return "" if run < 3 else f"needed {run + 1} runs to its end"
    return f"still exit {sweep.status} after {TRIES} runs: {sweep.said_last().strip().splitlines()[-1:]}"


if __name__ == "__main__":
    main()
