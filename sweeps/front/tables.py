"""The tables of an output folder: records and front, of all that the study asked for."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from prune_core.base.files import read_json, write_json
from prune_core.metrics import Direction
from prune_core.metrics.quantities import quantities_known
from sweeps.folder.paths import COLUMNS, FRONT, RECORDS, STUDY, TABLES
from sweeps.front.front import write_front
from sweeps.records.collect import write_records
from sweeps.records.columns import cost_columns
from sweeps.study.values import Limit

if TYPE_CHECKING:
    import pandas as pd

_CHANGED_CODE = re.compile(rb"^  commit: .*\+$", re.MULTILINE)


def shown_in_front() -> list[str]:
    """Return what the front shows beside the objectives: the metrics of the report's table, and every cost."""
    metrics = [one.name for one in quantities_known() if one.table and not one.is_cost]
    return [*metrics, *cost_columns()]


def write_tables(
    out: Path,
    records: pd.DataFrame,
    objectives: Mapping[str, Direction],
    *,
    select_on: str,
    seeds: Sequence[int],
    limits: Sequence[Limit] = (),
) -> None:
    """Write ``records.parquet``, ``records.csv`` and ``front.csv``; the arguments are those of `write_front`.

    A front that was made of the same records, study and code is left as it is.
    """
    write_records(records, out)
    source = tables_source(out)
    if _is_made_of(out, source):
        return  # its frequencies are thousands of draws
    write_front(out, records, objectives, shown=shown_in_front(), select_on=select_on, seeds=seeds, limits=limits)
    if source is not None:
        write_json(out / TABLES, {"of": source, "front": _content(out / FRONT)})


def tables_source(out: Path) -> str | None:
    """Return a digest of all that the front is made of: study, columns and records.

    None where nobody can tell, since the code was changed by hand. What the study asks for, and versions and commit of the
    code, stand in ``study.yaml``.
    """
    digest = hashlib.sha256()
    for name in (STUDY, COLUMNS, RECORDS):
        path = out / name
        if not path.is_file():
            return None
        content = path.read_bytes()
        if name == STUDY and _CHANGED_CODE.search(content):
            return None
        digest.update(content + b"\0")
    return digest.hexdigest()


def _is_made_of(out: Path, source: str | None) -> bool:
    """Return whether the front that is there is the one of these records, whole."""
    try:
        said = read_json(out / TABLES)
        return source is not None and said == {"of": source, "front": _content(out / FRONT)}
    except (OSError, ValueError):
        return False


def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
