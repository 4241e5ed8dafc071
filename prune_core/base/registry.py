"""Named things, one file each: networks, methods, datasets, corruptions, metrics.

``REGISTRY.register("name")`` decorates the object; a duplicate name is a programming error, an unknown one is the user's
(`UnknownName`, with the nearest names).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from prune_core.base.errors import UnknownName

T = TypeVar("T")


class Registry(Generic[T]):
    """Names of one kind, in the order in which they were registered."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that files its object under ``name``."""

        def add(entry: T) -> T:
            if name in self._entries:
                raise KeyError(f"{self.kind} {name!r} is registered twice")
            self._entries[name] = entry
            return entry

        return add

    def get(self, name: str) -> T:
        """Return the entry.

        Raises:
            UnknownName: with the nearest and the allowed names.
        """
        if name not in self._entries:
            raise UnknownName(self.kind, name, self._entries)
        return self._entries[name]

    def names(self) -> list[str]:
        """Return every name, in order of registration."""
        return list(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)
