"""How long the commands take that train nothing: processor seconds and seconds of wall time, median of several starts.

    python -m benchmarks.command_speed [--folder DIR] [--times 5] [--against CHECKOUT] [--only TEXT] [--json]

``DIR`` is the output folder of a finished study; without one ``smoke`` is run for it. It is copied, and read as it is,
without the table (as while a sweep is at work), and without what its last run wrote down of its plan (as folders of version
0.1.0 are). With another checkout every command is started there as well, in turn. Modules are compiled to bytecode
beforehand, as an installation has them. ``plan`` is started after a first time that measured the networks, unless it says
``measuring``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweeps.folder.paths import ANSWERS, PLANNED, RECORDS, RECORDS_CSV

HERE = Path(__file__).parents[1]
CALL = ("-m", "dashboards")


@dataclass(frozen=True)
class Row:
    """One command of one checkout.

    Attributes:
        name: of the command.
        cpu: processor seconds of each start.
        wall: seconds of each start.
    """

    name: str
    cpu: tuple[float, ...]
    wall: tuple[float, ...]

    def plain(self) -> dict[str, float | str]:
        """Return the medians, and the largest of the processor seconds, as JSON data."""
        return {
            "command": self.name,
            "cpu_s": round(statistics.median(self.cpu), 3),
            "cpu_max_s": round(max(self.cpu), 3),
            "wall_s": round(statistics.median(self.wall), 3),
        }


def main() -> None:
    """Start every command, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--against", type=Path, help="another checkout of this project")
    parser.add_argument("--only", default="", help="commands with this in their name")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="commands-") as text:
        work = Path(text)
        every = _commands(_folders(chosen.folder, work), work)
        commands = {name: words for name, words in every.items() if chosen.only in name}
        roots = [HERE, *([chosen.against.resolve()] if chosen.against is not None else [])]
        found = in_turn(commands, roots, work, chosen.times)
    if chosen.json:
        print(json.dumps({str(root.name): [row.plain() for row in rows] for root, rows in found.items()}, indent=1))
        return
    print("| command |" + "".join(f" {root.name}: CPU, s (largest) | wall, s |" for root in found))
    print("|---|" + "---|---|" * len(found))
    for rows in zip(*found.values(), strict=True):
        said = "".join(
            f" {one['cpu_s']:.2f} ({one['cpu_max_s']:.2f}) | {one['wall_s']:.2f} |" for one in map(Row.plain, rows)
        )
        print(f"| {rows[0].name} |{said}")


def in_turn(commands: Mapping[str, Sequence[str]], roots: Sequence[Path], work: Path, times: int) -> dict[Path, list[Row]]:
    """Return a row for each command and checkout; each is started once before, and then the checkouts in turn.

    Args:
        commands: by name, the words after ``python``.
        roots: of the checkouts.
        work: a folder for bytecode and caches.
        times: starts that count.
    """
    rows: dict[Path, list[Row]] = {root: [] for root in roots}
    for name, words in commands.items():
        taken: dict[Path, list[tuple[float, float]]] = {root: [] for root in roots}
        for at in range(times + 1):
            for root in roots:
                found = _start(words, root, work, anew="measuring" in name)
                taken[root] += [found] if at else []
        for root in roots:
            cpu, wall = zip(*taken[root], strict=True)
            rows[root].append(Row(name, cpu, wall))
    return rows


def _start(words: Sequence[str], root: Path, work: Path, *, anew: bool) -> tuple[float, float]:
    """Return the processor seconds and the seconds of one start."""
    cache = work / "cache" / root.name
    if anew:
        shutil.rmtree(cache / "speeds", ignore_errors=True)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    bytecode = str(work / "bytecode" / root.name)
    environment = {**kept, "PYTHONPATH": str(root), "PYTHONPYCACHEPREFIX": bytecode, "PRUNEFRONT_CACHE": str(cache)}
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *words], cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode and process.stderr is not None:
            sys.exit(f"{' '.join(words)}: status {process.returncode}: {process.stderr.read().decode()[-500:]}")
    return used.ru_utime + used.ru_stime, wall


def _folders(given: Path | None, work: Path) -> dict[str, Path]:
    """Return the folder as it is, without its table, and without its written plan."""
    whole = work / "runs" / "finished"
    if given is None:
        subprocess.run([sys.executable, *CALL, "run", "smoke", "--out", str(whole)], check=True, stdout=subprocess.DEVNULL)
    else:
        shutil.copytree(given, whole)
    found = {"finished": whole}
    for name, gone in (("no table", (RECORDS, RECORDS_CSV, ANSWERS)), ("no plan", (PLANNED, ANSWERS))):
        found[name] = work / "runs" / name.replace(" ", "-")
        shutil.copytree(whole, found[name])
        for file in gone:
            (found[name] / file).unlink(missing_ok=True)
    return found


def _commands(folders: Mapping[str, Path], work: Path) -> dict[str, list[str]]:
    whole = folders["finished"]
    trial = min(path.name for path in (whole / "trials").iterdir() if (path / "outcome.json").exists())
    own = {f"status, {name}" if name != "finished" else "status": [*CALL, "status", str(at)] for name, at in folders.items()}
    return {
        "python -c 'import torch'": ["-c", "import torch"],
        "--help": [*CALL, "--help"],
        **own,
        "logs": [*CALL, "logs", str(whole), trial],
        "compare": [*CALL, "compare", str(whole), str(whole)],
        "plan quickstart": [*CALL, "plan", "quickstart", "--out", str(work / "new")],
        "plan paper": [*CALL, "plan", "paper", "--out", str(work / "new")],
        "plan paper, measuring": [*CALL, "plan", "paper", "--out", str(work / "new")],
    }


if __name__ == "__main__":
    main()
