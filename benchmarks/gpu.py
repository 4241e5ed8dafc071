"""Everything about a GPU in one run: ``make gpu-check``, or ``python3 -m benchmarks.gpu [--quick] [--only checks]``.

Needs Python and PyTorch with NumPy, nothing else; images are synthetic. On a card it measures, for the six networks of the
study `paper`, training with and without a graph, evaluation, several trainings at once, and runs the checks; JSON and a
table with the card's name are written to ``docs/results/`` after every row. Without a card the same script runs dry on the
CPU: every line that can be computed is, without speeds worth reading, and the others say that they need CUDA. Rows are made
in a process of their own: one that fails, hangs or crashes takes no other with it.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu_jobs import PARTS, PRECISIONS, add_arguments, as_arguments, chosen
from benchmarks.gpu_process import supervised
from benchmarks.gpu_rows import NEEDS_CUDA
from benchmarks.gpu_table import hours, line, slug, table

OPTIONAL = ("ray", "optuna", "mlflow", "pandas", "pyarrow", "PIL", "safetensors", "yaml", "scipy", "sklearn")
"""What the product needs somewhere, and this run nowhere."""


class Results:
    """What is known so far; written after every row, so that whoever ends the run loses nothing."""

    def __init__(self, command: str, out: Path | None) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {part: [] for part in PARTS}
        self.card, self.about = "unknown device", command
        self._command, self._out = command, out

    def device(self, said: dict[str, Any]) -> None:
        """Take note of what a worker says of the device."""
        if self.card == "unknown device":
            print(f"{said['card']}, {said['about']}", flush=True)
        self.card = said["card"]
        self.about = f"{said['about']}; `{self._command}`, synthetic images, batches of 64 in training."

    @property
    def path(self) -> Path | None:
        """Where they are written, without the ending: where the user says, else ``docs/results`` for a card."""
        out = self._out or (None if self.card.startswith(("CPU", "unknown")) else Path("docs/results"))
        return None if out is None else out / f"gpu-{slug(self.card)}"

    def plain(self) -> dict[str, Any]:
        """Return everything as plain data."""
        found = {precision: hours(self.rows["training"], self.rows["evaluation"], precision) for precision in PRECISIONS}
        known = {precision: value for precision, value in found.items() if value is not None}
        return {"card": self.card, "about": self.about, "rows": self.rows, "hours": known}

    def add(self, part: str, row: dict[str, Any]) -> None:
        """Take in a row, say it, and write everything."""
        self.rows[part].append(row)
        print(f"{part:10} {line(row)}", flush=True)
        path, result = self.path, self.plain()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path.with_suffix(".json"), json.dumps(result, indent=1) + "\n")
            _write(path.with_suffix(".md"), table(result))


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; return 1 where a check failed, replays differed, or a row is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.add_argument("--minutes", type=float, default=7.5, help="what is not there by then is cut, and named")
    parser.add_argument("--out", type=Path, help="folder of JSON and table; docs/results for a card, nowhere for the CPU")
    given = parser.parse_args(arguments)
    started = time.monotonic()
    results = Results(f"python3 -m benchmarks.gpu{' --quick' if given.quick else ''}", given.out)
    absent = [name for name in OPTIONAL if find_spec(name) is None]
    print(f"not installed, and not needed here: {', '.join(absent) or 'nothing'}", flush=True)
    todo = chosen(given, torch.device("cpu"))

    def command(first: int) -> list[str]:
        return [sys.executable, "-m", "benchmarks.gpu_worker", *as_arguments(given), "--first", str(first)]

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for job, row in supervised(todo, command, started + 60 * given.minutes, results.device):
            results.add(job.part, row)
    except KeyboardInterrupt:
        print("interrupted: what is there follows", flush=True)
    print(table(results.plain()))
    if results.path is not None:
        print(f"written to {results.path}.json and .md")
    print(f"{sum(map(len, results.rows.values()))} of {len(todo)} rows in {time.monotonic() - started:.0f} s")
    return 1 if _bad(results.rows) or sum(map(len, results.rows.values())) < len(todo) else 0


def _bad(rows: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    every: Iterable[dict[str, Any]] = [row for part in PARTS for row in rows[part]]
    return [
        row
        for row in every
        if row.get("equal") is False or "error" in row or row.get("outcome", "passed") not in ("passed", NEEDS_CUDA)
    ]


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


if __name__ == "__main__":
    sys.exit(main())
