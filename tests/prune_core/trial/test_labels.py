"""What a trial's corrupted images are called, and which images they are made of."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from prune_core.base.files import read_json
from prune_core.corruptions import EXTRA, STANDARD
from prune_core.training import Interrupted
from prune_core.trial.data import load_trial_data, report_cells, selection_cells
from prune_core.trial.description import BaselineDescription, EvaluationDescription
from prune_core.trial.description_parts import DataDescription, NetworkDescription
from prune_core.trial.watch import Watch

EVALUATION = EvaluationDescription("generated", seed=0, images_per_cell=10, selection_images_per_cell=10)
BASELINE = BaselineDescription(
    study_seed=0,
    data=DataDescription("mnist5k", train=100, validation=50, test=50),
    network=NetworkDescription("small_vgg"),
    training=None,
    seed=0,
)


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


def test_selection_and_report_cells_are_made_of_different_images_and_corruptions(tmp_path: Path) -> None:
    data = load_trial_data(BASELINE, tmp_path)
    selection, report = selection_cells(data, EVALUATION, None), report_cells(data, EVALUATION, None)
    assert selection is not None and report is not None
    assert set(selection.images.corruptions) == set(EXTRA) and set(report.images.corruptions) == set(STANDARD)
    parts = (data.split.train.index, data.split.validation.index, data.split.test.index)
    assert len(np.unique(np.concatenate(parts))) == sum(len(part) for part in parts), "one pool, no image twice"
    chosen = data.split.validation.index[selection.positions], data.split.test.index[report.positions]
    assert [len(each) for each in chosen] == [10, 10] and not set(chosen[0]) & set(chosen[1])


def test_a_trial_says_how_far_the_making_of_corrupted_images_is(tmp_path: Path) -> None:
    asked: list[str] = []

    def stop() -> bool:
        asked.append("")
        return len(asked) == 3

    watch = Watch(tmp_path / "trial", stop)
    with pytest.raises(Interrupted, match="corrupt images"):
        selection_cells(load_trial_data(BASELINE, tmp_path), EVALUATION, watch.corrupting)
    watch.enter("corrupt images", 3, 20)
    assert read_json(tmp_path / "trial" / "progress.json")["of"] == 20
    assert not list(tmp_path.rglob("*.tmp")), "an interrupted run leaves no half file"
