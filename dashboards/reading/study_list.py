"""The studies of a folder of output folders, as a list for a terminal."""

from __future__ import annotations

from pathlib import Path

from dashboards.reading.study_file import read_plain_study
from prune_core.base.errors import BadInput
from prune_core.base.plain_text import aligned
from prune_core.base.trial_folder import OUTCOME
from sweeps.folder.lock import holder_of
from sweeps.folder.paths import STUDY, report_page, trials_folder


def study_list(folder: Path) -> list[str]:
    """Return the studies whose output folders lie in a folder, a line each: trials that ended, what it does, its title.

    Raises:
        BadInput: there is none.
    """
    found = sorted(path.parent for path in folder.glob(f"*/{STUDY}"))
    if not found:
        raise BadInput(f"{folder}: no study lies here (allowed: `prunefront dashboard DIR`, DIR the output folder of a run)")
    rows = [("folder", "trials ended", "state", "title"), *map(_row, found)]
    lines = aligned([row[:2] for row in rows])
    width = max(len(row[2]) for row in rows)
    return [f"{line}  {row[2]:<{width}}  {row[3]}" for line, row in zip(lines, rows, strict=True)]


def _row(out: Path) -> tuple[str, str, str, str]:
    try:
        plain = read_plain_study(out / STUDY)
        title = str(plain.get("title") or plain.get("name") or "")
    except BadInput as error:
        return str(out), "-", "unreadable", str(error)[:60]
    ended = sum(1 for _ in trials_folder(out).glob(f"*/{OUTCOME}"))
    state = "at work" if holder_of(out) is not None else "report" if report_page(out).is_file() else "stopped"
    return str(out), str(ended), state, title
