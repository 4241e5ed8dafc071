"""The user's own modules: what they register is known before anything of a study file is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prune_core.base.plugins import import_plugins
from sweeps.study.trust import Asked, Confirm, require_trust


def plugin_folders(paths: Sequence[str], folder: Path) -> tuple[str, ...]:
    """Return where a study's plugins are looked for: its ``plugin_paths``, relative to its folder, and that folder."""
    return tuple(dict.fromkeys([*(str((folder / path).resolve()) for path in paths), str(folder)]))


def import_plugins_of(plain: Any, folder: Path, *, received: bool = False, confirm: Confirm = require_trust) -> None:
    """Import what a study file names as plugins: objectives and limits may name the columns that they register.

    Args:
        plain: the study file as plain data; what has a wrong shape is left to those who check the file.
        folder: what its relative paths are relative to.
        received: whether the study is that of an output folder, which somebody may have sent.
        confirm: asked before anything is imported; raises where it must not be.

    Raises:
        BadInput: not confirmed, or a module cannot be imported, with the reason.
    """
    known = plain if isinstance(plain, Mapping) else {}
    modules, paths = (_texts(known.get(key)) for key in ("plugins", "plugin_paths"))
    if modules:
        folders = plugin_folders(paths, folder)
        confirm(Asked(folder, modules, folders, received))
        import_plugins(modules, folders)


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, list | tuple) and all(isinstance(one, str) and one for one in value):
        return tuple(value)
    return ()
