"""Tar archives of unknown origin, read in one pass: nothing is unpacked, and no header costs more than it may."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from prune_core.base.errors import BadInput
from prune_core.base.limits import ARCHIVE_MEMBERS, TAR_HEADER_BYTES, size_text

ARCHIVES = (".tar.gz", ".tgz", ".tar")
"""How the name of an archive ends."""
_GZIP = b"\x1f\x8b"
_CHUNK = 1 << 20

Read = Callable[[], bytes]
Member = tuple[tarfile.TarInfo, Read]


class _Metered:
    """A stream that gives no more bytes than it was allowed: `tarfile` reads a header of any length into memory."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream, self._path = stream, path
        self.allowed = TAR_HEADER_BYTES

    def read(self, count: int = -1) -> bytes:
        """Return up to ``count`` bytes.

        Raises:
            BadInput: they are more than one header may have.
        """
        if not 0 <= count <= self.allowed:
            raise BadInput(f"archive {self._path} has a header of more than {size_text(TAR_HEADER_BYTES)}, the most allowed")
        self.allowed -= count
        return self._stream.read(count)

    def seek(self, position: int) -> int:
        """Go to a position."""
        return self._stream.seek(position)

    def tell(self) -> int:
        """Return the position."""
        return self._stream.tell()


@contextmanager
def open_archive(path: Path) -> Iterator[Iterator[Member]]:
    """Yield an iterator over the members of a ``.tar`` or ``.tar.gz``, each with what reads its content.

    The content is to be read before the next member is asked for, and only where `TarInfo.size` is acceptable: it is the
    size in full, also of a sparse file.

    Raises:
        BadInput: the archive cannot be read, is damaged or cut short, or has too many members or too long a header.
    """
    try:
        plain = path.open("rb")
    except OSError as error:
        raise BadInput(f"archive {path} cannot be read ({error.strerror})") from None
    with plain:
        packed = plain.read(len(_GZIP)) == _GZIP
        plain.seek(0)
        metered = _Metered(gzip.GzipFile(fileobj=plain) if packed else plain, path)  # type: ignore[arg-type]
        with _damage(path):
            archive = tarfile.TarFile(fileobj=metered)  # type: ignore[arg-type]  # it reads, seeks and tells, no more
        with archive:
            yield _members(archive, metered, path)


def _members(archive: tarfile.TarFile, metered: _Metered, path: Path) -> Iterator[Member]:
    count = 0
    while True:
        with _damage(path):
            metered.allowed = TAR_HEADER_BYTES
            member = archive.next()
            if member is None:
                _check_end(archive, metered)
                return
        archive.members.clear()  # type: ignore[attr-defined]  # it would keep every header in memory
        count += 1
        if count > ARCHIVE_MEMBERS:
            raise BadInput(f"archive {path} has more than {ARCHIVE_MEMBERS:,} files and folders, the most allowed")
        yield member, partial(_content, archive, metered, member, path)


def _content(archive: tarfile.TarFile, metered: _Metered, member: tarfile.TarInfo, path: Path) -> bytes:
    with _damage(path):
        metered.allowed = member.size + 2 * _CHUNK
        stream = archive.extractfile(member)
        content = b"" if stream is None else stream.read()
        if len(content) != member.size:
            raise tarfile.ReadError(f"{member.name} is cut short")
        return content


def _check_end(archive: tarfile.TarFile, metered: _Metered) -> None:
    """Raise where the archive does not end in empty blocks: `tarfile` takes a damaged header for the end."""
    metered.seek(archive.offset)
    block = metered.read(tarfile.BLOCKSIZE)
    if block != tarfile.NUL * tarfile.BLOCKSIZE:
        raise tarfile.ReadError("cut short" if len(block) < tarfile.BLOCKSIZE else "a damaged header")
    while block:
        metered.allowed = _CHUNK
        block = metered.read(_CHUNK)
        if block.strip(tarfile.NUL):
            raise tarfile.ReadError("something follows its end, such as a second archive")


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Turn whatever a damaged archive makes the libraries raise into one line."""
    try:
        yield
    except BadInput:
        raise
    except (OSError, tarfile.TarError, EOFError, zlib.error, ValueError, LookupError, ArithmeticError) as error:
        lines = str(error).strip().splitlines()
        raise BadInput(f"archive {path} is damaged ({lines[0] if lines else type(error).__name__})") from error
