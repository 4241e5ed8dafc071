"""Where exports are put: ``models/`` of a study's folder, each one whole or not there at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prune_core.base.errors import BadInput
from prune_core.base.files import is_abandoned, temporary_folder
from sweeps.folder.paths import MODELS

CARD, README = "card.json", "README.md"
_ABANDONED_SECONDS = 86400.0


def models_folder(out: Path) -> Path:
    """Return the folder of the exports, made where it is missing.

    Raises:
        BadInput: it is a link, so exports would leave the study's folder; or it cannot be written.
    """
    models = out / MODELS
    if models.is_symlink():
        raise BadInput(f"{models}: is a link (exports stay in the study's folder: remove the link)")
    try:
        models.mkdir(exist_ok=True)
    except OSError as error:
        raise BadInput(f"{models}: cannot be written: {error.strerror}") from None
    return models


def check_target(target: Path) -> None:
    """Refuse a name that is taken by anything but an earlier export.

    Raises:
        BadInput: a link, or a folder without a card.
    """
    if target.is_symlink() or (target.exists() and not (target / CARD).is_file()):
        raise BadInput(f"{target}: is there and no export of ours (move it away; an export is replaced, nothing else is)")


@contextmanager
def whole_folder(models: Path, name: str) -> Iterator[Path]:
    """Yield a temporary folder; on success it takes its name, and the export that had it is removed."""
    for left in models.glob(f".{name}.*"):
        if is_abandoned(left, _ABANDONED_SECONDS):  # by an export that was killed
            shutil.rmtree(left, ignore_errors=True)
    temporary = temporary_folder(models / name)
    try:
        yield temporary
        target = models / name
        if target.exists():
            old = temporary.with_suffix(".old")
            target.rename(old)
            temporary.rename(target)
            shutil.rmtree(old, ignore_errors=True)
        else:
            temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
