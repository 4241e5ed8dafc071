"""Which official files are the published ones: digests of every file, recorded when a checked archive is unpacked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from prune_core.base.description import canonical_json
from prune_core.base.files import read_json, write_json
from prune_core.corruptions.definition import STANDARD
from prune_core.corruptions.sets import OFFICIAL

RECORDS = "official"
"""The folder of a cache that holds a record for each published archive that was unpacked on this machine."""

USED = (*STANDARD, "labels")
"""The files of an official set that a study uses."""


def set_digest(files: Mapping[str, str]) -> str:
    """Return one SHA-256 for all files, by the SHA-256 of each (by its name without ``.npy``)."""
    return hashlib.sha256(canonical_json(dict(files)).encode()).hexdigest()


def record_published(name: str, files: Mapping[str, str], archive: str, cache: Path) -> None:
    """Write down what the files of a published archive hold.

    Args:
        name: of the dataset.
        files: SHA-256 by name.
        archive: the checksum of the archive, which was compared with the published one.
        cache: the cache folder.
    """
    write_json(cache / RECORDS / f"{name}.json", {"archive": archive, "files": dict(files)})


def published_files(name: str, cache: Path) -> dict[str, str]:
    """Return SHA-256 by file name of the published set of a dataset, as far as it was recorded here."""
    try:
        files = read_json(cache / RECORDS / f"{name}.json")["files"]
        return {str(file): str(digest) for file, digest in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def are_published(name: str, files: Mapping[str, str], cache: Path) -> bool:
    """Return whether every one of these files is known to be the published one."""
    known = published_files(name, cache)
    return bool(files) and all(known.get(file) == digest for file, digest in files.items())


def official_label(name: str, sha256: str | None, cache: Path) -> str:
    """Return what an official set is called: by its official name only where its files are known to be the published ones.

    Args:
        name: of the dataset.
        sha256: of the files that a study uses, together; None for a trial of a version that did not look at them.
        cache: the cache folder.
    """
    if sha256 is None:
        return "from files that nobody checked"
    known = published_files(name, cache)
    whole = {file: known[file] for file in USED if file in known}
    same = len(whole) == len(USED) and set_digest(whole) == sha256
    return OFFICIAL[name] if same and name in OFFICIAL else files_label(sha256)


def files_label(sha256: str) -> str:
    """Return what files are called that are not known to be the published ones."""
    return f"from files, sha256 {sha256[:16]}"
