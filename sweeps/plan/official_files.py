"""The official corruption files of a study: their digest is part of the key of what is judged on them."""

from __future__ import annotations

from pathlib import Path

from prune_core import corruptions
from prune_core.base.errors import BadInput
from prune_core.data.cache import default_cache
from sweeps.plan.data import load_data
from sweeps.plan.data_facts import described_trials
from sweeps.study.model import Study


def with_official_files(study: Study, out: Path | None, *, required: bool, recorded: bool = False) -> Study:
    """Return the study with the digest of its official corruption files, where it uses any: that is part of the keys.

    Args:
        study: the resolved study.
        out: an output folder whose trials know the digest, for a machine that has not the files.
        required: raise when the files are not at hand, instead of asking the folder.
        recorded: ask the folder alone, and open neither files nor images.

    Raises:
        BadInput: the files are required and not at hand, or not those that the study names.
    """
    evaluation = study.evaluation
    if evaluation.corruptions != "official":
        return study
    known = evaluation.sha256 or _remembered_files(study, out)
    found = known if recorded else _found(study, known, required=required)
    if evaluation.sha256 not in (None, found):
        raise BadInput(f"evaluation.sha256: the files have SHA-256 {found}, not {evaluation.sha256}")
    return study.model_copy(update={"evaluation": evaluation.model_copy(update={"sha256": found})})


def _found(study: Study, known: str | None, *, required: bool) -> str | None:
    try:
        labels = load_data(study.data.name, study.data.options, download=False).test_labels
        folder, name = study.evaluation.folder or default_cache(), study.data.name
        return corruptions.official_digest(folder, name=name, labels=labels, cache=default_cache())
    except BadInput as error:
        if required:
            raise BadInput(f"evaluation.corruptions: official: {error}") from None
        return known


def _remembered_files(study: Study, out: Path | None) -> str | None:
    folder = None if study.evaluation.folder is None else str(study.evaluation.folder)
    judged = (description.evaluation for description in described_trials(out))
    return next((each.files for each in judged if each.files is not None and each.folder == folder), None)
