"""The user's own modules: what they register is known before anything of a study file is looked at."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prune_core.base.errors import BadInput


def plugin_folders(paths: Sequence[str], folder: Path) -> tuple[str, ...]:
    """Return where a study's plugins are looked for: its ``plugin_paths``, relative to its folder, and that folder."""
    return tuple(dict.fromkeys([*(str((folder / path).resolve()) for path in paths), str(folder)]))


def import_plugins_of(plain: Mapping[str, Any], folder: Path) -> None:
    """Import what a study file names as plugins: objectives and limits may name the columns that they register.

    Args:
        plain: the study file as plain data; keys of a wrong shape are left to those who check the file.
        folder: what its relative paths are relative to.

    Raises:
        BadInput: a module cannot be imported, with the reason.
    """
    modules, paths = (_texts(plain.get(key)) for key in ("plugins", "plugin_paths"))
    if modules:
        import_plugins(modules, plugin_folders(paths, folder))


def import_plugins(modules: Sequence[str], paths: Sequence[str]) -> None:
    """Import the user's modules, so that what they register is known.

    Raises:
        BadInput: a module cannot be imported, with the reason.
    """
    for path in reversed(paths):
        if path not in sys.path:
            sys.path.insert(0, path)
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:  # noqa: BLE001  (outside code may raise anything)
            reason = " ".join(str(error).split())
            raise BadInput(f"plugins: {module} cannot be imported: {type(error).__name__}: {reason}") from None


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, list | tuple) and all(isinstance(one, str) and one for one in value):
        return tuple(value)
    return ()
