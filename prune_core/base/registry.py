"""Named things, one file each: networks, methods, datasets, corruptions, metrics.

``REGISTRY.register("name")`` decorates the object; a duplicate name is a programming error, an unknown one is the user's
(`UnknownName`, with the nearest names). A registry knows which module registered each name: what a user's own module adds is
known by its code (`Registry.code`). What ships is imported when a registry is first asked, or added to: it may need torch.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Generic, TypeVar

from prune_core.base.errors import UnknownName
from prune_core.base.plugin_code import code_digests, is_shipped

T = TypeVar("T")


class Registry(Generic[T]):
    """Names of one kind, in the order in which they were registered, what ships first.

    Args:
        kind: what an entry is called.
        files: the package whose modules register what ships; None where whoever imports the registry has imported them.
    """

    def __init__(self, kind: str, files: str | None = None) -> None:
        self.kind = kind
        self._files = files
        self._entries: dict[str, T] = {}
        self._modules: dict[str, tuple[str, str | None]] = {}
        self._code: dict[str, Mapping[str, str]] = {}

    def register(self, name: str, module: str | None = None) -> Callable[[T], T]:
        """Return a decorator that files its object under ``name``.

        Args:
            name: of the object.
            module: the module that it belongs to; by default the one that calls.
        """
        owner = sys._getframe(1).f_globals.get("__name__", "__main__") if module is None else module
        self._fill()
        file = getattr(sys.modules.get(owner), "__file__", None)

        def add(entry: T) -> T:
            if name in self._entries:
                raise KeyError(f"{self.kind} {name!r} is registered twice")
            self._entries[name] = entry
            self._modules[name] = (owner, file)
            self._code.pop(name, None)
            return entry

        return add

    def get(self, name: str) -> T:
        """Return the entry.

        Raises:
            UnknownName: with the nearest and the allowed names.
        """
        self._fill()
        if name not in self._entries:
            raise UnknownName(self.kind, name, self._entries)
        return self._entries[name]

    def code(self, name: str) -> Mapping[str, str]:
        """Return the digests of the user's modules that an entry is made of; empty for what ships, or is not there.

        Read once in a process, as its modules are.
        """
        self._fill()
        owner, file = self._modules.get(name, ("", None))
        if not owner or is_shipped(owner):
            return {}
        if name not in self._code:
            self._code[name] = code_digests(owner, file)
        return self._code[name]

    def module(self, name: str) -> str | None:
        """Return the user's module that registered an entry; None for what ships, or is not there."""
        self._fill()
        owner, file = self._modules.get(name, ("", None))
        if not owner or is_shipped(owner):
            return None
        return Path(file).stem if owner == "__main__" and file is not None else owner

    def names(self) -> list[str]:
        """Return every name, in order of registration."""
        self._fill()
        return list(self._entries)

    def __contains__(self, name: object) -> bool:
        self._fill()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        self._fill()
        return iter(self._entries)

    def _fill(self) -> None:
        """Import what ships, once: other threads wait, and the modules that it imports come back here."""
        if self._files is not None:
            import_module(self._files)
            self._files = None
