"""The code of a user's own module, as digests: part of the key of every trial that uses it. Imports no torch.

The source of a module and of the user's modules that it imports, followed from file to file as the text of each says; what
is installed in site-packages counts only within the module's own package. An import whose name is computed is not seen.
"""

from __future__ import annotations

import ast
import hashlib
import sysconfig
from collections.abc import Iterator, Sequence
from importlib.machinery import EXTENSION_SUFFIXES, PathFinder
from pathlib import Path

SHIPPED = ("prune_core", "sweeps", "dashboards")
"""The product's own packages: what they compute is versioned by `prune_core.base.description.FORMAT`."""

NO_SOURCE = "no source"
"""In place of a digest, where a module has no file (an interactive session)."""


def is_shipped(module: str) -> bool:
    """Return whether a module is the product's own."""
    return module.partition(".")[0] in SHIPPED


def is_installed(folder: Path) -> bool:
    """Return whether a folder is Python's own, or one of those that pip fills."""
    own = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")]
    return any(part in ("site-packages", "dist-packages") for part in folder.parts) or any(
        folder == place or place in folder.parents for place in own
    )


def code_digests(module: str, file: str | None) -> dict[str, str]:
    """Return the SHA-256 of each module's source, by the module's name, in the order of the names.

    Line endings do not count: the same text checked out on another system is the same code.

    Args:
        module: dotted name, as it was imported; none of the product's own.
        file: where it was loaded from.
    """
    if file is None or not Path(file).is_file():
        return {module: NO_SOURCE}
    path = Path(file).resolve()
    name = path.stem if module == "__main__" else module
    root = _root(name, path)
    found: dict[str, str] = {}
    waiting = [(name, path)]
    while waiting:
        current, source = waiting.pop()
        if current in found:
            continue
        text = source.read_bytes()
        found[current] = hashlib.sha256(text.replace(b"\r\n", b"\n")).hexdigest()
        is_package = source.name == "__init__.py"
        for wanted in _imports(text, current if is_package else current.rpartition(".")[0]):
            waiting += [(each, place) for each, place in _modules(wanted, root, name) if each not in found]
    return dict(sorted(found.items()))


def module_file(module: str, folders: Sequence[str]) -> Path | None:
    """Return the file that an import of a module would load, without importing anything; None where there is none.

    Args:
        module: dotted name.
        folders: looked in before what is installed, the first one first.
    """
    inside = next((found for folder in folders if (found := _file(module, Path(folder))) is not None), None)
    if inside is not None:
        return inside
    spec = PathFinder.find_spec(module.partition(".")[0])
    if spec is None or spec.origin is None:
        return None
    top = Path(spec.origin)
    return _file(module, top.parents[1] if top.name == "__init__.py" else top.parent)


def _root(module: str, path: Path) -> Path:
    """The folder that the module's dotted name starts from."""
    deep = module.count(".") + (path.name == "__init__.py")
    return path.parents[min(deep, len(path.parents) - 1)]


def _imports(source: bytes, package: str) -> Iterator[str]:
    """Yield the dotted names that a module's text imports, also those of which only a function or class is wanted."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # a compiled module
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".") if package else []
            up = parts[: len(parts) - node.level + 1] if node.level else []
            base = ".".join([*up, *([node.module] if node.module else [])])
            yield from ([base] if base else [])
            yield from (f"{base}.{alias.name}" if base else alias.name for alias in node.names)


def _modules(wanted: str, root: Path, of: str) -> Iterator[tuple[str, Path]]:
    """Yield the module of a dotted name with its file, where it is the user's."""
    top = wanted.partition(".")[0]
    if not top or is_shipped(wanted):
        return
    own = of.partition(".")[0]
    if not is_installed(root) or top == own:
        found = _file(wanted, root)
        if found is not None:
            yield wanted, found
            return
    if top == own or _file(top, root) is not None:
        return
    # a folder beside the plugin's: another entry of plugin_paths
    spec = PathFinder.find_spec(top)
    places = [spec.origin] if spec is not None and spec.origin else list((spec and spec.submodule_search_locations) or [])
    for place in places:
        elsewhere = Path(place).resolve()
        base = elsewhere.parents[1] if elsewhere.name == "__init__.py" else elsewhere.parent
        found = None if is_installed(base) else _file(wanted, base)
        if found is not None:
            yield wanted, found


def _file(module: str, root: Path) -> Path | None:
    stem = root.joinpath(*module.split("."))
    candidates = [stem / "__init__.py", stem.with_name(f"{stem.name}.py")]
    candidates += [stem.with_name(f"{stem.name}{suffix}") for suffix in EXTENSION_SUFFIXES]
    return next((path for path in candidates if path.is_file()), None)
