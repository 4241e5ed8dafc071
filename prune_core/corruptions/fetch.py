"""Fetching the official CIFAR-10-C: resumed where it broke off, checked, unpacked whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from prune_core.corruptions.definition import EXTRA, STANDARD
from prune_core.errors import BadInput

_CHUNK = 1 << 20
_TIMEOUT = 30.0

Told = Callable[[int, int, str], None]
"""``told(bytes there, bytes in all, what is being done)``."""


@dataclass(frozen=True)
class Archive:
    """A published archive of ``.npy`` files.

    Attributes:
        title: of the set; also the name of its folder, and with ``.tar`` of the archive.
        url: where the bytes are.
        page: where a person finds it.
        size: bytes.
        sha256: of the archive.
        names: of the ``.npy`` files wanted, the last of which says that the set is complete.
    """

    title: str
    url: str
    page: str
    size: int
    sha256: str
    names: tuple[str, ...] = (*STANDARD, *EXTRA, "labels")


ARCHIVES = {
    "cifar10": Archive(
        title="CIFAR-10-C",
        url="https://zenodo.org/records/2535967/files/CIFAR-10-C.tar?download=1",
        page="https://zenodo.org/records/2535967",
        size=2_918_471_680,
        sha256="c72763e101c723b7c507b96205f7e938912a5d587376173b825850cf3cb876a7",
    )
}
"""By dataset. The checksum of CIFAR-100-C is not known to us: that one is fetched and unpacked by hand."""


def fetch_official(name: str, folder: Path, *, archive: Archive | None = None, told: Told | None = None) -> Path:
    """Return the folder of the official corrupted set, fetched into ``folder`` where it is not there yet.

    A download that broke off goes on where it stopped, in this call as long as bytes come, else in the next one. An archive
    that somebody put into ``folder`` is used instead, and kept.

    Args:
        name: the dataset, a key of `ARCHIVES`.
        folder: gets ``CIFAR-10-C/``, and while at work ``CIFAR-10-C.tar.part``.
        archive: another one than that of `ARCHIVES`.
        told: called after each MB.

    Raises:
        BadInput: no such set, no network, a wrong checksum, no room, or somebody else is fetching it. In one line: what is
            missing, where it was looked for, where to get it, where to put it.
    """
    chosen = archive or ARCHIVES.get(name)
    if chosen is None:
        raise BadInput(f"there is no archive to fetch for {name!r} (allowed: {', '.join(ARCHIVES)})")
    target, given = folder / chosen.title, folder / f"{chosen.title}.tar"
    if all((target / f"{each}.npy").is_file() for each in chosen.names):
        return target
    try:
        if given.is_file():
            _check(chosen, given, told)
            _unpack(chosen, given, target)
        else:
            _fetch(chosen, given.with_name(f"{given.name}.part"), target, told)
    except (OSError, tarfile.TarError) as error:
        raise BadInput(f"{chosen.title}: {folder} cannot be filled ({_said(error)})") from error
    return target


def _fetch(archive: Archive, part: Path, target: Path, told: Told | None) -> None:
    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("a+b") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadInput(f"{archive.title}: another process is fetching it ({part}); wait for it") from None
        _check_room(archive, part)
        _download(archive, stream, part, told)
        try:
            _check(archive, part, told)
        except BadInput:
            part.unlink()  # nothing to go on with
            raise
        _unpack(archive, part, target)
        part.unlink()


def _check_room(archive: Archive, part: Path) -> None:
    """The archive and what is unpacked of it lie side by side for a while, and are of one size."""
    needed = 2 * archive.size - part.stat().st_size
    free = shutil.disk_usage(part.parent).free
    if free < needed:
        raise BadInput(f"{archive.title}: {part.parent} has {free / 1e9:.1f} GB free, {needed / 1e9:.1f} GB are needed")


def _download(archive: Archive, stream: BinaryIO, part: Path, told: Told | None) -> None:
    """Bring the file to its full size, in as many answers as it takes while each brings something new."""
    failure = "the connection broke"
    while (have := _length(stream)) < archive.size:
        try:
            _receive(archive, stream, have, told)
        except (OSError, http.client.HTTPException) as error:
            failure = _said(error)
        stream.flush()
        if (now := _length(stream)) <= have:
            there = f"{now:,} of {archive.size:,} bytes are there, the next try goes on from them; " if now else ""
            raise BadInput(
                f"{archive.title} is missing (looked for {part.parent / archive.title} and {archive.title}.tar beside it; "
                f"download failed: {failure}); {there}or get {archive.title}.tar from {archive.page} and put it into "
                f"{part.parent}"
            )


def _receive(archive: Archive, stream: BinaryIO, have: int, told: Told | None) -> None:
    headers = {"User-Agent": "prunefront", **({"Range": f"bytes={have}-"} if have else {})}
    request = urllib.request.Request(archive.url, headers=headers)  # noqa: S310  (a fixed address)
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
        if have and not (answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")):
            stream.truncate(0)  # this server starts anew
        done = _length(stream)
        while done < archive.size and (chunk := answer.read(min(_CHUNK, archive.size - done))):
            done += stream.write(chunk)
            if told is not None:
                told(done, archive.size, f"fetching {archive.title}")


def _length(stream: BinaryIO) -> int:
    return stream.seek(0, 2)


def _check(archive: Archive, path: Path, told: Told | None) -> None:
    if told is not None:
        told(archive.size, archive.size, f"checking {archive.title}")
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != archive.sha256:
        raise BadInput(
            f"{path} is damaged or another file (its SHA-256 is {found}, not {archive.sha256}); get it again from "
            f"{archive.page}"
        )


def _unpack(archive: Archive, tar: Path, target: Path) -> None:
    """Copy the wanted files out of the archive, whatever folder they are in there, and put them in place at once."""
    wanted = {f"{name}.npy" for name in archive.names}
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
    try:
        with tarfile.open(tar) as opened:
            for member in opened:
                file = Path(member.name).name
                stream = opened.extractfile(member) if member.isfile() and file in wanted else None
                if stream is not None:
                    with stream, (temporary / file).open("wb") as copy:
                        shutil.copyfileobj(stream, copy, _CHUNK)
        missing = sorted(name for name in wanted if not (temporary / name).is_file())
        if missing:
            raise BadInput(f"{tar} lacks {', '.join(missing[:3])}: is it {archive.title}?")
        _put(archive, temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _put(archive: Archive, temporary: Path, target: Path) -> None:
    if not target.exists():
        temporary.chmod(0o755)
        temporary.rename(target)
        return
    for name in archive.names:
        (temporary / f"{name}.npy").replace(target / f"{name}.npy")


def _said(error: BaseException) -> str:
    # A URLError wraps what happened; an HTTPError, which is one too, says it itself.
    inner: object = error
    if isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError):
        inner = error.reason
    return (str(inner).strip() or type(error).__name__).splitlines()[0]
