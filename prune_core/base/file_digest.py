"""The SHA-256 of a large file, read once: remembered beside the cache for as long as the file is the same."""

from __future__ import annotations

import contextlib
from pathlib import Path

from prune_core.base.description import content_key
from prune_core.base.files import read_json, write_json
from prune_core.base.store import file_sha256

DIGESTS = "digests"
"""The folder of a cache that remembers what files hold."""


def remembered_sha256(path: Path, cache: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits.

    A file of the same place, size, inode and times is the same file. Nothing is written where the file is; a cache that
    cannot be written costs reading the file again.

    Raises:
        OSError: the file cannot be read.
    """
    place = path.resolve()
    found = place.stat()
    stamp = {
        "path": str(place),
        "size": found.st_size,
        "inode": found.st_ino,
        "modified": found.st_mtime_ns,
        "changed": found.st_ctime_ns,
    }
    note = cache / DIGESTS / f"{content_key(str(place))}.json"
    with contextlib.suppress(OSError, ValueError, AttributeError):
        known = read_json(note)
        if {name: known.get(name) for name in stamp} == stamp and isinstance(known.get("sha256"), str):
            return str(known["sha256"])
    digest = file_sha256(place)
    with contextlib.suppress(OSError):
        write_json(note, {**stamp, "sha256": digest})
    return digest
