"""Links in a folder that somebody sent: nothing is read or written through one that leaves it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from prune_core.base.errors import BadInput


def refuse_links(folder: Path) -> None:
    """Look at every entry of an output folder or a store, however deep, before anything in it is opened.

    The folder itself may be reached through links, and links that stay inside are fine. One look, with nothing opened: who
    can exchange names in the folder meanwhile is not kept out (SECURITY.md).

    Raises:
        BadInput: a link leads out of the folder, or nowhere; the line names it.
    """
    home = folder.resolve()
    for path in _links(home):
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):  # RuntimeError: a loop, in Python before 3.13
            target = None
        if target is None or not target.is_relative_to(home):
            raise BadInput(
                f"{folder / path.relative_to(home)}: is a link that leads out of the folder, and nothing is read or written "
                f"through it (allowed: the file itself, or a link to {folder} as a whole)"
            )


def _links(folder: Path) -> Iterator[Path]:
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        yield Path(entry.path)
                    elif entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
        except (FileNotFoundError, NotADirectoryError, PermissionError):  # went meanwhile, or is not ours to look into
            continue
