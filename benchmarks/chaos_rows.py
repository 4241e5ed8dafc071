"""What chaos has done so far: rows in a CSV, each with the commit that was tormented, and the table of them."""

from __future__ import annotations

import csv
import platform
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import NamedTuple

_FOLDER = re.compile(r"\b(?:pf-slurm|pfray)-[\w-]+(?: on \w+)?(?:, (?:pf-slurm|pfray)-[\w-]+(?: on \w+)?)*")
"""Folders of Ray under the names that they were given at random."""


class Struck(NamedTuple):
    """One fault that met a running sweep of the code of a commit."""

    commit: str
    seed: str
    place: str
    fault: str
    ended: str
    verdict: str


def this_commit() -> str:
    """Return the commit that is checked out here, shortened."""
    root = Path(__file__).parents[1]
    return subprocess.run(["git", "rev-parse", "--short=9", "HEAD"], cwd=root, capture_output=True, text=True).stdout.strip()


def keep(path: Path, rows: list[Struck]) -> None:
    """Append rows to a file, under a line of names."""
    begun = path.exists()
    with path.open("a", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        if not begun:
            writer.writerow(Struck._fields)
        writer.writerows(rows)


def kept(path: Path) -> list[Struck]:
    """Return the rows of a file."""
    with path.open(newline="") as stream:
        return [Struck(**row) for row in csv.DictReader(stream)]


def table(rows: list[Struck]) -> str:
    """Return the faults and results as Markdown."""
    rows = [row._replace(verdict=_FOLDER.sub("a folder of Ray", row.verdict)) for row in rows]
    counts = Counter((row.fault, row.place, row.verdict) for row in rows)
    ends = {key: Counter(row.ended for row in rows if (row.fault, row.place, row.verdict) == key) for key in counts}
    runs = Counter((row.commit, row.seed) for row in rows)
    lines = [
        f"{len(rows)} faults on {platform.system()} {platform.machine()}: "
        + ", ".join(f"{faults} with seed {seed} on commit {commit}" for (commit, seed), faults in runs.items()),
        "",
        "| fault | surroundings | times | the driver | what came of the study |",
        "|---|---|---|---|---|",
    ]
    for (fault, place, verdict), times in sorted(counts.items()):
        ended = ", ".join(f"{end} ({count})" for end, count in ends[fault, place, verdict].most_common())
        lines.append(f"| {fault} | {place} | {times} | {ended} | {verdict} |")
    return "\n".join([*lines, ""])
