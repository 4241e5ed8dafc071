"""Study files as YAML: found, read with a safe loader that refuses repeated keys, overridden, written."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import yaml

from prune_core.base.addresses import masked
from prune_core.base.errors import BadInput, UnknownName
from prune_core.base.files import replacing
from prune_core.base.limits import YAML_BYTES, YAML_DEPTH, YAML_NODES, size_text
from sweeps.folder.links import refuse_links
from sweeps.folder.paths import STUDY, TRIALS
from sweeps.study.scalars import ambiguity

SHIPPED = Path(__file__).parents[1] / "studies"
PROVENANCE = "provenance"
"""The last key of the file that a run writes: beside the study, not read back as part of it."""
LAST_SECTION = "tracking"
"""The last section of a resolved study: a file in an output folder that has neither was cut before its end."""


class _Loader(yaml.SafeLoader):
    """The safe loader, with numbers as people write them (1e-3), and nothing that comes twice or means two things."""


class _Dumper(yaml.SafeDumper):
    """The safe dumper, with quotes around every text that `_Loader` would not read as that text."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    quoted = ambiguity(value) is not None or _FLOAT.match(value)
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="'" if quoted else None)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_FLOAT = re.compile(r"^[-+]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)[eE][-+]?[0-9]+$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))
_Dumper.add_representer(str, _text)
_MERGE = "tag:yaml.org,2002:merge"
_TEXT = "tag:yaml.org,2002:str"


class _Check:
    """One walk over what a text says before any of it is made: depth, size with aliases written out, keys, values."""

    def __init__(self, loader: _Loader, switches: Collection[str]) -> None:
        self._loader, self._switches = loader, switches
        self._sizes: dict[int, int] = {}
        self._open: set[int] = set()
        self._ours = False

    def document(self, node: yaml.Node) -> None:
        """Raise `yaml.YAMLError` for what is not allowed."""
        names = [key.value for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []
        self._ours = PROVENANCE in names  # written by us: every text that we saw as ambiguous has quotes
        self._size(node, ())

    def _size(self, node: yaml.Node, path: tuple[str, ...]) -> int:
        """Return how many values a node has, with every alias written out."""
        known = self._sizes.get(id(node))
        if known is not None:
            return known
        if id(node) in self._open:
            raise _wrong(node, f"the alias at {'.'.join(path)} is inside of what it names")
        if len(path) > YAML_DEPTH:
            raise _wrong(node, f"more than {YAML_DEPTH} lists and mappings inside each other, the most allowed")
        self._open.add(id(node))
        if isinstance(node, yaml.MappingNode):
            self._keys(node, path)
            size = 1 + sum(self._size(value, (*path, str(key.value))) for key, value in node.value)
        elif isinstance(node, yaml.SequenceNode):
            size = 1 + sum(self._size(value, (*path, str(at))) for at, value in enumerate(node.value))
        else:
            self._scalar(node, path)
            size = 1
        if size > YAML_NODES:
            raise _wrong(node, f"more than {YAML_NODES:,} values with every alias written out, the most allowed")
        self._open.discard(id(node))
        self._sizes[id(node)] = size
        return size

    def _keys(self, node: yaml.MappingNode, path: tuple[str, ...]) -> None:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _wrong(key_node, "a key is a name, not a list or a mapping")
            self._scalar(key_node, path, as_key=True)
            key = "<<" if key_node.tag == _MERGE else self._loader.construct_object(key_node, deep=True)
            if key in seen:
                raise _wrong(key_node, f"the key {key!r} is there twice")
            seen.add(key)

    def _scalar(self, node: yaml.Node, path: tuple[str, ...], *, as_key: bool = False) -> None:
        if not isinstance(node, yaml.ScalarNode) or node.style or (self._ours and node.tag == _TEXT):
            return
        name = ".".join(path)
        why = ambiguity(node.value)
        if why is not None and not (not as_key and name in self._switches and node.tag.endswith(":bool")):
            key = f"the key {node.value}{f' of {name}' if name else ''}"
            place = key if as_key else f"{name or 'the value'}: {node.value}"
            raise _wrong(node, f"{place} {why}")


def _wrong(node: yaml.Node, problem: str) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


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
    folder = study_folder(name_or_path)
    if folder is not None:
        refuse_links(folder)
        return folder / STUDY
    looks_like_a_path = path.suffix in (".yaml", ".yml") or len(path.parts) > 1 or path.is_dir()
    if looks_like_a_path and name_or_path not in shipped_studies():
        if path.is_dir():
            raise BadInput(f"{path}: there is no study here (allowed: a folder that holds {STUDY}, such as a run leaves)")
        raise BadInput(
            f"no study file {str(path)!r} (allowed: a readable YAML file, or one of {', '.join(shipped_studies())})"
        )
    if name_or_path not in shipped_studies():
        raise UnknownName("study", name_or_path, shipped_studies())
    return SHIPPED / f"{name_or_path}.yaml"


def study_folder(name_or_path: str) -> Path | None:
    """Return the folder that is meant where a study is named by the folder that it lies in, else None.

    A shipped name means the shipped study, also where a folder is called so; ``./NAME`` is the folder.
    """
    path = Path(name_or_path).expanduser()
    shipped = name_or_path in shipped_studies()
    return path if not shipped and path.is_dir() and (path / STUDY).is_file() else None


def parse_yaml(text: str, where: str, *, switches: Collection[str] = ()) -> Any:
    """Return what a YAML text says.

    Args:
        text: YAML, of which every plain value must mean one thing (see `sweeps.study.scalars`).
        where: how messages call it.
        switches: paths of keys that take true or false and nothing else: there ``yes`` and ``no`` are clear.

    Raises:
        BadInput: a syntax error, an ambiguous value, or more than the limits allow; with its line.
    """
    if len(text) > YAML_BYTES:
        raise BadInput(f"{where}: {size_text(len(text))} of YAML (allowed: up to {size_text(YAML_BYTES)})")
    try:
        return _parsed(_Loader(text), switches)
    except RecursionError:
        raise BadInput(f"{where}: more than {YAML_DEPTH} lists and mappings inside each other, the most allowed") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a number of thousands of digits, a date that is none
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        raise BadInput(f"{where}{place}: {problem}") from None


def _parsed(loader: _Loader, switches: Collection[str]) -> Any:
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _Check(loader, switches).document(node)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def read_study_yaml(path: Path, *, switches: Collection[str] = ()) -> Any:
    """Return the plain data of a study file; ``switches`` as in `parse_yaml`.

    Raises:
        BadInput: unreadable, not UTF-8, or no YAML; in an output folder also one that is cut short, with the remedy.
    """
    if not (path.name == STUDY and (path.parent / TRIALS).is_dir()):
        return _read(path, switches)
    try:
        plain = _read(path, switches)
        # a file that is cut before its end may still be YAML, of another study
        if not isinstance(plain, dict) or not {PROVENANCE, LAST_SECTION} & set(plain):
            raise BadInput(f"{path.name}: empty or cut short")
    except BadInput as error:
        out = shlex.quote(str(path.parent))
        raise BadInput(
            f"{path.parent / str(error)} (allowed: `prunefront run` with the study's own file and --out {out}, "
            "which writes it anew, or restore it from a backup)"
        ) from None
    return plain


def _read(path: Path, switches: Collection[str]) -> Any:
    try:
        size = path.stat().st_size
        if size > YAML_BYTES:
            raise BadInput(f"{path.name}: a study file of {size_text(size)} (allowed: up to {size_text(YAML_BYTES)})")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path.name}: {error.strerror} (a study file must be readable)") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path.name}: no UTF-8 text (a study file is YAML in UTF-8)") from None
    return parse_yaml(text, path.name, switches=switches)


def apply_overrides(plain: Any, overrides: Sequence[str], *, switches: Collection[str] = ()) -> None:
    """Set ``key.sub=value`` in plain data, in place; what the key may be is checked with the study.

    Raises:
        BadInput: no ``=``, a value that is no YAML, a path through something that has no keys, or one text for a list.
    """
    if isinstance(overrides, str):  # its letters would be taken for overrides
        raise BadInput(f"overrides: one text (allowed is a list of KEY=VALUE, here [{masked(overrides, overrides)!r}])")
    for text in overrides:
        path, sign, value = text.partition("=")
        if not sign or not path.strip():
            raise BadInput(
                f"--set {masked(text, text)!r}: allowed is KEY=VALUE, for example seeds=[0,1] or resources.threads=2"
            )
        key = path.strip()
        clear = [""] if key in switches else []  # the value stands alone: its path is empty
        _set(plain, key.split("."), parse_yaml(value, f"--set {key}", switches=clear), masked(text, value))


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


def study_text(plain: dict[str, Any], *, provenance: dict[str, Any] | None = None) -> str:
    """Return a resolved study as YAML that `load_study` takes again; ``provenance`` is kept beside it, not read back."""
    whole = {**plain, **({PROVENANCE: provenance} if provenance else {})}
    return yaml.dump(whole, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def write_study(plain: dict[str, Any], path: Path, *, provenance: dict[str, Any] | None = None) -> None:
    """Write what `study_text` returns, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(study_text(plain, provenance=provenance), encoding="utf-8")
