"""How a study was run: what the folder says about data, corruptions, cost, looks at the report images, and deviations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from dashboards import labels
from dashboards.analysis.per_seed import with_images
from dashboards.reading.study_folder import StudyFolder
from prune_core.base.benchmark import corruptions_in_words
from prune_core.base.errors import BadInput
from prune_core.base.kinds import REFERENCES
from prune_core.evaluation.resampled import RESAMPLES
from prune_core.metrics.numbers import duration
from prune_core.trial.description import TrialDescription
from sweeps.folder.paths import JOURNAL, trial_folder
from sweeps.records.builds import builds_line, builds_of
from sweeps.records.checkpoints import one_checkpoint_line
from sweeps.study.images import report_names, selection_names

PAPER_STUDY = "paper"
"""The name of the study file that follows the paper."""
PAPER_NAME = (
    "Mitra, Schwalbe and Klein, Investigating Calibration and Corruption Robustness of Post-hoc Pruned Perception CNNs "
    "(CVPR Workshops 2024)"
)
PAPER = {"epochs": 160, "budget": 40, "images_per_cell": 10_000, "seeds": 3}
"""The protocol of Mitra, Schwalbe and Klein (CVPR Workshops 2024), as far as a study file can depart from it."""


def run_facts(study: StudyFolder) -> list[tuple[str, str]]:
    """Return how the study was run, as name and value."""
    plain, evaluation, resources = study.plain, _part(study, "evaluation"), _part(study, "resources")
    none = evaluation.get("corruptions", "none") == "none"
    chosen = (
        "the report images: the winners are chosen on the very images that judge them"
        if study.select_on == "report"
        else "validation images; reported on test images"
        if none
        else f"validation images, clean and under {corruptions_in_words(selection_names(evaluation))}; reported on test "
        f"images and {corruptions_in_words(report_names(evaluation))}"
    )
    cell = evaluation.get("images_per_cell")
    per_cell = "none" if none else f"{cell}, balanced over the classes, drawn by seed" if cell else "all test images"
    rows = [
        ("Data", _data(study)),
        ("Data checksum", checksum(study) or "not kept"),
        ("Corruption set", study.corruption_set or _corruptions(evaluation)),
        ("Images per corrupted cell", per_cell),
        ("Chosen on", chosen),
        ("Looks at the report images", _looks(study)),
        ("ECE", f"top label, {study.ece_bins} equal-width bins"),
        ("Intervals", _intervals(study)),
        ("Seeds", (", ".join(map(str, study.seeds or [])) or "not stated") + _more_seeds(study) + _one_checkpoint(study)),
        ("Budgets (epochs of fine-tuning)", ", ".join(map(str, plain.get("budgets") or [])) or "not stated"),
        ("Objectives", ", ".join(f"{name} ({way})" for name, way in study.objectives.items())),
        ("Limits", ", ".join(map(str, study.limits)) or "none"),
        ("Margins", ", ".join(f"{name} {amount:g}" for name, amount in study.margins.items()) or "none declared"),
        ("Records", f"{len(study.records)}, of {study.records['key'].nunique()} trials; {_ended_badly(study)}"),
    ]
    rows.append(("Builds", builds_line(study.records) or ", ".join(builds_of(study.records)) or "none"))
    if resources:
        threads = int(resources.get("threads", 1))
        rows.append(("Device", f"{resources.get('device', 'cpu')}, {threads} thread{'s' if threads != 1 else ''} per trial"))
    if (hours := computing_hours(study)) is not None:
        rows.append(("Computing time of the trials", f"{duration(3600 * hours)}, summed over all of them"))
    if (when := _when(study)) is not None:
        rows.append(("Date and wall time", when))
    rows.append(("Protocol after", PAPER_NAME))
    return rows


def _when(study: StudyFolder) -> str | None:
    """Return when the first and the last trial ended, in UTC, and the time between; None where the run did not note it."""
    try:
        lines = (study.path / JOURNAL).read_text(encoding="utf-8").splitlines()
        moments = [float(json.loads(line)["when"]) for line in lines if line.strip()]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not moments:
        return None
    first, last = (datetime.fromtimestamp(moment, UTC) for moment in (min(moments), max(moments)))
    took = duration((last - first).total_seconds())
    return f"trials ended from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC, over {took}"


def _one_checkpoint(study: StudyFolder) -> str:
    """Say where a seed is no training of its own."""
    said = one_checkpoint_line(study.records)
    return "" if said is None else f"; {said}"


def _more_seeds(study: StudyFolder) -> str:
    """Say which seeds only some candidates have: those whose place on the front was uncertain."""
    extra = study.records[~study.of_own_seeds]
    if not len(extra):
        return ""
    count = len(extra[~extra["method"].isin(REFERENCES)][["arm", "ratio"]].drop_duplicates())
    seeds = ", ".join(map(str, sorted(extra["seed"].unique())))
    return f"; {seeds} too for {count} candidate{'s' if count != 1 else ''} whose place on the front was uncertain"


def computing_hours(study: StudyFolder) -> float | None:
    """Return the hours of training and judging, summed over the trials; None where the records do not say.

    Training seconds count from the start of a trial to a budget, so only the longest budget of each trial counts.
    """
    table = study.records
    if not {"train_seconds", "evaluate_seconds"} <= set(table.columns) or not len(table):
        return None
    seconds = float(table.groupby("key")["train_seconds"].max().sum() + table["evaluate_seconds"].sum())
    return seconds / 3600 if np.isfinite(seconds) else None


def checksum(study: StudyFolder) -> str | None:
    """Return the SHA-256 of the data's arrays, as a trial's description holds it; None where no description can be read."""
    for key in study.records["key"].astype(str).drop_duplicates().head(20):
        # Keys come from a file: one that is no plain folder name leads nowhere.
        if not key.isalnum():
            continue
        try:
            found = TrialDescription.read(trial_folder(study.path, key)).baseline.data.checksum
        except (OSError, BadInput):
            continue
        if found is not None:
            return f"sha256 {found}"
    return None


def claims_paper(study: StudyFolder) -> bool:
    """Return whether a study says that it is the paper's: by its name, or by the paper's own rule of pruning."""
    return study.plain.get("name") == PAPER_STUDY or study.plain.get("rule") == "paper"


def deviations(study: StudyFolder) -> list[str]:
    """Return where the study departs from the protocol of the paper; shown where it claims to be the paper's."""
    evaluation, data, training = _part(study, "evaluation"), _part(study, "data"), _part(study, "training")
    found = []
    name = str(data.get("name", "not stated"))
    if name != "cifar10":
        found.append(
            f"Data: {name} instead of CIFAR-10" + ("; files may be JPEG" if name.startswith("image_folder") else ".")
        )
    if evaluation.get("corruptions", "none") not in ("none", "official"):
        found.append(
            "Corruptions: generated here, not the benchmark's own files; numbers are not comparable with published ones."
        )
    if isinstance(evaluation.get("corruptions"), list):
        found.append(f"Corruptions: the study's own list, {', '.join(map(str, evaluation['corruptions']))}.")
    if evaluation.get("corruptions", "none") == "none":
        found.append("Corruptions: none, so robustness was not judged.")
    cell = evaluation.get("images_per_cell")
    if isinstance(cell, int) and cell < PAPER["images_per_cell"] and evaluation.get("corruptions", "none") != "none":
        found.append(f"Images per corrupted cell: {cell} instead of 10,000; intervals over images are wider.")
    epochs = training.get("epochs")
    if isinstance(epochs, int) and epochs < PAPER["epochs"]:
        found.append(f"Training of baselines: {labels.epochs(epochs)} instead of {PAPER['epochs']}.")
    budgets = [int(budget) for budget in study.plain.get("budgets") or []]
    if budgets and max(budgets) < PAPER["budget"]:
        found.append(f"Fine-tuning: at most {labels.epochs(max(budgets))} instead of {PAPER['budget']}.")
    if study.seeds is not None and len(study.seeds) < PAPER["seeds"]:
        found.append(f"Seeds: {len(study.seeds)} instead of {PAPER['seeds']}.")
    if study.plain.get("rule") == "exact":
        found.append("Threshold: exact counts, not the paper's own rule, which removes one more.")
    if study.select_on != "report":
        found.append("Selection: on images of its own; the paper holds none back and chooses on the images that it reports.")
    return found


def _part(study: StudyFolder, name: str) -> Mapping[str, Any]:
    part = study.plain.get(name)
    return part if isinstance(part, Mapping) else {}


def _data(study: StudyFolder) -> str:
    data = _part(study, "data")
    counts = "".join(f", {key} {data[key]}" for key in ("train", "validation", "test") if data.get(key))
    return f"{data.get('name', 'not stated')}{counts}"


def _corruptions(evaluation: Mapping[str, Any]) -> str:
    return {
        "none": "none",
        "generated": f"generated here with seed {evaluation.get('seed', 0)}: not the benchmark's own files",
        "official": "the benchmark's own files",
    }.get(str(evaluation.get("corruptions", "none")), "unknown")


def _looks(study: StudyFolder) -> str:
    table = study.records
    judged = int(table["accuracy"].notna().sum()) if "accuracy" in table else 0
    networks = f"{judged} network{'s were' if judged != 1 else ' was'} judged on them"
    steered = (
        "the search, the front and the winners used these numbers"
        if study.select_on == "report"
        else ("none of these numbers steered the search, the front, the limits or the winners")
    )
    return f"{networks}; {steered}"


def _intervals(study: StudyFolder) -> str:
    if with_images(study):
        return f"95 %, over seeds and base images ({RESAMPLES} resampled sets of images, the same for every network)"
    return "95 %, over seeds; what the choice of images adds was not kept for every record"


def _ended_badly(study: StudyFolder) -> str:
    status, keys = study.records["status"], study.records["key"]
    bad, running = keys[~status.isin(["complete", "running"])].nunique(), keys[status.eq("running")].nunique()
    if not len(keys):
        return "none yet"
    said = f"{bad} of them did not end well" if bad else "the others ended well" if running else "all ended well"
    return f"{running} of them still running, {said}" if running else said
