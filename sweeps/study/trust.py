"""Whether the code that the study of a folder names may be imported: what the user named, or has confirmed."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES
from pathlib import Path

from prune_core.base.errors import BadInput
from prune_core.base.plugin_code import code_digests, module_file
from sweeps.folder.confirmed import VARIABLE, digest_of, is_confirmed
from sweeps.folder.paths import DRIVER_LOCK, RECORDS, TRIALS

REMEDY = f"allowed: --trust-plugins, or {VARIABLE}=1, once you have looked at it"
_CODE = (*SOURCE_SUFFIXES, *EXTENSION_SUFFIXES)


class NotTrusted(BadInput):
    """Code or a place of a folder's study that the user has not confirmed."""


@dataclass(frozen=True)
class Asked:
    """What a study asks for.

    Attributes:
        folder: of the study file.
        modules: plugins to import.
        paths: folders to look for them in, the first one first.
        received: whether the study file lies in an output folder, which somebody may have sent; otherwise the user named
            the file as they name a script.
    """

    folder: Path
    modules: tuple[str, ...]
    paths: tuple[str, ...]
    received: bool

    @cached_property
    def files(self) -> dict[str, Path | None]:
        """Module -> the file that would be imported, found without importing; None where there is none."""
        return {module: module_file(module, self.paths) for module in self.modules}

    @property
    def said(self) -> str:
        """The modules with their files, for people."""
        return ", ".join(f"{module} from {file or 'nowhere'}" for module, file in self.files.items())

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all the code: the modules, what they import, and whatever lies in a received folder beside them."""
        code: dict[str, str] = {}
        before = list(sys.path)
        sys.path[:0] = [path for path in self.paths if path not in before]  # a plugin may import from another's folder
        try:
            for module, file in self.files.items():
                code |= code_digests(module, None if file is None else str(file))
        finally:
            sys.path[:] = before
        for path in _code_in(self.folder) if self.received else ():
            name = path.relative_to(self.folder).as_posix()
            module = name.partition(".")[0].removesuffix("/__init__").replace("/", ".")
            found = hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
            if code.get(module) != found:
                code[name] = found
        return digest_of({"modules": list(self.modules), "code": code})


Confirm = Callable[[Asked], None]
"""Raises `NotTrusted` where code must not be imported."""


def require_trust(asked: Asked) -> None:
    """Let through what the user named as a file, or has confirmed before.

    Raises:
        NotTrusted: neither.
    """
    if asked.received and not is_confirmed(asked.digest):
        raise NotTrusted(f"{asked.folder}: its study names plugins that you have not confirmed: {asked.said} ({REMEDY})")


def never(asked: Asked) -> None:
    """Let nothing through: for who only reads.

    Raises:
        NotTrusted: always.
    """
    raise NotTrusted(f"{asked.folder}: the plugins of a folder are not imported to read it: {', '.join(asked.modules)}")


def is_received(study_file: Path, plain: object) -> bool:
    """Return whether a study file is that of an output folder, or lies in one."""
    beside = any((study_file.parent / name).exists() for name in (TRIALS, RECORDS, DRIVER_LOCK))
    return beside or (isinstance(plain, Mapping) and "provenance" in plain)


def _code_in(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder that an import statement could load, in order: a folder's name is an identifier."""
    seen: set[str] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if name.isidentifier() and name != "__pycache__")
        if (real := os.path.realpath(place)) in seen and Path(place).is_symlink():  # a link to where it is
            folders[:] = []
        seen.add(real)
        yield from (Path(place) / name for name in sorted(files) if name.endswith(_CODE))
