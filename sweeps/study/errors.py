"""What pydantic found wrong, as one line: the key's path, what is wrong with it, what is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from prune_core.base.errors import BadInput, choices

_WORDS = {
    "missing": "this key is missing",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "path_type": "must be a path",
}

_BOUNDS = {
    "greater_than_equal": ("numbers from {}", "ge"),
    "greater_than": ("numbers above {}", "gt"),
    "less_than_equal": ("numbers up to {}", "le"),
    "less_than": ("numbers below {}", "lt"),
}


@contextmanager
def naming_key(key: str) -> Iterator[None]:
    """Put the key's path before the message of what goes wrong inside."""
    try:
        yield
    except BadInput as error:
        raise BadInput(f"{key}: {error}") from None


def one_line(error: ValidationError, model: type[BaseModel]) -> str:
    """Return the first thing wrong, and how many more there are."""
    details = error.errors(include_url=False)
    # an unknown key often explains a missing one beside it
    first = next((detail for detail in details if detail["type"] == "extra_forbidden"), details[0])
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return " ".join(f"{_path(first)}: {_what(first, model)}{more}".split())


def unknown_key(key: object, allowed: list[str]) -> str:
    """Return the message for a key that nobody reads: the nearest ones, or all that are allowed there."""
    return f"unknown key {str(key)!r}{choices('key', key, allowed)}"


def _path(detail: ErrorDetails) -> str:
    location = detail["loc"][:-1] if detail["type"] == "extra_forbidden" else detail["loc"]
    return ".".join(str(part) for part in location if part != "[key]") or "the study"


def _what(detail: ErrorDetails, model: type[BaseModel]) -> str:
    kind, given = detail["type"], detail.get("input")
    if kind == "extra_forbidden":
        key, here = detail["loc"][-1], _model_at(model, detail["loc"][:-1])
        return unknown_key(key, list(here.model_fields) if here is not None else []) + _one_deeper(key, here)
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    if kind == "literal_error":
        return f"{given!r} is not allowed (allowed: {detail['ctx']['expected'].replace(' or ', ', ')})"
    if kind in _BOUNDS:
        word, bound = _BOUNDS[kind]
        return f"{_shown(given)} is not allowed (allowed: {word.format(detail['ctx'][bound])})"
    if kind == "string_pattern_mismatch":  # the only one is that of names, which become folders
        return f"{_shown(given)} is not allowed (allowed: letters, digits, . _ and -, a letter or a digit first)"
    if kind == "too_short":
        return f"{_shown(given)} is empty (allowed: at least one entry)"
    message = _WORDS.get(kind, _plain(detail["msg"]))
    wanted = _model_at(model, detail["loc"]) if kind in ("model_type", "model_attributes_type") else None
    if wanted is not None:
        message += f" (allowed: {', '.join(wanted.model_fields)})"
    if kind == "missing":
        return message
    return f"{message}, this is {_shown(given)}"


def _plain(message: str) -> str:
    return message[0].lower() + message[1:].replace("Input should", "should").rstrip(".")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _one_deeper(key: object, here: type[BaseModel] | None) -> str:
    """Say where a key belongs that stands one level too high."""
    fields = here.model_fields.items() if here is not None else ()
    places = [name for name, field in fields if (inner := _model_in(field.annotation)) and key in inner.model_fields]
    return f"; it belongs in {places[0]}: {{{key}: ...}}" if len(places) == 1 else ""


def _model_at(model: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel] | None:
    found: type[BaseModel] | None = model
    for part in location:
        if found is not None and part in found.model_fields:
            found = _model_in(found.model_fields[str(part)].annotation)
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)
