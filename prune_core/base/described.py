"""Parts of a description: frozen dataclasses, and the plain data that keys are made of. Imports no torch.

What version 0.1.0 wrote is in every key (``FOUNDING``). What was added later is in a key only where it is not at its
default, so that a new field, or a new option, changes no key of a study that does not use it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, fields
from functools import cache, cached_property
from typing import Any, ClassVar, Self

from prune_core.base.errors import BadInput


class Described:
    """A part of a description, as a frozen dataclass.

    Attributes:
        FOUNDING: the fields that version 0.1.0 wrote: always in the plain form. Never add to it.
        PARTS: how fields that are not plain data are read.
    """

    FOUNDING: ClassVar[tuple[str, ...]] = ()
    PARTS: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}

    def to_plain(self) -> dict[str, Any]:
        """Return JSON data, without the fields that came later and are at their defaults.

        It is made once: parts are frozen, and thousands of trials share them.
        """
        return dict(self._said)

    @cached_property
    def _said(self) -> dict[str, Any]:
        defaults = _defaults(type(self))  # type: ignore[arg-type]  # a class can be hashed
        values = {name: plain(getattr(self, name)) for name in defaults}
        return without_defaults(values, defaults, self.FOUNDING)

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_plain` of this or an earlier version wrote.

        Raises:
            BadInput: a field that this version does not know, one that is missing, or a value that is not allowed.
        """
        if not isinstance(values, Mapping):
            raise BadInput(f"{cls.__name__}: {values!r} is no mapping (allowed: {', '.join(_names(cls))})")
        unknown = sorted(set(values) - set(_names(cls)))
        if unknown:
            raise BadInput(f"{cls.__name__}: unknown field {unknown[0]!r} (allowed: {', '.join(_names(cls))})")
        missing = [each.name for each in _fields(cls) if _default(each) is MISSING and each.name not in values]
        if missing:
            raise BadInput(f"{cls.__name__}: field {missing[0]!r} is missing")
        read = {name: cls.PARTS[name](value) for name, value in values.items() if name in cls.PARTS and value is not None}
        return cls(**{**values, **read})


def without_defaults(
    values: Mapping[str, Any], defaults: Mapping[str, Any], founding: Collection[str] = ()
) -> dict[str, Any]:
    """Return the values without those that are at their default, but with every founding one."""
    return {
        name: value
        for name, value in values.items()
        if name in founding or name not in defaults or not _same(value, defaults[name])
    }


def plain(value: Any) -> Any:
    """Return a field's value as JSON data."""
    if isinstance(value, Described):
        return value.to_plain()
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return value


def _same(one: Any, other: Any) -> bool:
    if other is MISSING:
        return False
    # 1 and 1.0 are one number; True and 1 are not one value; a tuple and a list are one list
    return bool(plain(one) == plain(other)) and isinstance(one, bool) == isinstance(other, bool)


@cache
def _defaults(part: Callable[..., Any]) -> Mapping[str, Any]:
    return {each.name: plain(_default(each)) for each in _fields(part)}


def _fields(part: Any) -> Any:
    return fields(part)


def _names(part: Any) -> list[str]:
    return [each.name for each in fields(part)]


def _default(field: Any) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default
