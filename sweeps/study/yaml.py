"""Study files as YAML: found, read with a safe loader that refuses repeated keys, overridden, written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from prune_core.base.errors import BadInput, UnknownName
from prune_core.base.files import replacing
from sweeps.folder.paths import STUDY

SHIPPED = Path(__file__).parents[1] / "studies"


class _Loader(yaml.SafeLoader):
    """The safe loader, with numbers as people write them (1e-3) and without keys that come twice."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if isinstance(key, list | dict | set):
            raise yaml.constructor.ConstructorError(
                None, None, "a key is a name, not a list or a mapping", key_node.start_mark
            )
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is there twice", key_node.start_mark)
        seen.add(key)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_FLOAT = re.compile(r"^[-+]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)[eE][-+]?[0-9]+$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))


def shipped_studies() -> list[str]:
    """Return the names of the studies that ship."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def find_study(name_or_path: str) -> Path:
    """Return the path of a shipped study or of a file.

    Raises:
        BadInput: neither a shipped name nor a readable file.
    """
    path = Path(name_or_path).expanduser()
    if path.is_file():
        return path
    looks_like_a_path = path.suffix in (".yaml", ".yml") or len(path.parts) > 1
    if looks_like_a_path:
        if path.is_dir() and (path / STUDY).is_file():
            return path / STUDY
        raise BadInput(
            f"no study file {str(path)!r} (allowed: a readable YAML file, or one of {', '.join(shipped_studies())})"
        )
    if name_or_path not in shipped_studies():
        raise UnknownName("study", name_or_path, shipped_studies())
    return SHIPPED / f"{name_or_path}.yaml"


def parse_yaml(text: str, where: str) -> Any:
    """Return what a YAML text says.

    Raises:
        BadInput: a syntax error, with its line.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  (a subclass of the safe loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        raise BadInput(f"{where}{place}: {problem}") from None


def read_study_yaml(path: Path) -> Any:
    """Return the plain data of a study file.

    Raises:
        BadInput: unreadable, not UTF-8, or no YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror} (a study file must be readable)") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path.name}: no UTF-8 text (a study file is YAML in UTF-8)") from None
    return parse_yaml(text, path.name)


def apply_overrides(plain: Any, overrides: Sequence[str]) -> None:
    """Set ``key.sub=value`` in plain data, in place; what the key may be is checked with the study.

    Raises:
        BadInput: no ``=``, a value that is no YAML, or a path through something that has no keys.
    """
    for text in overrides:
        path, sign, value = text.partition("=")
        if not sign or not path.strip():
            raise BadInput(f"--set {text!r}: allowed is KEY=VALUE, for example seeds=[0,1] or resources.threads=2")
        _set(plain, path.strip().split("."), parse_yaml(value, f"--set {path.strip()}"), text)


def _set(node: Any, keys: list[str], value: Any, text: str) -> None:
    for depth, key in enumerate(keys):
        last = depth == len(keys) - 1
        if isinstance(node, list):
            if not key.isdigit() or int(key) >= len(node):
                raise BadInput(
                    f"--set {text!r}: {'.'.join(keys[:depth])} is a list of {len(node)}, allowed: 0 to {len(node) - 1}"
                )
            if last:
                node[int(key)] = value
            node = node[int(key)]
        elif isinstance(node, dict):
            if last:
                node[key] = value
            elif node.get(key) is None:
                node[key] = {}
            node = node[key]
        else:
            raise BadInput(f"--set {text!r}: {'.'.join(keys[:depth])} has no keys of its own")


def write_study(plain: dict[str, Any], path: Path, *, provenance: dict[str, Any] | None = None) -> None:
    """Write a resolved study as YAML that `load_study` takes again; ``provenance`` is kept beside it and not read back."""
    whole = {**plain, **({"provenance": provenance} if provenance else {})}
    with replacing(path) as temporary:
        temporary.write_text(yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=120), encoding="utf-8")
