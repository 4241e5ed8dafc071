"""The checksum of a study's data: part of every key, so that other images are other trials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prune_core.errors import BadInput
from prune_core.files import read_json
from prune_core.trial_folder import DESCRIPTION
from sweeps.study import Study


def data_checksum(study: Study, out: Path | None, *, required: bool) -> str | None:
    """Return the checksum of the study's dataset.

    Args:
        study: the resolved study.
        out: an output folder whose trials know the checksum, for a machine that has not the data.
        required: raise when the data is not at hand, instead of asking the folder.

    Raises:
        BadInput: the data is required and not at hand.
    """
    from prune_core.data import load_dataset, split_dataset

    try:
        with_name = load_dataset(study.data.name, **study.data.options)
    except BadInput as error:
        if required:
            raise BadInput(f"data: {error}") from None
        return _remembered(study, out)
    try:
        split_dataset(with_name, study.seed, validation=study.data.validation, test=study.data.test, train=study.data.train)
    except BadInput as error:
        raise BadInput(f"data: {error}") from None
    return with_name.checksum


def _remembered(study: Study, out: Path | None) -> str | None:
    if out is None:
        return None
    for path in sorted((out / "trials").glob(f"*/{DESCRIPTION}")):
        try:
            data: dict[str, Any] = read_json(path)["baseline"]["data"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if data.get("name") == study.data.name and data.get("options") == study.data.options:
            return str(data["checksum"])
    return None
