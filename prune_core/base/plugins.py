"""The modules of a user that register networks, methods, datasets or metrics: imported in every process that needs them."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterable, Mapping
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
from pathlib import Path
from typing import Any

from prune_core.base.errors import BadInput


def import_plugins(modules: Iterable[str], paths: Iterable[str] = ()) -> None:
    """Import the user's modules, so that what they register is known.

    Args:
        modules: their names.
        paths: folders to look in before all others, the first one first; they stay on ``sys.path``, since a plugin may
            import more of them later.

    Raises:
        BadInput: no name of a module, or one that cannot be imported, with the reason on one line.
    """
    wanted = list(modules)
    for module in wanted:
        _check_name(module)
    looked = list(dict.fromkeys(paths))
    _read_sources_of(looked)
    sys.path[:0] = [path for path in looked if path not in sys.path]
    for module in wanted:
        try:
            importlib.import_module(module)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (outside code may raise anything)
            why = " ".join(f"{type(error).__name__}: {error}".split())
            where = f" (looked in {', '.join(looked)} and among what is installed)" if _is_missing(module, error) else ""
            raise BadInput(f"plugins: {module} cannot be imported: {why}{where}") from None


def _check_name(module: str) -> None:
    if not all(part.isidentifier() for part in module.split(".")) or module.endswith(".py"):
        file = Path(module)
        meant = ""
        if not file.name.removesuffix(".py").isidentifier():
            able = re.sub(r"\W+", "_", file.name.removesuffix(".py")).strip("_")
            meant = f": letters, digits and _; rename the file, for example to {able}.py" if able.isidentifier() else ""
        elif file.suffix == ".py":
            meant = f"; for the file {module} it is {file.stem}, said in its folder"
        raise BadInput(f"plugins: {module!r} is not the name of a module (allowed: a name as after `import`{meant})")


class _Source(SourceFileLoader):
    """Compiles the source each time: a cached ``.pyc`` beside it may say something else, and nobody reads those."""

    def path_stats(self, path: str | bytes) -> Mapping[str, Any]:
        raise OSError(f"{path!r}: no bytecode is looked for")


_ROOTS: list[Path] = []
"""Folders of plugins that this process imports from."""


def _read_sources_of(folders: Iterable[str]) -> None:
    """Make imports from these folders and the packages in them read source files and extensions, and no bytecode."""
    roots = [root for folder in folders if (root := Path(folder)) not in _ROOTS]
    if roots and not _ROOTS:
        sys.path_hooks.insert(0, _finder)
    _ROOTS.extend(roots)
    for path in [path for path in sys.path_importer_cache if any(Path(path).is_relative_to(root) for root in roots)]:
        del sys.path_importer_cache[path]


def _finder(path: str) -> FileFinder:
    """Return who finds modules in a folder of plugins.

    Raises:
        ImportError: it is none; the next hook is asked.
    """
    inside = next((Path(path).relative_to(root) for root in _ROOTS if Path(path).is_relative_to(root)), None)
    # what is no name (site-packages, python3.11) is no package of a plugin, but may hold what is installed
    if inside is None or not all(part.isidentifier() for part in inside.parts) or not Path(path).is_dir():
        raise ImportError(path)
    return FileFinder(path, (ExtensionFileLoader, EXTENSION_SUFFIXES), (_Source, SOURCE_SUFFIXES))


def _is_missing(module: str, error: BaseException) -> bool:
    """Whether the module itself is not there, and not something that it imports."""
    return isinstance(error, ModuleNotFoundError) and (error.name or "") in (module, module.partition(".")[0])
