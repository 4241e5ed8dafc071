"""Content-addressed results: same description, same path; there already? do not compute it again.

An entry is a folder of files and a ``meta.json`` that is their inventory (size, SHA-256). It is made under a temporary name
and renamed into place, so nobody sees half of one; of two racers the second throws its copy away. No locks.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from prune_core.base.description import content_key
from prune_core.base.files import read_json, temporary_folder, write_json

META = "meta.json"
PARTIAL = ".partial"


class Store:
    """A folder of entries, shared by studies and by processes."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def path(self, key: str) -> Path:
        """Return where the entry of a key is, or would be."""
        return self.root / key

    def partial(self, key: str) -> Path:
        """Return where the checkpoint of an unfinished entry is kept; every write to it must be a rename."""
        return self.root / PARTIAL / f"{key}.pt"

    def find(self, description: Mapping[str, Any]) -> Path | None:
        """Return the whole entry of a description, or None where it is missing or damaged."""
        entry = self.path(content_key(description))
        return entry if is_whole(entry) else None

    def get_or_make(self, description: Mapping[str, Any], make: Callable[[Path], Mapping[str, Any] | None]) -> Path:
        """Return the entry of a description; made now if it is missing or damaged.

        Args:
            description: plain data; its content key names the entry.
            make: writes the entry's files into the folder it is given; what it returns is kept in ``meta.json`` as ``made``.

        Returns:
            The entry's folder. Read what is needed from there: another process may have made it.
        """
        key = content_key(description)
        entry = self.path(key)
        if is_whole(entry):
            return entry
        self.root.mkdir(parents=True, exist_ok=True)
        temporary = temporary_folder(entry)
        try:
            made = make(temporary)
            _take_inventory(temporary, description, made)
            self._put(temporary, entry)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return entry

    def _put(self, temporary: Path, entry: Path) -> None:
        for _ in range(10):
            try:
                temporary.rename(entry)
            except OSError:
                if is_whole(entry):
                    return
                _set_aside(entry)
            else:
                return
        raise OSError(f"cannot put {entry} in place")


def read_meta(entry: Path) -> dict[str, Any]:
    """Return an entry's inventory: {description, files, made}.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no inventory.
    """
    value = read_json(entry / META)
    if not isinstance(value, dict) or not all(isinstance(value.get(name), dict) for name in ("files", "made")):
        raise ValueError(f"{entry / META} is no inventory")
    return value


def has_all_sizes(entry: Path) -> bool:
    """Return whether an entry has an inventory and files of the sizes in it: `is_whole` without reading them."""
    try:
        return all((entry / name).stat().st_size == facts["size"] for name, facts in read_meta(entry)["files"].items())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def is_whole(entry: Path) -> bool:
    """Return whether an entry is there and every file has the size and the SHA-256 of its inventory."""
    try:
        files = read_meta(entry)["files"]
        return all(
            (entry / name).stat().st_size == facts["size"] and file_sha256(entry / name) == facts["sha256"]
            for name, facts in files.items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _take_inventory(folder: Path, description: Mapping[str, Any], made: Mapping[str, Any] | None) -> None:
    files = {}
    for path in sorted(folder.iterdir()):
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
        files[path.name] = {"size": path.stat().st_size, "sha256": file_sha256(path)}
    plain = json.loads(json.dumps(description))
    write_json(folder / META, {"description": plain, "files": files, "made": dict(made or {})})


def _set_aside(entry: Path) -> None:
    """Move a damaged entry out of the way; somebody else may just have done it."""
    grave = Path(tempfile.mkdtemp(prefix=f".{entry.name}.", suffix=".bad", dir=entry.parent))
    with contextlib.suppress(FileNotFoundError):
        entry.rename(grave / "entry")
    shutil.rmtree(grave, ignore_errors=True)
