"""``columns.json`` of an output folder: the metrics and costs of the run that wrote it, so that pages need no plugin.

The run writes it beside ``study.yaml``: every metric and cost that it knew, with title, unit, direction, format, group and
where it is shown, and the columns that hold it. Folders of version 0.1.0 have none; then only what ships is known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prune_core.base.errors import BadInput
from prune_core.base.files import read_json, write_json
from prune_core.metrics.quantities import costs_known, known_here, metrics_known
from prune_core.metrics.quantity import Quantity, quantity_from_plain
from sweeps.folder.paths import COLUMNS


def write_columns(out: Path) -> None:
    """Write what is known of every metric and cost now, plugins included."""
    found = [*metrics_known(), *costs_known()]
    plain = {"columns": [{**one.to_plain(), "columns": one.columns} for one in found if one.recorded]}
    if plain != _read(out):
        write_json(out / COLUMNS, plain)


def read_columns(out: Path) -> list[Quantity]:
    """Return the metrics and costs that a folder tells of; none where it has no such file.

    Raises:
        BadInput: the file is there and cannot be read.
    """
    plain = _read(out)
    entries = plain.get("columns") if isinstance(plain, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise BadInput(
            f"{out / COLUMNS}: is not the list of columns that a run writes (allowed: restore it from a backup, or "
            "remove it: then columns of plugins are unknown)"
        )
    try:
        return [quantity_from_plain(entry) for entry in entries]
    except BadInput as error:
        raise BadInput(f"{out / COLUMNS}: {error}") from None


@contextmanager
def columns_known(out: Path) -> Iterator[None]:
    """Make the metrics and costs that a folder tells of known until the block ends.

    Raises:
        BadInput: the folder's file cannot be read.
    """
    with known_here(read_columns(out)):
        yield


def _read(out: Path) -> object:
    try:
        return read_json(out / COLUMNS)
    except FileNotFoundError:
        return {"columns": []}
    except (OSError, json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"{out / COLUMNS}: cannot be read: {' '.join(str(error).split())[:200]}") from None
