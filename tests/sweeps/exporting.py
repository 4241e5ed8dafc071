"""A study's folder as a run leaves it, made of real trials on digits but without Ray."""

from __future__ import annotations

from pathlib import Path

from prune_core.trial.order import TrialOrder
from prune_core.trial.run import run_trial
from sweeps.folder.paths import store_folder, trial_folder
from sweeps.plan.plan import make_plan
from sweeps.records.collect import collect, write_records
from sweeps.study.model import load_study
from sweeps.study.yaml import write_study

STUDY = """
name: small
title: "<b>small</b> [x](javascript:x)"
data: {name: digits, train: 300, validation: 100, test: 120}
networks: {small_vgg: {options: {width: 4}}}
arms: [{methods: [l1_filter, unstructured]}]
training: {epochs: 2, learning_rate: 0.2, batch_size: 32}
ratios: [0.5]
budgets: [0]
seeds: [0]
limits: ["nonzero_parameters <= 2000", "val_accuracy >= 0.999"]
evaluation: {images_per_cell: 10, selection_images_per_cell: 10, train_images: 20}
"""


def run_without_ray(root: Path) -> Path:
    """Run every trial of the study here and now, and write its tables; return its output folder."""
    (root / "small.yaml").write_text(STUDY, encoding="utf-8")
    study = load_study(root / "small.yaml")
    out = root / "runs" / "small"
    write_study(study.to_plain(), out / "study.yaml", provenance={"commit": "0123456789abcdef"})
    trials = make_plan(study, out).trials
    for trial in trials:
        ended = run_trial(
            trial.description,
            TrialOrder(folder=trial_folder(out, trial.key), store=store_folder(out), budgets=trial.budgets),
        )
        assert ended["status"] == "complete", ended
    write_records(collect(out, trials, study=study.name), out)
    return out
