"""Fetching one published file: resumed where it broke off, checked, seen by others only when it is whole and right."""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from prune_core.base.progress import Told

_CHUNK = 1 << 20
_TIMEOUT = 30.0


@dataclass(frozen=True)
class Published:
    """A file that somebody publishes.

    Attributes:
        title: what messages call it.
        url: where the bytes are.
        page: where a person finds it.
        size: bytes.
        checksum: ``sha256:...`` or ``md5:...``, in hexadecimal, as published.
    """

    title: str
    url: str
    page: str
    size: int
    checksum: str


class NotFetched(OSError):
    """The file could not be brought here. The message says why, in a few words; the callers say where it could be put."""


class Busy(NotFetched):
    """Another process is fetching it."""


class Damaged(NotFetched):
    """The bytes that are there are not those of the published file."""


@contextmanager
def locked(part: Path, *, wait: bool = False) -> Iterator[BinaryIO]:
    """Yield the growing file, which nobody else is writing to meanwhile; afterwards it is gone where it is empty.

    Args:
        part: where the file grows.
        wait: for another process that is fetching it, instead of giving up; then look again whether the file is there.

    Raises:
        Busy: another process is fetching it.
    """
    part.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with part.open("a+b") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise Busy(f"another process is fetching it ({part}); wait for it") from None
            # Whoever held the lock before may have put the file in place or removed it: then this is not ``part`` any more.
            if not (part.exists() and os.path.samestat(part.stat(), os.fstat(stream.fileno()))):
                continue
            try:
                yield stream
            finally:
                if part.exists() and not part.stat().st_size:
                    part.unlink()
            return


def bring(file: Published, part: Path, stream: BinaryIO, *, room: int | None = None, told: Told) -> None:
    """Make ``part`` the whole, checked file; one that broke off goes on where it stopped, as long as bytes come.

    Args:
        file: what to fetch.
        part: where it grows.
        stream: ``part``, as `locked` yields it.
        room: bytes that the file, and what is to become of it, take; the file's size by default.
        told: called after each MB.

    Raises:
        NotFetched: no network, no room, or `Damaged` bytes, which are removed.
    """
    _check_room(part, (room or file.size) - _length(stream))
    _download(file, stream, told)
    try:
        check(file, part, told)
    except Damaged:
        part.unlink()  # nothing to go on with
        raise


def check(file: Published, path: Path, told: Told) -> None:
    """Raise `Damaged` unless these are the published bytes."""
    told(file.size - 1, file.size, f"checking {file.title}")
    algorithm, _, expected = file.checksum.partition(":")
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()
    told(file.size, file.size, f"checking {file.title}")
    if found != expected:
        name = {"md5": "MD5", "sha256": "SHA-256"}[algorithm]
        raise Damaged(f"{path} is damaged or another file (its {name} is {found}, not {expected})")


def _check_room(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if free < needed:
        raise NotFetched(f"{part.parent} has {free / 1e9:.1f} GB free, {needed / 1e9:.1f} GB are needed")


def _download(file: Published, stream: BinaryIO, told: Told) -> None:
    """Bring the file to its full size, in as many answers as it takes while each brings something new."""
    failure = "the connection broke"
    while (have := _length(stream)) < file.size:
        try:
            _receive(file, stream, have, told)
        except (OSError, http.client.HTTPException) as error:
            failure = _cause_text(error)
        stream.flush()
        if (now := _length(stream)) <= have:
            there = f"; {now:,} of {file.size:,} bytes are there, the next try goes on from them" if now else ""
            raise NotFetched(f"download failed: {failure}{there}")


def _receive(file: Published, stream: BinaryIO, have: int, told: Told) -> None:
    headers = {"User-Agent": "prunefront", **({"Range": f"bytes={have}-"} if have else {})}
    request = urllib.request.Request(file.url, headers=headers)  # noqa: S310  (a fixed address)
    with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
        if have and not (answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")):
            stream.truncate(0)  # this server starts anew
        done = _length(stream)
        while done < file.size and (chunk := answer.read(min(_CHUNK, file.size - done))):
            done += stream.write(chunk)
            told(done, file.size, f"fetching {file.title}")


def _length(stream: BinaryIO) -> int:
    return stream.seek(0, 2)


def _cause_text(error: BaseException) -> str:
    # A URLError wraps what happened; an HTTPError, which is one too, says it itself.
    inner: object = error
    if isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError):
        inner = error.reason
    return (str(inner).strip() or type(error).__name__).splitlines()[0]
