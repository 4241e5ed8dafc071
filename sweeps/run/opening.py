"""What the driver's books are opened with: the study's file in its folder, and MLflow."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from prune_core.base.files import write_atomically
from sweeps.folder.paths import STUDY
from sweeps.front.limits import limit_names
from sweeps.plan.plan import Plan
from sweeps.study.model import Study
from sweeps.study.yaml import study_text
from sweeps.tracking.about import about_study
from sweeps.tracking.tracker import Tracker


def write_study(study: Study, out: Path, origin: Mapping[str, object]) -> None:
    """Write the resolved study into its folder."""
    plain = study.to_plain()
    # as seen from here too: a project that is moved as a whole has its plugins at another place, a moved folder at the same
    plain["plugin_paths"] += [os.path.relpath(path, out) for path in study.plugin_paths]
    text = study_text(plain, provenance=dict(origin))
    write_atomically(out / STUDY, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def tracker_of(plan: Plan, out: Path, origin: Mapping[str, object]) -> Tracker:
    """Return MLflow as the study names it; nothing is sent before it is started."""
    study = plan.study
    return Tracker(
        study.name,
        out,
        study.tracking.mlflow,
        study.tracking.experiment or (study.project if study.project != "prunefront" else None),
        {**study.tracking.tags, "prunefront.project": study.project, "prunefront.data": study.data.name},
        also=list(dict.fromkeys([*study.decisive, *limit_names(study.parsed_limits)])),
        commit=str(origin["commit"]) if origin["commit"] else None,
        about=about_study(plan),
    )
