"""The progress of a sweep, kept line by line in its folder: what MLflow could not take is handed over at the next start."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from prune_core.base.files import parse_json
from sweeps.folder.paths import JOURNAL
from sweeps.tracking.parent import ProgressRow


def append_to_journal(out: Path, row: ProgressRow) -> None:
    """Add one moment to the journal."""
    with (out / JOURNAL).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(asdict(row), sort_keys=True, allow_nan=False) + "\n")


def read_journal(out: Path) -> list[ProgressRow]:
    """Return every whole line of the journal; the last one may be cut short where the driver was killed."""
    path = out / JOURNAL
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []:
        try:
            found.append(ProgressRow(**parse_json(line)))
        except (ValueError, TypeError):
            continue
    return found
