"""A study selects on corruptions of its choice: keys, images, and what is answered to a report number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from prune_core.base.benchmark import EXTRA, STANDARD, corruptions_in_words
from prune_core.base.errors import BadInput
from prune_core.corruptions import corrupt
from prune_core.trial.data import load_trial_data, selection_cells
from prune_core.trial.description import EvaluationDescription
from sweeps.plan.plan import make_plan
from sweeps.study.images import images_of
from sweeps.study.model import Study, load_study

STUDY = """
name: small
data: {{name: digits, train: 300, validation: 100, test: 120}}
networks: {{small_vgg: {{options: {{width: 4}}}}}}
arms: [{{methods: [l1_filter]}}]
training: {{epochs: 1}}
ratios: [0.5]
budgets: [0]
seeds: [0]
evaluation: {{images_per_cell: 10, selection_images_per_cell: 10, {more}}}
{rest}
"""


def study(tmp_path: Path, more: str = "", rest: str = "") -> Study:
    path = tmp_path / "small.yaml"
    path.write_text(STUDY.format(more=more, rest=rest), encoding="utf-8")
    return load_study(path)


def keys(chosen: Study, out: Path) -> list[str]:
    return [trial.key for trial in make_plan(chosen, out).trials]


def test_keys_stay_at_the_default_and_change_away_from_it(tmp_path):
    plain = keys(study(tmp_path), tmp_path / "out")
    backwards = ", ".join(reversed(EXTRA))
    assert keys(study(tmp_path, f"selection_corruptions: [{backwards}]"), tmp_path / "out") == plain
    assert keys(study(tmp_path, "selection_corruptions: [extra]"), tmp_path / "out") == plain
    assert not set(keys(study(tmp_path, "selection_corruptions: [standard]"), tmp_path / "out")) & set(plain)
    assert "selection_corruptions" not in EvaluationDescription().to_plain()


def test_groups_are_resolved_to_names(tmp_path):
    assert study(tmp_path).evaluation.selection_corruptions == EXTRA
    assert study(tmp_path, "selection_corruptions: standard").evaluation.selection_corruptions == STANDARD
    chosen = study(tmp_path, "selection_corruptions: [contrast, extra]").evaluation.selection_corruptions
    assert chosen == ("contrast", *EXTRA)


def test_the_validation_images_are_those_of_the_chosen_corruptions(tmp_path, monkeypatch):
    monkeypatch.setenv("PRUNEFRONT_CACHE", str(tmp_path / "cache"))
    trial = make_plan(study(tmp_path, "selection_corruptions: [contrast, fog]"), tmp_path / "out").trials[0]
    data = load_trial_data(trial.description.baseline, None)
    cells = selection_cells(data, trial.description.evaluation, None)
    assert cells is not None
    assert cells.images.corruptions == ("contrast", "fog")
    part = data.split.validation
    numbers = part.index[cells.positions]
    first = corrupt(part.images[numbers[:1]], "contrast", 3, first_index=int(numbers[0]))
    assert np.array_equal(cells.images.cell("contrast", 3)[0], first[0])


@pytest.mark.parametrize(
    ("more", "rest", "said"),
    [
        ("corruptions: none, selection_corruptions: [standard]", "", "evaluation.selection_corruptions: evaluation.corr"),
        ("selection_corruptions: [contrasts]", "", "did you mean contrast"),
        ("", "limits: [worst_corruption_accuracy >= 0.4]", "allowed: val_worst_corruption_accuracy, of validation images"),
        ("", "limits: [worst_corruption_accuracy >= 0.4]", "evaluation.selection_corruptions chooses others"),
        ("", "limits: [mpc_s5 >= 0.4]", "allowed: val_mpc"),
        ("", "limits: [mpc_without_jpeg >= 0.4]", "allowed: val_mpc"),
        ("", "objectives: [accuracy, mpc_s5]", "objectives: mpc_s5 is a report number"),
        ("corruptions: none", "limits: [val_mpc >= 0.4]", "limits.0: val_mpc needs corruptions"),
        ("train_images: 0", "limits: [train_accuracy >= 0.4]", "evaluation.train_images from 1"),
    ],
)
def test_what_cannot_decide_is_answered_with_what_can(tmp_path, more, rest, said):
    with pytest.raises(BadInput, match=r".") as caught:
        study(tmp_path, more, rest)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_images_are_named():
    chosen = {"corruptions": "generated", "selection_corruptions": ["contrast"]}
    assert images_of("val_worst_corruption_accuracy", chosen) == "validation images under contrast"
    assert images_of("worst_corruption_accuracy", chosen) == "test images under the 15 of the benchmark"
    assert images_of("val_accuracy", chosen) == "validation images"
    assert images_of("size_bytes", chosen) == ""
    # a study of before the corruptions could be chosen
    assert images_of("val_mpc", {"corruptions": "generated"}).endswith(f"({', '.join(EXTRA)})")
    assert (
        corruptions_in_words([*STANDARD, "mine"])
        == "the 15 of the benchmark (mine beside them, not in mPC and the worst one)"
    )
