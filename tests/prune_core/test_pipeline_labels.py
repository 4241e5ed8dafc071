"""What a trial's corrupted images are called."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from prune_core.pipeline_data import load_trial_data, report_cells, selection_cells

EVALUATION = {"corruptions": "generated", "seed": 0, "images_per_cell": 10, "selection_images_per_cell": 10}
BASELINE = {
    "study_seed": 0,
    "data": {"name": "mnist5k", "options": {}, "checksum": None, "train": 100, "validation": 50, "test": 50},
}


@pytest.mark.parametrize(
    ("jpeg", "label"),
    [
        (False, "MNIST-5k-C (generated, seed 0)"),
        (True, "MNIST-5k-C (generated from JPEG re-encoded images, seed 0)"),
    ],
)
def test_generated_sets_carry_the_datasets_title(tmp_path: Path, jpeg: bool, label: str) -> None:
    data = load_trial_data(BASELINE, tmp_path)
    data = dataclasses.replace(data, dataset=dataclasses.replace(data.dataset, jpeg=jpeg))
    for make in (report_cells, selection_cells):
        made = make(data, EVALUATION, None)
        assert made is not None
        assert made.images.label == label and made.images.jpeg is jpeg
