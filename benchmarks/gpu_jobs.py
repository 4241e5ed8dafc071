"""Every row of `benchmarks.gpu` in its order, with the time that it may take: what matters most comes first."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from benchmarks.gpu_busy import busy_row
from benchmarks.gpu_checks import checks
from benchmarks.gpu_options import fused_row, together_row
from benchmarks.gpu_rows import DRY, FULL, NEEDS_CUDA, PAPER, SHORT, Size, evaluation_row, layout_row, training_row
from benchmarks.gpu_sharing import processes_row, streams_row
from benchmarks.gpu_trainings import CheckFailed

PARTS = ("checks", "training", "layout", "evaluation", "busy", "sharing", "options")
PRECISIONS = ("fp32", "tf32", "bf16")
SHARED = ("resnet110", "vgg16")
MAIN, PROFILED, COMPILED = "main", "profiled", "compiled"
"""Rows of one group share a process: the profiler slows what comes after it, and the compiler wants the old switches."""
OF_ITS_OWN = ("network ", "method ", "killed")
"""How the names of checks begin that take a CPU as well, or a process, and come after the measurements."""


@dataclass(frozen=True)
class Job:
    """One row.

    Attributes:
        part: of `PARTS`.
        row: what it is of.
        make: measures it.
        limit: seconds, after which it is cut.
        group: of the process that makes it.
    """

    part: str
    row: dict[str, Any]
    make: Callable[[], dict[str, Any]]
    limit: float
    group: str = MAIN


def jobs(device: torch.device, *, quick: bool, parts: tuple[str, ...], networks: tuple[str, ...]) -> list[Job]:
    """Return the rows of a run; how many there are, and in which order, is the same on every device."""
    size = (SHORT if quick else FULL) if device.type == "cuda" else DRY
    return [job for job in _all(device, size, quick, networks) if job.part in parts]


def _all(device: torch.device, size: Size, quick: bool, networks: tuple[str, ...]) -> Iterator[Job]:
    yield from _checks(device, of_its_own=False)
    for precision in PRECISIONS:
        if precision == "tf32":
            for label in networks:
                yield Job("evaluation", {"network": label}, partial(evaluation_row, label, device, size), 40)
        for label in networks:
            row = {"network": label, "precision": precision}
            yield Job("training", row, partial(training_row, label, precision, device, size), 45)
        for label in SHARED:
            row = {"network": label, "precision": precision}
            yield Job("layout", row, partial(layout_row, label, precision, device, size), 30)
    yield from _checks(device, of_its_own=True)
    for label in SHARED:
        for at_once in (2,) if quick else (2, 4):
            shared = {"network": label, "at_once": at_once}
            yield Job("sharing", {**shared, "way": "streams"}, partial(streams_row, label, at_once, device, size), 40)
            yield Job("sharing", {**shared, "way": "processes"}, partial(processes_row, label, at_once, device), 60)
    for label in networks:
        row = {"network": label, "precision": "fp32"}
        yield Job("busy", row, partial(busy_row, label, device, size), 40, PROFILED)
    yield Job("options", {"option": "seeds together (torch.func)"}, partial(together_row, device, size), 60)
    yield Job("options", {"option": "fusion by Inductor"}, partial(fused_row, device, size), 90, COMPILED)


def _checks(device: torch.device, *, of_its_own: bool) -> Iterator[Job]:
    for name, check in checks().items():
        if name.startswith(OF_ITS_OWN) is of_its_own:
            yield Job("checks", {"check": name}, partial(_checked, check, device), 120 if name.startswith("killed") else 30)


def _checked(check: Callable[[], None], device: torch.device) -> dict[str, Any]:
    if device.type != "cuda":
        return {"outcome": NEEDS_CUDA}
    try:
        check()
    except CheckFailed as error:
        return {"outcome": f"FAILED: {error}"}
    return {"outcome": "passed"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what chooses the rows; parent and worker take the same."""
    parser.add_argument("--device", choices=("auto", "cuda", "cpu"), default="auto")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--networks", nargs="+", choices=tuple(PAPER), default=list(PAPER))
    parser.add_argument("--quick", action="store_true", help="shorter rounds, at most two trainings at once")


def chosen(given: argparse.Namespace, device: torch.device) -> list[Job]:
    """Return the rows that the arguments ask for."""
    return jobs(device, quick=given.quick, parts=tuple(given.only), networks=tuple(given.networks))


def as_arguments(given: argparse.Namespace) -> list[str]:
    """Return what `add_arguments` reads back."""
    quick = ["--quick"] if given.quick else []
    return ["--device", given.device, "--only", *given.only, "--networks", *given.networks, *quick]
