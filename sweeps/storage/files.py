"""Weights and logits of a trial that lie on object storage: where each is, sent away, brought back, removed.

``stored.json`` beside the record of a budget says where each file is, with its SHA-256: written when the copy there was
read back and is right, before the local file goes. A file that is not named there is not stored, whatever the storage
holds; a local file is always the newer one.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from prune_core.base.addresses import shown
from prune_core.base.errors import BadInput
from prune_core.base.files import read_json, replacing, write_json
from prune_core.base.store import file_sha256
from prune_core.base.trial_folder import LOGITS, RECORD, WEIGHTS, budget_folder, finished_budgets, made_anew
from sweeps.folder.confirmed import place_digest, remember, require_confirmed
from sweeps.folder.paths import STORAGE, STORED
from sweeps.storage.place import NotThere, ObjectStorage, StoreDown

LARGE = (WEIGHTS, *LOGITS)
"""What goes to the storage."""
AGAIN_SECONDS = 60.0
"""A storage that failed is left alone for so long: who asks for many files must not wait for each."""
_away: dict[str, float] = {}
"""Address -> when it failed."""
_sent_to: set[str] = set()
"""Addresses that this process was told to send to: what went there may come back."""


def prefix_of(out: Path, study: str) -> str:
    """Return the folder in the storage of one output folder: two studies of the same name do not meet there."""
    path = out / STORAGE
    if not path.is_file():
        write_json(path, {"id": secrets.token_hex(4)})
    try:
        return f"{study}/{read_json(path)['id']}"
    except (ValueError, KeyError, TypeError):
        raise BadInput(
            f"{path}: damaged, so the folder's place in the storage is not known (allowed: restore it from a backup, or "
            "remove it: what is sent from now on goes to a new place, what was sent before is found where it is)"
        ) from None


def is_kept(folder: Path, name: str) -> bool:
    """Return whether a budget's file is here or in the storage."""
    return (folder / name).is_file() or name in _entries(folder)


def place_of(folder: Path, name: str) -> str | None:
    """Return the address of the storage that has a budget's file, or None."""
    entry = _entries(folder).get(name)
    return None if entry is None else str(entry["place"])


def sha256_of(folder: Path, name: str) -> str:
    """Return the SHA-256 of a kept file; of a stored one, what it is said to be."""
    return file_sha256(folder / name) if (folder / name).is_file() else str(_entries(folder)[name]["sha256"])


def to_send(folder: Path) -> list[str]:
    """Return the large files of a judged budget that are here."""
    return [name for name in LARGE if (folder / name).is_file()] if (folder / RECORD).is_file() else []


def copy_away(folder: Path, name: str, address: str, prefix: str) -> None:
    """Put one file of a budget into the storage, unless it is there, and write down where; the file here stays.

    Raises:
        StoreDown: it is not there.
    """
    if address not in _sent_to:
        remember(place_digest(address), [address])  # for who reads the folder later
        _sent_to.add(address)
    entries = _entries(folder)
    known = entries.get(name)
    # what was brought back has not changed; what was moved to another storage goes to the new one
    if known is not None and known["place"] == address and known["sha256"] == file_sha256(folder / name):
        return
    path = f"{prefix}/{folder.parent.name}/{folder.name}/{name}"
    digest = ObjectStorage(address).put(folder / name, path)
    write_json(folder / STORED, {**_entries(folder), name: {"place": address, "path": path, "sha256": digest}})


def bring_back(folder: Path, names: Iterable[str]) -> list[Path]:
    """Make the stored files of a budget local again; return those that came. What is here, or nowhere, stays so.

    Raises:
        BadInput: the storage is not reached, what it holds is not what was sent, or the user has not confirmed that place.
    """
    entries, came = _entries(folder), []
    for name in names:
        entry = entries.get(name)
        if entry is None or (folder / name).is_file():
            continue
        _require_confirmed(folder / name, entry["place"])
        where = f"{folder / name} is stored at {shown(entry['place'])}"
        if time.monotonic() < _away.get(entry["place"], -math.inf) + AGAIN_SECONDS:
            raise BadInput(f"{where}, which could not be reached just now")
        try:
            with replacing(folder / name) as temporary:
                found = ObjectStorage(entry["place"]).get(entry["path"], temporary)
                if found != entry["sha256"]:
                    raise BadInput(f"{where}, but what is there is not what was sent (its SHA-256 differs)")
        except StoreDown as error:
            if not isinstance(error, NotThere):
                _away[entry["place"]] = time.monotonic()
            raise BadInput(f"{where} and cannot be brought back: {error}") from None
        came.append(folder / name)
    return came


@contextmanager
def at_hand(folder: Path, names: Iterable[str]) -> Iterator[None]:
    """Bring files back for the length of a block; those that came go again, the copies in the storage stay.

    Raises:
        BadInput: as `bring_back`.
    """
    came = bring_back(folder, names)
    try:
        yield
    finally:
        for path in came:
            if path.is_file() and file_sha256(path) == _entries(folder).get(path.name, {}).get("sha256"):
                path.unlink()


def fetch_to_judge(trial: Path, cells_at: Iterable[int]) -> None:
    """Bring back the weights of the budgets of a trial whose record lacks the corrupted test images that are asked now.

    Without them (the storage is down) the trial walks there again, to the same numbers.
    """
    lacking = set(finished_budgets(trial)) - set(finished_budgets(trial, cells_at=tuple(cells_at)))
    with suppress(BadInput):
        for budget in lacking:
            bring_back(budget_folder(trial, budget), [WEIGHTS])


def remove(folder: Path, name: str) -> bool:
    """Remove a budget's file, here and in the storage; return whether there was one.

    Raises:
        StoreDown: the storage is not reached; the file is removed here only.
        BadInput: the user has not confirmed that place; the same.
    """
    here, entry = (folder / name).is_file(), _entries(folder).get(name)
    (folder / name).unlink(missing_ok=True)
    if entry is not None:
        _require_confirmed(folder / name, entry["place"])
        ObjectStorage(entry["place"]).remove(entry["path"])
        left = {other: value for other, value in _entries(folder).items() if other != name}
        if left:
            write_json(folder / STORED, left)
        else:
            (folder / STORED).unlink(missing_ok=True)
    return here or entry is not None


def _require_confirmed(path: Path, address: str) -> None:
    if address not in _sent_to:
        require_confirmed(address, f"{path} is stored at")


def _entries(folder: Path) -> dict[str, dict[str, Any]]:
    try:
        found = read_json(folder / STORED)
    except OSError:
        return {}
    except ValueError:
        raise BadInput(
            f"{folder / STORED}: damaged, so where the files of this budget are stored is not known (allowed: the file from "
            f"a copy; or {made_anew(folder)})"
        ) from None
    fields = ("place", "path", "sha256")
    return {
        name: entry
        for name, entry in (found.items() if isinstance(found, dict) else ())
        if name in LARGE and isinstance(entry, dict) and all(isinstance(entry.get(field), str) for field in fields)
    }
