from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dashboards.analysis.answers import answers
from dashboards.analysis.control_comparison import control_sentence
from dashboards.analysis.dense_ladder import against_ladder
from dashboards.analysis.effects import effects
from dashboards.analysis.margins import against_margins
from dashboards.analysis.points import candidate_points, rows_of
from dashboards.analysis.provenance import checksum, computing_hours, deviations, run_facts
from dashboards.reading.study_folder import StudyFolder
from dashboards.report.parts import listed_columns
from prune_core.base.files import write_json
from prune_core.trial.description import BaselineDescription, EvaluationDescription, TrialDescription
from prune_core.trial.description_parts import DataDescription, NetworkDescription
from tests.dashboards import synthetic

SEEDS = (0, 1, 2, 3, 4)


def study(tmp_path, table, **plain):
    return StudyFolder(tmp_path, synthetic.study(demonstration=False, seeds=list(SEEDS), limits=[]) | plain, table)


@pytest.fixture(scope="module")
def table():
    return synthetic.records(seeds=SEEDS, networks=("small_vgg",), methods={"l1_filter": 1.0, "random_filters": 1.9})


def with_dense(table):
    """Two dense networks of a half and a tenth of the size, a tenth and a fifth less accurate than the unpruned one."""
    base = table[table["method"] == "baseline"]
    steps = []
    for label, size, loss in (("half", 3100, 0.1), ("tenth", 620, 0.2)):
        step = base.assign(
            key=label + base["key"],
            network=label,
            arm=label,
            method="dense",
            nonzero_parameters=size,
            accuracy=base["accuracy"] - loss,
        )
        steps.append(step)
    return pd.concat([table, *steps], ignore_index=True)


def test_the_smallest_is_the_smallest_within_the_margin_and_its_control_is_its_own(tmp_path, table):
    found = study(tmp_path, table)
    points = candidate_points(found)
    smallest = answers(found, points)[0]
    pruned = points.at_longest()
    pruned = pruned[~pruned["method"].isin(["baseline", "control"])]
    kept = pruned["delta_val_accuracy"].ge(-0.01) & pruned["delta_val_mpc"].ge(-0.02) & pruned["delta_val_ece"].le(0.01)
    able = pruned[kept]
    assert smallest.row is not None
    assert smallest.row.size_bytes == able["size_bytes"].min()
    own = table[table["key"].isin(smallest.row.keys.split(";")) & table["budget"].eq(2)]
    assert smallest.differences["accuracy"].mean == pytest.approx(own["delta_accuracy"].mean())
    assert smallest.ladder is None


def test_a_dense_network_of_equal_size_is_interpolated_between_the_steps(tmp_path, table):
    found = study(tmp_path, with_dense(table))
    points = candidate_points(found)
    row = next(r for r in rows_of(points.complete) if r.method == "l1_filter" and r.ratio == 0.3 and r.budget == 2)
    against = against_ladder(found, points, row, ["accuracy"])
    assert against is not None
    one = against["accuracy"]
    share = np.log(row.nonzero_parameters / 3100) / np.log(6200 / 3100)
    base = table[table["method"] == "baseline"].set_index("seed")["accuracy"]
    own = table[(table["key"].isin(row.keys.split(";"))) & (table["budget"] == 2)].set_index("seed")["accuracy"]
    assert one.mean == pytest.approx((own - (base - 0.1 * (1 - share))).mean())
    assert one.seeds == 5
    tiny = row._replace(nonzero_parameters=1)
    assert against_ladder(found, points, tiny, ["accuracy"]) is not None  # the seeds' own sizes count, not the mean


def test_candidates_that_are_one_network_are_not_told_apart(tmp_path, table):
    twin = table[table["method"] == "l1_filter"].assign(method="zz_twin", arm="small_vgg-zz_twin")
    twin["key"] = "t" + twin["key"]
    found = study(tmp_path, pd.concat([table, twin], ignore_index=True))
    answer = answers(found, candidate_points(found))[2]
    assert answer.row is not None and answer.row.method == "l1_filter"
    assert any("Not told apart" in remark and "zz_twin" in remark for remark in answer.remarks)


def test_three_seeds_decide_nothing(tmp_path, table):
    few = table[table["seed"] < 3]
    found = study(tmp_path, few, seeds=[0, 1, 2])
    points = candidate_points(found)
    assert "not decidable" in control_sentence(found, points)
    assert any("not decidable with 3 seeds" in remark for answer in answers(found, points) for remark in answer.remarks)


def test_a_gain_that_was_made_beats_the_control_and_a_loss_beside_it_does_not(tmp_path, table):
    made = table.copy()
    stream = np.random.default_rng(0)
    pruned = made["method"].isin(["l1_filter", "random_filters"])
    for name, gain in (("accuracy", -0.2), ("ece", 0.1), ("mpc", -0.2)):
        made.loc[pruned, f"delta_{name}"] = gain + stream.normal(0, 0.001, int(pruned.sum()))
    found = study(tmp_path, made)
    assert control_sentence(found, candidate_points(found)).startswith("Nothing beats the control")
    better = (made["method"] == "l1_filter") & (made["ratio"] == 0.5)
    for name, gain in (("accuracy", 0.05), ("ece", 0.0), ("mpc", 0.0)):
        made.loc[better, f"delta_{name}"] = gain + stream.normal(0, 0.001, int(better.sum()))
    text = control_sentence(found, candidate_points(found))
    assert text.startswith("1 of 8 pruned candidates beat")
    assert "l1_filter 0.5, 2 epochs (accuracy" in text


def test_margins_are_claimed_within_or_beyond_or_left_open(tmp_path, table):
    made = table.copy()
    stream = np.random.default_rng(0)
    for ratio, loss in ((0.3, 0.0), (0.5, 0.02), (0.7, 0.1)):
        at = (made["method"] == "l1_filter") & (made["ratio"] == ratio)
        made.loc[at, "delta_accuracy"] = -loss + stream.normal(0, 0.002, int(at.sum()))
    found = study(tmp_path, made, margins={"accuracy": 0.02})
    points = candidate_points(found)
    chosen = points.table["method"].eq("l1_filter") & points.table["ratio"].lt(0.8)
    points.table["front_at"] = [(2,) if each else () for each in chosen]
    verdicts = {row.candidate.split(", ")[1]: row.verdict for row in against_margins(found, points)}
    assert verdicts == {"l1_filter 0.3": "within", "l1_filter 0.5": "open", "l1_filter 0.7": "beyond"}


DESCRIPTION = TrialDescription(
    kind="baseline",
    baseline=BaselineDescription(0, DataDescription("digits", {}, "ab" * 32), NetworkDescription("small_vgg"), None, 0),
    evaluation=EvaluationDescription(),
    seed=0,
)


def test_hours_count_each_trial_once_and_the_checksum_is_the_descriptions(tmp_path, table):
    found = study(tmp_path, table)
    per_trial = table.groupby("key")["train_seconds"].max().sum()  # the longest budget holds the shorter ones
    assert computing_hours(found) == pytest.approx((per_trial + 2.0 * len(table)) / 3600)
    assert checksum(found) is None
    key = table["key"].iloc[0]
    write_json(tmp_path / "trials" / key / "description.json", DESCRIPTION.to_plain())
    assert dict(run_facts(found))["Data checksum"] == "sha256 " + "ab" * 32
    assert f"{len(table)} networks were judged" in dict(run_facts(found))["Looks at the report images"]


def test_deviations_are_named(tmp_path, table):
    text = " ".join(deviations(study(tmp_path, table)))
    for part in ("mnist5k instead of CIFAR-10", "generated here", "100 instead of 10,000", "at most 2 epochs"):
        assert part in text
    official = {"corruptions": "official", "images_per_cell": 10_000}
    as_paper = study(
        tmp_path,
        table,
        data={"name": "cifar10"},
        evaluation=official,
        training={"epochs": 160},
        budgets=[0, 40],
        rule="paper",
        select_on="report",
    )
    assert deviations(as_paper) == []


def test_the_recommended_network_is_compared_in_what_the_study_names(tmp_path, table):
    made = table.copy()
    stream = np.random.default_rng(0)
    best = (made["method"] == "l1_filter") & (made["ratio"] == 0.3)
    made.loc[best, "delta_ece"] = -0.05 + stream.normal(0, 0.001, int(best.sum()))
    made.loc[best, ["ece", "val_ece"]] = 0.001  # it is chosen, by far
    asked = {
        name: answers(each, candidate_points(each))
        for name, each in (("all", study(tmp_path, made)), ("mpc", study(tmp_path, made, primary=["mpc"])))
    }
    calibrated = asked["all"][1]
    assert any(
        remark.startswith("In ECE it is better than its control by more than chance") for remark in calibrated.remarks
    )
    assert not any(remark.startswith("In ECE") for remark in asked["mpc"][1].remarks)
    assert calibrated.differences["ece"].low <= -0.05 <= calibrated.differences["ece"].high


def test_margins_are_tested_over_all_that_was_compared(tmp_path, table):
    found = study(tmp_path, table, margins={"accuracy": 0.02})
    points = candidate_points(found)
    few = against_margins(found, points)
    points.table["front_at"] = [(2,)] * len(points.table)
    verdicts = {row.candidate: row.verdict for row in against_margins(found, points)}
    assert few and all(verdicts[row.candidate] == row.verdict for row in few)  # whoever is shown, the family is the same


def test_what_is_not_decidable_says_what_five_seeds_would_find(tmp_path, table):
    found = study(tmp_path, table[table["seed"] < 3], seeds=[0, 1, 2])
    said = " ".join(answers(found, candidate_points(found))[1].remarks)
    assert "is not decidable with 3 seeds; 5 would find a difference of" in said


def test_nobody_within_the_limits_is_no_dead_end(tmp_path, table):
    best = table["val_accuracy"].max()
    found = study(tmp_path, table, limits=[f"val_accuracy >= {best + 0.01}", "nonzero_parameters <= 1e9"])
    smallest = answers(found, candidate_points(found))[0]
    assert smallest.row is None
    said = " ".join(smallest.remarks)
    assert f"val_accuracy >= {best + 0.01:.12g} is met by none of" in said
    assert "Nearest is small_vgg, " in said
    assert "too little" in said


def test_report_numbers_that_miss_a_limit_are_said_in_the_answer(tmp_path, table):
    made = table.assign(worst_corruption_accuracy=0.345, val_worst_corruption_accuracy=0.95)
    found = study(tmp_path, made, limits=["val_worst_corruption_accuracy >= 0.4"])
    points = candidate_points(found)
    smallest = answers(found, points)[0]
    assert (
        "By its report numbers it is not within them: worst_corruption_accuracy is 0.345 (limit >= 0.4)" in smallest.sentence
    )
    assert "speckle_noise, gaussian_blur, spatter, saturate" in " ".join(smallest.remarks)
    assert set(points.table["verdict"]) == {"met, not by report numbers"}
    assert {"worst_corruption_accuracy", "val_worst_corruption_accuracy"} <= set(points.columns)


def test_a_limit_on_a_cost_is_never_undecidable(tmp_path, table):
    one = table[table["seed"] == 0]
    limits = ["nonzero_parameters <= 4000"]
    found = study(tmp_path, one, seeds=[0], limits=limits)
    points = candidate_points(found)
    smallest = answers(found, points)[0]
    assert smallest.row is not None
    assert "decidable" not in " ".join(smallest.remarks)
    assert "Smaller, and near" not in " ".join(smallest.remarks)
    both = study(tmp_path, one, seeds=[0], limits=[*limits, "val_accuracy >= 0.5"])
    said = " ".join(answers(both, candidate_points(both))[0].remarks)
    assert "Whether it meets val_accuracy >= 0.5 is not decidable with 1 seed." in said


def test_how_a_study_without_corruptions_was_run_names_none(tmp_path, table):
    dry = table.drop(columns=[name for name in table if "mpc" in name or "rpc" in name or "corruption" in name])
    dry.loc[dry["seed"].eq(0) & dry["method"].eq("control"), "status"] = "running"
    found = study(tmp_path, dry, objectives={"accuracy": "max", "ece": "min"}, evaluation={"corruptions": "none"})
    facts = dict(run_facts(found))
    assert facts["Chosen on"] == "validation images; reported on test images"
    assert facts["Images per corrupted cell"] == facts["Corruption set"] == "none"
    assert facts["Records"].endswith("trials; 1 of them still running, the others ended well")
    assert not {"mpc", "worst_corruption_accuracy"} & set(listed_columns(candidate_points(found)))


def test_one_epoch_is_one_epoch(tmp_path):
    table = synthetic.records(seeds=(0, 1), budgets=(0, 1), networks=("small_vgg",), methods={"l1_filter": 1.0})
    said = [effect.contrast for effect in effects(study(tmp_path, table, seeds=[0, 1], budgets=[0, 1]))]
    assert "pruned networks, 0 epochs → 1 epoch" in said and not any("1 epochs" in words for words in said)
