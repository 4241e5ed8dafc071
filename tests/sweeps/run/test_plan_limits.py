"""A plan says beforehand what can never meet a limit on a cost that is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps.cost.sizes import Sizes
from sweeps.plan.plan import make_plan
from sweeps.run.plan_limits import image_lines, impossible_lines, limit_warnings, never_lines
from sweeps.study.model import load_study

SIZES = Sizes(300, 220, 0, 0, (8, 8, 1), 10)
STUDY = """
name: small
data: {{name: digits, train: 300, validation: 100, test: 120}}
networks: {{small_vgg: {{options: {{width: 4}}}}}}
dense: {{half: {{name: small_vgg, options: {{width: 2}}}}}}
arms: [{{methods: [l1_filter, unstructured]}}]
training: {{epochs: 1}}
ratios: [0.3, 0.7]
budgets: [0]
seeds: [0]
evaluation: {{selection_corruptions: [contrast]}}
limits: {limits}
"""


def plan(tmp_path: Path, limits: str):
    path = tmp_path / "small.yaml"
    path.write_text(STUDY.format(limits=limits), encoding="utf-8")
    return make_plan(load_study(path), tmp_path / "out", data_required=False)


def test_arms_that_never_meet_a_limit_are_named_with_their_number(tmp_path):
    (line,) = never_lines(plan(tmp_path, '["parameters <= 1701"]'), SIZES)
    # unstructured pruning leaves every parameter in place: the 1,702 of the network as it is
    assert "parameters <= 1701 is never met by small_vgg-unstructured at 0.3, 0.7 (1,702 or more)" in line
    assert "l1_filter" not in line


def test_a_limit_that_nothing_meets_is_said_of_the_whole_study_with_the_dense_network_that_does(tmp_path):
    (line,) = never_lines(plan(tmp_path, '["sparsity >= 0.8"]'), SIZES)
    assert "no pruned network can meet sparsity >= 0.8: nearest is small_vgg-unstructured at 0.7" in line
    (line,) = never_lines(plan(tmp_path, '["sparsity <= -0.1"]'), SIZES)
    assert "can meet" in line


def test_limits_that_each_can_be_met_and_never_together(tmp_path):
    lines = never_lines(plan(tmp_path, '["parameters <= 1000", "sparsity >= 0.2"]'), SIZES)
    assert lines[-1].endswith("no pruned network can meet all limits on costs: each misses one of them")


@pytest.mark.parametrize("limits", ["[]", '["val_accuracy >= 0.9"]', '["parameters <= 5000"]'])
def test_nothing_is_said_where_nothing_is_known_to_fail(tmp_path, limits):
    assert never_lines(plan(tmp_path, limits), SIZES) == []


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ('["val_accuracy >= 90"]', "no network can meet val_accuracy >= 90: val_accuracy is 1 at most"),
        ('["val_ece_t < 0"]', "no network can meet val_ece_t < 0: val_ece_t is 0 at least"),
        ('["val_ece_t <= 0"]', None),
        ('["val_nll >= 1000"]', None),
        ('["val_ece > 0.1", "val_ece <= 0.1"]', "no network can meet both val_ece > 0.1 and val_ece <= 0.1"),
        ('["val_ece >= 0.1", "val_ece <= 0.1"]', None),
        ('["val_ece >= 0.1", "val_ece >= 0.2"]', None),
        (
            '["macs <= 2000", "macs >= 3000"]',
            "no network can meet both macs <= 2000 and macs >= 3000",
        ),
    ],
)
def test_limits_that_no_number_can_meet(tmp_path, limits, said):
    made = plan(tmp_path, limits)
    lines = impossible_lines(made.study.parsed_limits)
    assert [line.removeprefix("  warning    ") for line in lines] == ([] if said is None else [said])
    assert limit_warnings(made)[: len(lines)] == lines


def test_the_images_behind_a_limit_are_named(tmp_path):
    lines = image_lines(plan(tmp_path, '["val_worst_corruption_accuracy >= 0.2"]').study)
    assert lines == [
        "  limits     val_worst_corruption_accuracy >= 0.2",
        "  decided by val_mpc and val_worst_corruption_accuracy of validation images under contrast",
    ]
