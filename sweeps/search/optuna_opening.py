"""A study in an Optuna storage: found again, refused where it is another folder's, made anew where its space is another."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from prune_core.base.errors import BadInput
from sweeps.folder.identity import UID_TAG

if TYPE_CHECKING:
    import optuna

_SPACE, _OWNER = "prunefront.space", UID_TAG


def study_in(storage: Any, name: str, owner: str, digest: str, objectives: Sequence[tuple[str, str]]) -> optuna.Study:
    """Return the study of an output folder; one of another space or other objectives is replaced.

    Args:
        storage: Optuna's, open.
        name: of the study.
        owner: the folder, by its study's identity.
        digest: of space and objectives.
        objectives: (column, ``min`` or ``max``).

    Raises:
        BadInput: the storage has a study of that name from another output folder.
    """
    import optuna

    if name in optuna.get_all_study_names(storage=storage):
        study = optuna.load_study(study_name=name, storage=storage)
        if study.user_attrs.get(_OWNER, owner) != owner:
            raise _taken(name)
        if study.user_attrs.get(_SPACE) == digest:
            return study
        # Optuna cannot change the choices of a parameter; all that was measured is in the trial folders.
        optuna.delete_study(study_name=name, storage=storage)
    directions = ["maximize" if direction == "max" else "minimize" for _, direction in objectives]
    try:
        study = optuna.create_study(storage=storage, study_name=name, directions=directions)
    except optuna.exceptions.DuplicatedStudyError:  # another driver was a moment faster
        raise _taken(name) from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names([column for column, _ in objectives])
    study.set_user_attr(_OWNER, owner)
    study.set_user_attr(_SPACE, digest)
    return study


def _taken(name: str) -> BadInput:
    return BadInput(f"Optuna storage: study {name!r} belongs to another output folder (allowed: another name)")
