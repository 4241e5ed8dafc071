"""What happened to one trial, read from its folder alone: no Ray, and no torch, so also from another machine."""

from __future__ import annotations

import csv
import difflib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prune_core.base.errors import BadInput, UnknownName
from prune_core.base.files import read_json
from prune_core.base.trial_folder import TRACEBACK, finished_budgets, read_outcome, read_progress
from sweeps.folder.links import refuse_links
from sweeps.folder.paths import HANG, HUNG, LOG, PLANNED, RECORDS_CSV, STUDY, WHERE, trial_folder, trial_folders
from sweeps.front.names import title_of

SILENT_SECONDS = 120.0


def trial_lines(out: Path, wanted: str, lines: int) -> list[str]:
    """Return what a trial's folder says of it: its state, where it ran, its log, and what it left when it failed.

    Args:
        out: the output folder of a study.
        wanted: the trial's name, its key, or the beginning of one, as long as it is the only one.
        lines: how many lines of each file are shown, the last ones.

    Raises:
        BadInput: no study there, or no such trial, or several.
    """
    refuse_links(out)
    if not (out / STUDY).is_file():
        raise BadInput(f"{out}: there is no study here (allowed: the output folder of a run, which holds study.yaml)")
    key, name = _found(out, wanted)
    folder = trial_folder(out, key)
    said = [f"{name or key}: {_state(folder)}", f"  folder     {folder}"]
    where = _plain(folder / WHERE)
    if where:
        gpus = f", GPUs {where['gpus']}" if where.get("gpus") else ""
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(float(where.get("since", 0))))
        said.append(f"  place      host {where.get('host')}, process {where.get('process')}{gpus}, since {since}")
    budgets = finished_budgets(folder)
    if budgets:
        said.append(f"  judged at  {', '.join(map(str, budgets))} epoch{'s' * (budgets != [1])}")
    for file in (LOG, TRACEBACK, HUNG, HANG):
        said += _tail(folder / file, lines)
    if len(said) <= 3 and not (folder / LOG).is_file():
        said.append(f"  {LOG:<10} none: the trial was run by an earlier version, or no worker took it yet")
    return said


def _found(out: Path, wanted: str) -> tuple[str, str]:
    """Return the key and the name of the trial that is meant."""
    names = dict(_names(out))
    exact = [(key, name) for key, name in names.items() if wanted in (key, name)]
    found = exact or [(key, name) for key, name in names.items() if key.startswith(wanted) or name.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if not found:
        known = [name or key for key, name in names.items()]
        raise UnknownName("trial", wanted, difflib.get_close_matches(wanted, known, 5, 0.0))
    some = ", ".join(sorted(name or key for key, name in found)[:5])
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    raise BadInput(f"trial {wanted!r}: {len(found)} trials begin so ({some}{more}); give more of the name, or the key")


def _names(out: Path) -> Iterator[tuple[str, str]]:
    """Yield key and name of every trial that has a folder; the name is empty where nobody wrote it down."""
    known = _written_names(out)
    for folder in trial_folders(out):
        where = _plain(folder / WHERE)
        yield folder.name, str(where.get("name") or known.get(folder.name, ""))


def _written_names(out: Path) -> dict[str, str]:
    """Return the names of the trials that the last run planned, by key; of an older version's run, as its table has them."""
    names = _plain(out / PLANNED).get("names")
    return {str(key): str(name) for key, name in names.items()} if isinstance(names, dict) else _names_in_table(out)


def _names_in_table(out: Path) -> dict[str, str]:
    try:
        with (out / RECORDS_CSV).open(encoding="utf-8", newline="") as file:
            return {row["key"]: _name(row) for row in csv.DictReader(file)}
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return {}


def _name(row: Mapping[str, str]) -> str:
    budget = int(row["budget"])
    title = title_of({**row, "ratio": float(row["ratio"]), "budget": budget})
    return f"{title.removesuffix(f'-b{budget}')}-s{row['seed']}"


def _state(folder: Path) -> str:
    outcome, progress = read_outcome(folder), read_progress(folder)
    if outcome is not None:
        cause = outcome.get("cause")
        return f"{outcome['status']}: {cause}" if cause else str(outcome["status"])
    if progress is None:
        return "begun, and has given no sign of life yet"
    silent = time.time() - float(progress.get("heartbeat", 0))
    at = f"{progress.get('phase')} {progress.get('epoch')}/{progress.get('of')}"
    if silent < SILENT_SECONDS:
        return f"running, {at} on {progress.get('host')}, process {progress.get('process')}"
    return f"not ended, silent for {silent / 60:.0f} min after {at} on {progress.get('host')}"


def _tail(path: Path, lines: int) -> list[str]:
    if path.is_symlink() or not path.is_file() or not path.stat().st_size:
        return []
    text = path.read_text(encoding="utf-8", errors="replace").splitlines()
    left = len(text) - lines
    return [f"--- {path.name}" + (f" (the last {lines} of {len(text)} lines)" if left > 0 else ""), *text[-lines:]]


def _plain(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
