"""Who an output folder is in shared books: MLflow servers and Optuna databases hold studies of many people."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

from prune_core.base.errors import BadInput
from prune_core.base.files import read_json, write_json
from sweeps.folder.paths import IDENTITY, MLFLOW_DATABASE, OPTUNA_DATABASE
from sweeps.folder.sqlite import read_texts

_FIELD = "study_uid"
UID_TAG = "prunefront.study_uid"
"""The tag of its runs in MLflow, and the attribute of its study in Optuna."""
_BOOKS = (
    (OPTUNA_DATABASE, "select value_json from study_user_attributes where key = ?"),
    (MLFLOW_DATABASE, "select distinct value from tags where key = ?"),
)


def study_uid(out: Path) -> str:
    """Return the study's identity, drawn once and kept in ``tracking.json``, so that it outlives renaming and moving.

    Where that file is lost or damaged, the folder's own books say it.

    Raises:
        BadInput: the file is damaged, and the books are elsewhere.
    """
    path = out / IDENTITY
    known = _read(path)
    if known is None:
        known = _in_books(out)
        if known is None and path.exists():
            raise BadInput(
                f"{path}: damaged, so it is not known which runs in MLflow and Optuna are this study's (allowed: restore it "
                "from a backup, or remove it: then the study gets runs of its own there)"
            )
        known = known or uuid.uuid4().hex
        write_json(path, {_FIELD: known})
    return known


def _read(path: Path) -> str | None:
    try:
        found = read_json(path)[_FIELD]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) and found else None


def _in_books(out: Path) -> str | None:
    """Return the one identity that the databases in the folder name."""
    found = {_plain(text) for name, query in _BOOKS for text in read_texts(out / name, query, UID_TAG)}
    return found.pop() if len(found) == 1 else None


def _plain(text: str) -> str:
    """Optuna keeps texts as JSON."""
    return str(json.loads(text)) if text.startswith('"') else text
