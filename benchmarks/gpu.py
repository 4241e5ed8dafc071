"""Everything about a GPU in one run: ``make gpu-check``, or ``python3 -m benchmarks.gpu [--quick] [--only checks]``.

Needs Python and PyTorch, nothing else; images are synthetic. On a card it measures, for the six networks of the study
`paper`, training with and without a graph, evaluation, several trainings at once, and runs the checks; then JSON and a table
with the card's name are written to ``docs/results/``. Without a card the same script runs dry on the CPU: every line that
can be computed is, without speeds worth reading, and the others say that they need CUDA. No row that fails takes others
with it.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu_checks import CheckFailed, checks
from benchmarks.gpu_rows import DRY, FULL, NEEDS_CUDA, PAPER, SHORT, evaluation_row, training_row
from benchmarks.gpu_sharing import processes_row, streams_row
from benchmarks.gpu_table import hours, slug, table
from prune_core.training import prepare_runtime

PARTS = ("training", "evaluation", "checks", "sharing")
PRECISIONS = ("fp32", "tf32", "bf16")
SHARED = ("resnet110", "vgg16")

Job = tuple[str, dict[str, Any], Callable[[], dict[str, Any]]]


def jobs(device: torch.device, *, quick: bool, parts: tuple[str, ...], networks: tuple[str, ...]) -> Iterator[Job]:
    """Yield part, what a row is of, and how it is made; what matters most comes first."""
    cuda = device.type == "cuda"
    size = (SHORT if quick else FULL) if cuda else DRY
    for precision in PRECISIONS:
        if precision == "tf32":  # after fp32, before what only refines it
            yield from _others(device, size, quick, parts, networks)
        for label in networks if "training" in parts else ():
            row = {"network": label, "precision": precision}
            yield "training", row, partial(training_row, label, precision, device, size)


def _others(
    device: torch.device, size: Any, quick: bool, parts: tuple[str, ...], networks: tuple[str, ...]
) -> Iterator[Job]:
    for label in networks if "evaluation" in parts else ():
        yield "evaluation", {"network": label}, partial(evaluation_row, label, device, size)
    for name, check in checks().items() if "checks" in parts else ():
        yield "checks", {"check": name}, partial(_checked, check, device)
    for label in SHARED if "sharing" in parts else ():
        for at_once in (1, 2) if quick else (1, 2, 4):
            row = {"network": label, "at_once": at_once}
            yield "sharing", {**row, "way": "streams"}, partial(streams_row, label, at_once, device, size)
            yield "sharing", {**row, "way": "processes"}, partial(processes_row, label, at_once, device)


def _checked(check: Callable[[], None], device: torch.device) -> dict[str, Any]:
    if device.type != "cuda":
        return {"outcome": NEEDS_CUDA}
    try:
        check()
    except CheckFailed as error:
        return {"outcome": f"FAILED: {error}"}
    return {"outcome": "passed"}


def measured(todo: Iterator[Job], minutes: float, say: Callable[[str], None]) -> dict[str, list[dict[str, Any]]]:
    """Do the jobs until the time is over; a row that raises, or was not reached, says so."""
    deadline = time.monotonic() + 60 * minutes
    rows: dict[str, list[dict[str, Any]]] = {part: [] for part in PARTS}
    for part, row, make in todo:
        started = time.monotonic()
        if started > deadline:
            found: dict[str, Any] = {"error": "not reached: no time left"}
        else:
            try:
                found = make()
            except Exception as error:  # noqa: BLE001  (the other rows of the one run there may be)
                found = {
                    "error": f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200] if str(error) else ''}"
                }
        if part == "checks" and "error" in found:
            found["outcome"] = found["error"]
        rows[part].append({**row, **found})
        say(f"{part:10} {_line({**row, **found})}  [{time.monotonic() - started:.1f} s]")
    return rows


def _line(row: dict[str, Any]) -> str:
    named = {name: value for name, value in row.items() if not isinstance(value, dict)}
    named |= {name: f"{row[name]['median']:.1f}/s" for name in ("eager", "graph") if isinstance(row.get(name), dict)}
    return "  ".join(f"{name}={f'{value:.3g}' if isinstance(value, float) else value}" for name, value in named.items())


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; return 1 where a check failed or replays differed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("auto", "cuda", "cpu"), default="auto")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--networks", nargs="+", choices=tuple(PAPER), default=tuple(PAPER))
    parser.add_argument("--quick", action="store_true", help="shorter rounds, one or two trainings at once")
    parser.add_argument("--minutes", type=float, default=7.0, help="rows that are not begun by then are left out")
    parser.add_argument("--out", type=Path, help="folder of JSON and table; docs/results for a card, nowhere for the CPU")
    given = parser.parse_args(arguments)
    name = ("cuda" if torch.cuda.is_available() else "cpu") if given.device == "auto" else given.device
    device = prepare_runtime(device=name, threads=1)
    device = torch.device("cuda", torch.cuda.current_device()) if device.type == "cuda" else device
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU (dry run, no speeds)"
    print(f"{card}, torch {torch.__version__}", flush=True)
    todo = jobs(device, quick=given.quick, parts=tuple(given.only), networks=tuple(given.networks))
    rows = measured(todo, given.minutes, lambda line: print(line, flush=True))
    found = {precision: hours(rows["training"], rows["evaluation"], precision) for precision in PRECISIONS}
    result = {
        "card": card,
        "about": f"torch {torch.__version__}, CUDA {torch.version.cuda}, Python {platform.python_version()}; "
        f"`python3 -m benchmarks.gpu{' --quick' if given.quick else ''}`, synthetic images, batches of 64 in training.",
        "rows": rows,
        "hours": {precision: value for precision, value in found.items() if value is not None},
    }
    folder = given.out or (Path("docs/results") if device.type == "cuda" else None)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"gpu-{slug(card)}"
        path.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        path.with_suffix(".md").write_text(table(result), encoding="utf-8")
        print(f"written to {path}.json and .md")
    print(table(result))
    bad = [row for row in rows["checks"] if row["outcome"] not in ("passed", NEEDS_CUDA)]
    bad += [row for part in PARTS for row in rows[part] if row.get("equal") is False or "error" in row]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
