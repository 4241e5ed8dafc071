"""The user's module that builds a network, copied beside its file: what is exported loads where the module is not known."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from prune_core.base.plugin_code import is_installed, module_file
from prune_core.networks.defining_module import DefiningModule


def copy_module(built_by: DefiningModule, folder: Path, paths: Sequence[str]) -> list[str]:
    """Copy a module, and the user's modules that it imports, into a folder, so that they are imported from there.

    Args:
        built_by: the module, which is imported here.
        folder: gets the files, packages as folders.
        paths: where plugins are looked for.

    Returns:
        The names of the files in ``folder``; none where the module is an installed package, or has no source file.
    """
    places = [path for path in paths if not is_installed(Path(path))]
    found = {module: module_file(module, places) for module in built_by.code}
    loaded = getattr(sys.modules.get(built_by.name), "__file__", None)
    own = found.get(built_by.name)
    if own is None or loaded is None or own.resolve() != Path(loaded).resolve():
        return []
    copied = []
    for module, source in found.items():
        if source is None or is_installed(source.parent):
            continue
        parts = module.split(".")
        package = parts if source.stem == "__init__" else parts[:-1]
        target = folder.joinpath(*package, source.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        copied.append(target.relative_to(folder).as_posix())
    return sorted(copied)


def remove_copies(folder: Path, files: Sequence[str]) -> None:
    """Remove what `copy_module` copied."""
    for name in files:
        (folder / name).unlink(missing_ok=True)
    for name in {name.partition("/")[0] for name in files if "/" in name}:
        shutil.rmtree(folder / name, ignore_errors=True)
