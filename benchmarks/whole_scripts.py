"""A whole study by ``prunefront run``, against a careful and an afternoon's script that do the same work: time per record.

    python -m benchmarks.whole_scripts [--pairs 2] [--json] [--small]

The three (`benchmarks.whole_study`, `whole_careful`, `whole_afternoon`) run one after the other, each with two processes, in
a new folder, and with no cache from before; ours once more at the end. A ratio is that of a script to the mean of our runs
before and after it, so that other work on the machine slows both. Ours is the whole command, with the starts of Python and
Ray, MLflow, Optuna and the report; the scripts end with a table. ``work`` leaves out what comes before the first job and
after the last. Then the careful script judges every network of ours: the command ends with status 1 where the accuracy or
the mPC of one is another than in our record.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import statistics
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.planned_cost import measured
from benchmarks.whole_careful import Judge, keep_corrupted
from benchmarks.whole_study import ARMS, SEEDS, Data, shrunk, study
from prunefront import open_study

RECORDS = 2 * len(ARMS) * len(SEEDS)
WAYS = ("ours", "careful", "afternoon")
SHOWN, BOTH = ("accuracy", "mpc"), ("wall", "processor")
SAID_BY_PROFILE = re.compile(r"^trials run\s+([\d.]+)", re.MULTILINE)


@dataclass(frozen=True)
class Took:
    """What one run took, in seconds; ``work`` without what comes before the first job and after the last."""

    wall: float
    processor: float
    work: float | None
    means: dict[str, float]


def command(way: str, file: Path, folder: Path) -> str:
    """Return what a shell runs."""
    python = shlex.quote(sys.executable)
    if way == "ours":
        return f"exec {python} -m dashboards run {file} --out {folder}/run --profile > {folder}/said"
    if way == "careful":
        return f"exec {python} -m benchmarks.whole_careful {file} {folder}"
    each = [f"{python} -m benchmarks.whole_afternoon {file} {folder} {seed}" for seed in SEEDS]
    return f"{each[0]} & first=$!; {each[1]} && wait $first"


def once(way: str, file: Path, folder: Path) -> Took:
    """Run one way in a new folder."""
    folder.mkdir()
    fresh = ["env", f"PRUNEFRONT_CACHE={folder / 'cache'}", "OMP_NUM_THREADS=1"]
    workers, others, wall, status = measured([*fresh, "sh", "-c", command(way, file, folder)])
    if status != 0:
        raise SystemExit(f"{way} ended with status {status}")
    if way == "ours":
        found = SAID_BY_PROFILE.search((folder / "said").read_text())
        work = float(found[1]) if found else None
        table = open_study(folder / "run").records.query("method != 'control' or budget > 0")  # before: the unpruned one
        rows = table.to_dict("records")
    else:
        seconds = folder / "seconds.json"
        work = json.loads(seconds.read_text()) if seconds.exists() else None
        rows = [row for each in sorted(folder.glob("results*.json")) for row in json.loads(each.read_text())]
    if len(rows) != RECORDS:
        raise SystemExit(f"{way} made {len(rows)} records, not {RECORDS}")
    return Took(wall, workers + others, work, {name: statistics.mean(row[name] for row in rows) for name in SHOWN})


def differing(run: Path, data: Data, folder: Path) -> tuple[int, int]:
    """Return how many networks of ours the careful script judges otherwise than our record does, and of how many."""
    keep_corrupted(data, folder)
    judge, found, wrong = Judge(data, folder), open_study(run), 0
    named = found.records.merge(found.candidates[["name", "method", "ratio", "budget"]])
    for record in named.to_dict("records"):
        judged = judge(found.network(record["name"], int(record["seed"])))
        wrong += any(abs(judged[name] - record[name]) > 1e-7 for each in SHOWN for name in (each, f"val_{each}"))
    return wrong, len(named)


def ratios(took: list[tuple[str, Took]], way: str, what: str) -> list[float]:
    """Return a script's seconds over the mean of ours before and after it, for each of its runs."""
    ours = [at for at, (name, _) in enumerate(took) if name == "ours"]
    found = []
    for at, (name, one) in enumerate(took):
        if name == way:
            around = [took[max(i for i in ours if i < at)][1], took[min(i for i in ours if i > at)][1]]
            theirs, mine = getattr(one, what), [getattr(each, what) for each in around]
            if theirs is not None and None not in mine:
                found.append(theirs / statistics.mean(mine))
    return found


def main() -> None:
    """Run all, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=2, help="runs of each script")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    parser.add_argument("--small", action="store_true", help="hardly any images, to see whether it runs; no speeds")
    asked = parser.parse_args()
    plain = shrunk() if asked.small else study()
    with tempfile.TemporaryDirectory(prefix="whole-") as temporary:
        folder = Path(temporary)
        file = folder / "study.yaml"
        file.write_text(json.dumps(plain))
        took: list[tuple[str, Took]] = []
        for at, way in enumerate([*WAYS * asked.pairs, "ours"]):
            took.append((way, once(way, file, folder / str(at))))
            if not asked.json:
                one = took[-1][1]
                work = "" if one.work is None else f", {one.work:.1f} s at work"
                print(f"{way:9}  {one.wall:6.1f} s, {one.processor:6.1f} s of processor{work}", flush=True)
        wrong, networks = differing(folder / "0" / "run", Data(plain), folder)
    told = {
        "records": RECORDS,
        "runs": [{"way": way} | asdict(one) for way, one in took],
        "ratios": {way: {what: ratios(took, way, what) for what in (*BOTH, "work")} for way in WAYS[1:]},
        "networks": networks,
        "judged_otherwise": wrong,
    }
    print(json.dumps(told) if asked.json else text(took, wrong, networks))
    sys.exit(wrong > 0)


def text(took: list[tuple[str, Took]], wrong: int, networks: int) -> str:
    """Return what is said in the end."""
    lines = [f"seconds per record ({RECORDS} each), and the scripts' over ours, with their range:"]
    for way in WAYS:
        mine = [one for name, one in took if name == way]
        each = [f"{what} {statistics.mean(getattr(one, what) for one in mine) / RECORDS:.2f}" for what in BOTH]
        for what in (*BOTH, "work") if way != "ours" else ():
            if found := ratios(took, way, what):
                each.append(f"{what} x {statistics.mean(found):.2f} ({min(found):.2f} to {max(found):.2f})")
        means = (f"{name} {statistics.mean(one.means[name] for one in mine):.4f}" for name in SHOWN)
        lines.append(f"  {way:9}  {', '.join(each)}; mean {', '.join(means)}")
    lines.append(f"networks of ours that the careful script judges otherwise: {wrong} of {networks}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
