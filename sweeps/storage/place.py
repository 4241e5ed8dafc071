"""Object storage as this tool needs it: put a file and read it back, get it, remove it. Spoken by pyarrow, as Ray does.

Credentials, region and endpoint come from where pyarrow looks for them (``AWS_ACCESS_KEY_ID``, ``AWS_ENDPOINT_URL``,
``~/.aws``, ``GOOGLE_APPLICATION_CREDENTIALS``, ...), never from a study file, which others read.
"""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from prune_core.base.addresses import has_credentials, masked, shown
from prune_core.base.errors import BadInput

_OPTIONS = {
    "s3": ("region", "scheme", "endpoint_override"),
    "gs": ("scheme", "endpoint_override", "retry_limit_seconds"),
    "file": (),
}
_ALLOWED = "allowed: s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or file:///FOLDER"
_CHUNK = 1 << 20


class StoreDown(Exception):
    """The storage cannot be reached, or does not let us; the message is one line."""


def checked_place(text: str) -> str:
    """Return the address of a storage as it is, when it can be one; nothing is connected to.

    Raises:
        ValueError: another scheme, no bucket, credentials in it, or an option that the scheme does not know.
    """
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError(f"{shown(text)!r} is no address ({_ALLOWED})") from None
    if has_credentials(text):
        raise ValueError("an address with credentials in it is not allowed (allowed: credentials in the environment)")
    if parts.scheme not in _OPTIONS:
        raise ValueError(f"{text!r} is no storage ({_ALLOWED})")
    if parts.scheme == "file" and (parts.netloc or not parts.path.startswith("/")):
        raise ValueError(f"{text!r} is no absolute path ({_ALLOWED})")
    if parts.scheme != "file" and not parts.netloc:
        raise ValueError(f"{text!r} names no bucket ({_ALLOWED})")
    known = _OPTIONS[parts.scheme]
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if name not in known:
            raise ValueError(f"{text!r}: unknown option {name!r} (allowed: {', '.join(known) or 'none'})")
    if parts.fragment or not text.isprintable():
        raise ValueError(f"{text!r} is no storage ({_ALLOWED})")
    return text


class NotThere(StoreDown):
    """The storage answers, and has no such file."""


class ObjectStorage:
    """A folder of an object storage.

    Args:
        address: see `checked_place`.

    Raises:
        BadInput: pyarrow cannot make a file system of the address.
        StoreDown: the bucket's region could not be asked.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._system, self._root = _opened(address)

    def put(self, source: Path, name: str) -> str:
        """Copy a file to ``name``, read it back, and return its SHA-256.

        Raises:
            StoreDown: not copied, or what is there now is something else.
        """
        digest = hashlib.sha256()
        try:
            if self.address.startswith("file:"):
                self._system.create_dir(self._at(name).rpartition("/")[0], recursive=True)
            with source.open("rb") as stream, self._system.open_output_stream(self._at(name)) as target:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
                    target.write(chunk)
        except (OSError, ValueError) as error:
            raise self._down(error) from None
        if self._read(name, None) != digest.hexdigest():
            raise StoreDown(f"{shown(self.address)}: {name} read back is not what was sent")
        return digest.hexdigest()

    def get(self, name: str, target: Path) -> str:
        """Copy ``name`` to a file, and return the SHA-256 of what came.

        Raises:
            StoreDown: not there, or not reached.
        """
        return self._read(name, target)

    def remove(self, name: str) -> None:
        """Remove ``name``, if it is there.

        Raises:
            StoreDown: not reached, or not allowed.
        """
        try:
            self._system.delete_file(self._at(name))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise self._down(error) from None

    def _at(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def _read(self, name: str, target: Path | None) -> str:
        digest = hashlib.sha256()
        try:
            with self._system.open_input_stream(self._at(name)) as stream, (target or Path("/dev/null")).open("wb") as file:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
        except (OSError, ValueError) as error:
            raise self._down(error) from None
        return digest.hexdigest()

    def _down(self, error: Exception) -> StoreDown:
        kind = NotThere if isinstance(error, FileNotFoundError) else StoreDown
        return kind(f"{shown(self.address)}: {_short_reason(error, self.address)}")


@lru_cache(maxsize=8)
def _opened(address: str) -> tuple[Any, str]:
    from pyarrow import fs

    try:
        system, root = fs.FileSystem.from_uri(address)
        if address.startswith("s3:"):  # again, with an end to the waiting for a server that never answers
            said = {**_endpoint(), **dict(parse_qsl(urlsplit(address).query))}
            system = fs.S3FileSystem(
                **{**said, "region": system.region},
                connect_timeout=5,
                request_timeout=15,
                retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=2),
            )
    except ValueError as error:  # pyarrow's ArrowInvalid
        raise BadInput(f"storage: {shown(address)!r}: {_short_reason(error, address)} ({_ALLOWED})") from None
    except (OSError, NotImplementedError) as error:  # no region, or a pyarrow built without this storage
        raise StoreDown(f"{shown(address)}: {_short_reason(error, address)}") from None
    return system, str(root)


def _endpoint() -> dict[str, str]:
    """Return the server that the environment names: pyarrow looks there only when it reads an address itself."""
    parts = urlsplit(os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", ""))
    return {"endpoint_override": parts.netloc, "scheme": parts.scheme} if parts.netloc else {}


def _short_reason(error: Exception, address: str) -> str:
    text = " ".join(masked(str(error), address).split())
    return text if len(text) <= 200 else f"{text[:100]} ... {text[-90:]}"
