"""Fetching the official CIFAR-10-C: resumed where it broke off, checked, unpacked whole or not at all."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from prune_core.base.downloads import Busy, Damaged, NotFetched, Published, bring, check, locked
from prune_core.base.errors import BadInput
from prune_core.base.files import temporary_folder
from prune_core.base.progress import Told
from prune_core.base.store import file_sha256
from prune_core.corruptions.definition import EXTRA, STANDARD
from prune_core.corruptions.published import published_files, record_published

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Archive(Published):
    """A published archive of ``.npy`` files; its title is also the name of its folder, and with ``.tar`` of the file.

    Attributes:
        names: of the ``.npy`` files wanted, the last of which says that the set is complete.
    """

    names: tuple[str, ...] = (*STANDARD, *EXTRA, "labels")


ARCHIVES = {
    "cifar10": Archive(
        title="CIFAR-10-C",
        url="https://zenodo.org/records/2535967/files/CIFAR-10-C.tar?download=1",
        page="https://zenodo.org/records/2535967",
        size=2_918_471_680,
        checksum="sha256:c72763e101c723b7c507b96205f7e938912a5d587376173b825850cf3cb876a7",
    )
}
"""By dataset; Zenodo gives the MD5 56bf5dcef84df0e2308c6dcbcbbd8499 for the same archive. The checksum of CIFAR-100-C is not
known to us: that one is fetched and unpacked by hand."""


def fetch_official(
    name: str, folder: Path, *, archive: Archive | None = None, told: Told = lambda *_: None, cache: Path | None = None
) -> Path:
    """Return the folder of the official corrupted set, fetched into ``folder`` where it is not there yet.

    A download that broke off goes on where it stopped, in this call as long as bytes come, else in the next one. An archive
    that somebody put into ``folder`` is used instead, and kept. What the files of the published archive hold is recorded in
    the cache, so that they are known again wherever they lie (`prune_core.corruptions.published`).

    Args:
        name: the dataset, a key of `ARCHIVES`.
        folder: gets ``CIFAR-10-C/``, and while at work ``CIFAR-10-C.tar.part``.
        archive: another one than that of `ARCHIVES`.
        told: called after each MB.
        cache: the cache folder; by default ``folder``.

    Raises:
        BadInput: no such set, no network, a wrong checksum, no room, or somebody else is fetching it. In one line: what is
            missing, where it was looked for, where to get it, where to put it.
    """
    chosen = archive or ARCHIVES.get(name)
    if chosen is None:
        raise BadInput(f"there is no archive to fetch for {name!r} (allowed: {', '.join(ARCHIVES)})")
    target, given = folder / chosen.title, folder / f"{chosen.title}.tar"
    there = all((target / f"{each}.npy").is_file() for each in chosen.names)
    # of files that somebody unpacked the archive beside them can still say whether they are the published ones
    if there and (not given.is_file() or published_files(name, cache or folder)):
        return target
    try:
        if given.is_file():
            check(chosen, given, told)
            files = _read_digests(chosen, given) if there else _unpack(chosen, given, target)
        else:
            files = _fetch(chosen, given.with_name(f"{given.name}.part"), target, told)
        if chosen == ARCHIVES.get(name):
            record_published(name, files, chosen.checksum, cache or folder)
    except Damaged as error:
        raise BadInput(f"{error}; get it again from {chosen.page}") from None
    except Busy as error:
        raise BadInput(f"{chosen.title}: {error}") from None
    except NotFetched as error:
        raise BadInput(
            f"{chosen.title} is missing (looked for {target} and {given.name} beside it; {error}); or get {given.name} from "
            f"{chosen.page} and put it into {folder}"
        ) from None
    except (OSError, tarfile.TarError) as error:
        raise BadInput(f"{chosen.title}: {folder} cannot be filled ({str(error) or type(error).__name__})") from error
    return target


def _fetch(archive: Archive, part: Path, target: Path, told: Told) -> dict[str, str]:
    with locked(part) as stream:
        # The archive and what is unpacked of it lie side by side for a while, and are of one size.
        bring(archive, part, stream, room=2 * archive.size, told=told)
        files = _unpack(archive, part, target)
        part.unlink()
        return files


def _read_digests(archive: Archive, tar: Path) -> dict[str, str]:
    """Return what the wanted files of an archive hold: SHA-256 by name without ``.npy``."""
    with tarfile.open(tar) as opened:
        return {
            Path(member.name).stem: hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
            for member in opened
            if Path(member.name).name in _wanted(archive) and (stream := _stream(opened, member)) is not None
        }


def _wanted(archive: Archive) -> set[str]:
    return {f"{name}.npy" for name in archive.names}


def _stream(opened: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes] | None:
    return opened.extractfile(member) if member.isfile() else None


def _unpack(archive: Archive, tar: Path, target: Path) -> dict[str, str]:
    """Copy the wanted files out of the archive, whatever folder they are in there, and put them in place at once.

    Returns:
        SHA-256 of each, by name without ``.npy``.
    """
    wanted = _wanted(archive)
    temporary = temporary_folder(target)
    try:
        with tarfile.open(tar) as opened:
            for member in opened:
                file = Path(member.name).name
                stream = _stream(opened, member) if file in wanted else None
                if stream is not None:
                    with stream, (temporary / file).open("wb") as copy:
                        shutil.copyfileobj(stream, copy, _CHUNK)
        missing = sorted(name for name in wanted if not (temporary / name).is_file())
        if missing:
            raise BadInput(f"{tar} lacks {', '.join(missing[:3])}: is it {archive.title}?")
        files = {name: file_sha256(temporary / f"{name}.npy") for name in archive.names}
        _put(archive, temporary, target)
        return files
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _put(archive: Archive, temporary: Path, target: Path) -> None:
    if not target.exists():
        temporary.rename(target)
        return
    for name in archive.names:
        (temporary / f"{name}.npy").replace(target / f"{name}.npy")
