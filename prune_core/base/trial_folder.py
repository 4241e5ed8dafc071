"""The files of a trial's folder: one truth about their names and meaning, for who writes and who reads. Imports no torch.

A budget counts when its ``record.json`` is there (written last); a trial has ended when ``outcome.json`` is there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from prune_core.base.files import read_json

DESCRIPTION = "description.json"
OUTCOME = "outcome.json"
VERIFICATION = "verification.json"
PROGRESS = "progress.json"
TRACEBACK = "traceback.txt"
STATE = "state.pt"
"""The checkpoint furthest on: weights, optimiser, place. Kept at the longest budget, for a longer one to go on from."""
CURVE = "curve.csv"
"""How the training went, a row per epoch (`prune_core.training.curve`), written after each."""
WALK = "walk.pt"
"""The checkpoint of a second walk from 0, for a budget that was added below the longest."""

RECORD = "record.json"
REPORT_CELLS = "report_cells"
"""The key of a record that is False where the test images under corruption were left out at its budget."""
ECE_BINS = "ece_bins"
"""The key of a record that says how many bins its ECEs have."""
NORMALISATION = "normalisation"
"""The key of a record that says how its images were normalised, and who said so; records of version 0.1.0 lack it."""
TRAINING_PATH = "training_path"
"""The key of a record that says how a GPU ran the steps of the training, and why; there is none on a CPU."""
OUTPUTS, PROBABILITIES = "outputs", "probabilities"
"""A record says ``outputs: probabilities`` where a network gives a softmax that was then read as logits."""
WEIGHTS = "weights.safetensors"
SELECTION = "selection.npz"
REPORT = "report.npz"
TRAIN = "train.npz"
LOGITS = (SELECTION, REPORT, TRAIN)
CORRUPTIONS = "corruptions.csv"
"""Accuracy and ECE by corruption and severity, where corrupted images were judged; stays when logits are thinned."""
RESAMPLED = "resampled.npy"
"""What resampling the base images does to the metrics (`prune_core.evaluation.resampled`): stays when logits are thinned."""

_BUDGET = "budget-"
_seen: dict[str, tuple[tuple[int, int, int], bool | None]] = {}
"""Path of a record -> (time, size and inode of what was read, what `_cells_there` said of it); every write is a rename."""
_outcomes: dict[str, tuple[tuple[int, int, int], dict[str, Any] | None]] = {}
"""Path of an outcome -> (time, size and inode of what was read, the outcome, None where it says none)."""

COMPLETE, STOPPED, FAILED, DIVERGED, INTERRUPTED = "complete", "stopped", "failed", "diverged", "interrupted"
STATUSES = (COMPLETE, STOPPED, FAILED, DIVERGED)
"""What ``outcome.json`` may say. An interrupted trial has none: it goes on next time."""


def budget_folder(folder: Path, budget: int) -> Path:
    """Return where the files of one budget (whole epochs) are."""
    return folder / f"{_BUDGET}{budget:04d}"


def made_anew(budget: Path) -> str:
    """Return what to do about a damaged file in the folder of a budget, for messages."""
    return f"remove the folder {budget} and run the study again: it is made anew"


def read_record(folder: Path, budget: int) -> dict[str, Any] | None:
    """Return the record of one budget, or None if it is not (wholly) there."""
    return _read(budget_folder(folder, budget) / RECORD) or None


def has_cells(record: Mapping[str, Any]) -> bool:
    """Return whether a record was made with the test images under corruption, as far as there are any."""
    return bool(record.get(REPORT_CELLS, True))


def read_outcome(folder: Path) -> dict[str, Any] | None:
    """Return how the trial ended, or None if it has not, or what is there does not say."""
    path = os.path.join(folder, OUTCOME)  # noqa: PTH118  (as text: this is called for every trial again and again)
    stamp = _stamp(path)
    if stamp is None:
        return None
    before = _outcomes.get(path)
    if before is None or before[0] != stamp:
        outcome = _read(Path(path))
        before = _outcomes[path] = stamp, outcome if outcome is not None and outcome.get("status") in STATUSES else None
    return None if before[1] is None else dict(before[1])


def read_progress(folder: Path) -> dict[str, Any] | None:
    """Return the last sign of life: {phase, epoch, of, step, heartbeat, host, process}, or None."""
    return _read(folder / PROGRESS)


def finished_budgets(folder: Path, *, cells_at: Collection[int] = ()) -> list[int]:
    """Return the budgets whose record is there, in rising order.

    Args:
        folder: the trial's.
        cells_at: budgets that count only when the test images under corruption were judged as well.
    """
    try:
        names = os.listdir(folder)  # noqa: PTH208  (as text: this is called for every trial again and again)
    except OSError:
        return []
    found = []
    for name in names:
        digits = name.removeprefix(_BUDGET)
        if digits != name and digits.isdecimal():
            cells = _cells_there(os.path.join(folder, name, RECORD))  # noqa: PTH118
            if cells is not None and (cells or int(digits) not in cells_at):
                found.append(int(digits))
    return sorted(found)


def _cells_there(path: str) -> bool | None:
    """Return `has_cells` of a record, None where it is not whole; the file as it is now is read once by this process."""
    stamp = _stamp(path)
    if stamp is None:
        return None
    before = _seen.get(path)
    if before is None or before[0] != stamp:
        record = _read(Path(path))
        before = _seen[path] = stamp, has_cells(record) if record else None
    return before[1]


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        about = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino


def _read(path: Path) -> dict[str, Any] | None:
    try:
        value = read_json(path)
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    return value if isinstance(value, dict) else None
