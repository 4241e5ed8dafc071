"""A search keeps the sampler that it was begun with, also when the default has become another one."""

from __future__ import annotations

from pathlib import Path

from prune_core.base.errors import BadInput
from sweeps.folder.paths import STUDY
from sweeps.samplers import FORMER_DEFAULT
from sweeps.study.model import Study
from sweeps.study.yaml import read_study_yaml


def with_kept_sampler(study: Study, out: Path) -> Study:
    """Return the study with the sampler of the search in its folder, where the study names none itself.

    Args:
        study: the resolved study.
        out: its output folder; may hold nothing yet.
    """
    if study.search.kind != "optuna" or "sampler" in study.search.model_fields_set or not (out / STUDY).is_file():
        return study
    try:
        before = read_study_yaml(out / STUDY)
    except BadInput:  # damaged: the run writes it anew
        return study
    search = before.get("search") if isinstance(before, dict) else None
    if not isinstance(search, dict) or search.get("kind") != "optuna":
        return study
    kept = search.get("sampler", FORMER_DEFAULT)
    return study.model_copy(update={"search": study.search.model_copy(update={"sampler": kept})})
