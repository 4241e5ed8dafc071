"""The reference of the Python names, from signatures and docstrings (google style)."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

MODULES = (
    "prunefront",
    "prune_core",
    "prune_core.networks",
    "prune_core.pruning",
    "prune_core.metrics",
    "prune_core.corruptions",
    "prune_core.data",
)
"""The packages whose ``__all__`` is promised to users."""

_SECTION = re.compile(r"^(Args|Returns|Raises|Attributes|Yields):$")
_ENTRY = re.compile(r"^    (\*{0,2}[\w. ,]+):\s+(.*)$")


def python_page() -> str:
    """Return the page: each package, each of its names with signature and meaning; classes with their public members."""
    lines = [
        "# Python",
        "",
        "Made from the docstrings. What stands here stays where it is; a change is noted in the changelog.",
        "",
    ]
    for name in MODULES:
        module = import_module(name)
        lines += [f"## `{name}`", "", *markdown(inspect.getdoc(module) or ""), ""]
        for each in sorted(module.__all__, key=str.lower):
            if not each.startswith("_"):
                lines += _described(f"{name}.{each}", getattr(module, each))
    return "\n".join(lines).rstrip() + "\n"


def _described(path: str, value: Any) -> Iterator[str]:
    name = path.rpartition(".")[2]
    yield from (f"### `{path}`", "")
    if inspect.isclass(value):
        yield from (*_code(f"class {name}{_signature(value)}"), *markdown(inspect.getdoc(value) or ""), "")
        for member, each in sorted(vars(value).items()):
            function = each.func if hasattr(each, "func") else getattr(each, "fget", None) or getattr(each, "__func__", each)
            if not member.startswith("_") and inspect.isfunction(function) and inspect.getdoc(function):
                shown = f"{name}.{member}" if function is not each else f"{name}.{member}{_signature(function, method=True)}"
                yield from (f"#### `{name}.{member}`", "", *_code(shown), *markdown(inspect.getdoc(function) or ""), "")
    elif callable(value):
        yield from (*_code(f"{name}{_signature(value)}"), *markdown(inspect.getdoc(value) or ""), "")
    else:
        text = inspect.getdoc(value) if type(value).__module__ != "builtins" else ""
        yield from (*markdown(text or ""), "")


def _code(text: str) -> list[str]:
    return ["```python", text, "```", ""]


def _signature(value: Any, *, method: bool = False) -> str:
    """Return the arguments as they are written, annotations unquoted; a line each where they are long."""
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return ""
    parts, star = [], False
    for each in list(found.parameters.values())[1 if method else 0 :]:
        if each.kind is each.KEYWORD_ONLY and not star:
            parts.append("*")
        star = star or each.kind in (each.KEYWORD_ONLY, each.VAR_POSITIONAL)
        mark = "*" if each.kind is each.VAR_POSITIONAL else "**" if each.kind is each.VAR_KEYWORD else ""
        typed = "" if each.annotation is each.empty else f": {_type(each.annotation)}"
        default = "" if each.default is each.empty else f"{' = ' if typed else '='}{_default(each.default)}"
        parts.append(f"{mark}{each.name}{typed}{default}")
    result = "" if found.return_annotation in (found.empty, None, "None") else f" -> {_type(found.return_annotation)}"
    short = f"({', '.join(parts)}){result}"
    return short if len(short) < 90 else "(\n    " + ",\n    ".join(parts) + f",\n){result}"


def _type(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


def _default(value: Any) -> str:
    text = repr(value)
    return "..." if " at 0x" in text or text.startswith("<") else text


def markdown(text: str) -> Iterator[str]:
    """Yield a google docstring as Markdown: its sections as lists, double backquotes as single ones."""
    inside = False
    for line in text.replace("``", "`").splitlines():
        if _SECTION.match(line):
            inside = True
            yield from ("", f"**{line}**", "")
        elif inside and line and not line.startswith(" "):
            inside = False
            yield from ("", line)
        elif inside and (entry := _ENTRY.match(line)):
            yield f"- `{entry[1]}`: {entry[2]}"
        elif inside:
            yield f"  {line.strip()}" if line.strip() else ""
        else:
            yield line
    yield ""
