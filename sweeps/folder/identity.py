"""Who an output folder is in shared books: MLflow servers and Optuna databases hold studies of many people."""

from __future__ import annotations

import uuid
from pathlib import Path

from prune_core.base.files import read_json, write_json
from sweeps.folder.paths import IDENTITY


def study_uid(out: Path) -> str:
    """Return the study's identity, drawn once and kept in ``tracking.json``, so that it outlives renaming and moving."""
    path = out / IDENTITY
    if not path.is_file():
        write_json(path, {"study_uid": uuid.uuid4().hex})
    return str(read_json(path)["study_uid"])
