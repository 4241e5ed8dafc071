"""The decision: what the cards say is what the records hold, and every limit that is said to change the answer does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.first_screen import five_answers
from dashboards import labels
from dashboards.analysis.answers import answers
from dashboards.analysis.cards import place_words
from dashboards.analysis.claims import Paired
from dashboards.analysis.control_comparison import control_sentence
from dashboards.analysis.counts import members_sentence
from dashboards.analysis.decision import Decision, decide, named
from dashboards.analysis.membership_text import frequency_sentences
from dashboards.analysis.points import Points, candidate_points, rows_of
from dashboards.analysis.scale import mark, shared_scale
from dashboards.analysis.turns import turns
from dashboards.reading.study_folder import StudyFolder
from prune_core.base.kinds import REFERENCES
from sweeps.front.recommended import recommend_by
from sweeps.front.volume import non_dominated
from tests.dashboards import synthetic


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return synthetic.records(networks=("small_vgg",))


def opened(tmp_path, table: pd.DataFrame, **plain: object) -> tuple[StudyFolder, Points]:
    study = StudyFolder(tmp_path, synthetic.study(limits=[], **plain), table)
    return study, candidate_points(study)


def decided(study: StudyFolder, points: Points) -> Decision:
    return decide(study, points, answers(study, points))


def shaken(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The same study with other numbers: each trial's accuracy, ECE and mPC moved, differences to the control made again."""
    stream = np.random.default_rng(seed)
    made = table.copy()
    pruned = ~made["method"].isin(REFERENCES)
    for name, scale in (("accuracy", 0.05), ("ece", 0.02), ("mpc", 0.05)):
        moved = stream.normal(0, scale * stream.uniform(0.05, 1), int(pruned.sum()))
        for column in (name, f"val_{name}"):
            made.loc[pruned, column] = (made.loc[pruned, column] + moved).clip(0.0, 1.0)
    control = made[made["method"] == "control"].set_index(["network", "seed", "budget"])
    index = pd.MultiIndex.from_frame(made[["network", "seed", "budget"]])
    for name in ("accuracy", "ece", "mpc", "val_accuracy", "val_ece", "val_mpc"):
        made[f"delta_{name}"] = made[name].to_numpy() - control[name].reindex(index).to_numpy()
    return made


@pytest.mark.parametrize("seed", range(6))
def test_of_any_table_what_is_said_is_true(tmp_path, table, seed):
    study, points = opened(tmp_path, shaken(table, seed))
    found = decided(study, points)
    # what would change the answer: with the limit named, that network and no other is recommended
    for turn in found.turns:
        others = tuple(one for one in points.recommended.demands if one.column != turn.demand.column)
        won = recommend_by(points.table, study.objectives, (*others, turn.demand), study.select_on)
        assert (won.row is None) == (turn.row is None)
        assert turn.row is None or won.index == turn.row.Index
        assert won.index != points.recommended.index
    # nothing that collapsed, and nothing that misses by more than the margin, is offered as near
    for answer in answers(study, points):
        assert answer.row is None or not answer.row.collapsed
        for remark in answer.remarks:
            if remark.startswith("Smaller, and missing what is asked"):
                offered = [row for row in rows_of(points.at_longest()) if _name(row) in remark]
                assert offered
                assert all(not row.collapsed and row.delta_val_accuracy >= -0.02 for row in offered)
    # who is on the front of the longest budget, counted again from the numbers that decide
    own = points.complete[(points.complete["budget"] == 2) | points.complete["method"].isin(["baseline"])]
    on = non_dominated(own[list(points.decisive)].to_numpy(), list(points.decisive.values()))
    pruned = ~own["method"].isin(REFERENCES).to_numpy()
    said = members_sentence(points)
    assert f"{int((on & pruned).sum())} of {int(pruned.sum())} pruned candidates" in said
    assert f"{int((on & ~pruned).sum())} of {int((~pruned).sum())} unpruned" in said
    # how many members collapsed, and how many of these have a lower ECE
    lost = own[on & own["collapsed"].to_numpy()]
    words = " ".join(frequency_sentences(study, points))
    assert (f"{len(lost)} of the {int(on.sum())} members" in words) == bool(len(lost))
    lower = int((lost["delta_ece"] < 0).sum())
    assert ("lower ECE than the control" in words) == bool(lower)


def _name(row) -> str:
    return f"{row.network}, {row.method} {row.ratio:g}, {row.budget} epochs"


def test_a_card_holds_the_numbers_of_the_records_and_the_command_that_exports(tmp_path, table):
    made = shaken(table, 0).assign(delta_worst_corruption_accuracy=-0.02)
    study, points = opened(tmp_path, made)
    card = decided(study, points).cards[0]
    assert card.role.startswith("Recommended")
    own = made[made["key"].isin(card.row.keys.split(";")) & made["budget"].eq(2)]
    control = made[made["method"].eq("control") & made["budget"].eq(2)]
    cells = {cell.column: cell for cell in card.cells}
    assert cells["size_bytes"].value == f"{own['size_bytes'].mean():,.0f} B"
    assert cells["size_bytes"].difference == f"{100 * (own['size_bytes'].mean() / control['size_bytes'].mean() - 1):+.0f} %"
    assert cells["accuracy"].value == f"{100 * own['accuracy'].mean():.1f} %"
    assert cells["accuracy"].difference == f"{100 * own['delta_accuracy'].mean():+.1f} points"
    assert cells["worst_corruption_accuracy"].beside == "accuracy, fog"
    assert cells["worst_corruption_accuracy"].value == f"{100 * own['worst_corruption_accuracy'].mean():.1f} %"
    assert card.command == f"prunefront export . --pick {points.recommended.name}"
    assert named(decided(study, points))[card.row.place] == card.role


def test_the_first_card_says_what_the_records_say_without_the_reports_code(tmp_path):
    made = synthetic.records(methods={"l1_filter": 0.4, "network_slimming": 0.8})
    made = made[made["network"].eq("small_vgg")].reset_index(drop=True)
    study, points = opened(tmp_path, made)
    found, expected = decided(study, points), five_answers(made)
    card = found.cards[0]
    cells = {cell.column: cell for cell in card.cells}
    assert expected["which"] in found.sentence
    assert card.name == expected["which"]
    for column, name in (("accuracy", "accuracy"), ("ece", "ECE"), ("mpc", "mPC")):
        assert f"{name} {cells[column].value}" in expected["what it costs"]
    assert expected["what it costs"].endswith(f"file {cells['size_bytes'].difference}")
    worst = cells["worst_corruption_accuracy"]
    assert expected["what breaks it first"] == f"{worst.beside.removeprefix('accuracy, ')}: {worst.value}"


def test_an_unstructured_network_says_that_its_file_does_not_shrink(tmp_path, table):
    study, points = opened(tmp_path, table)
    cards = decided(study, points).cards
    unstructured = [card for card in cards if card.row.method == "unstructured"]
    assert unstructured, "the least damaged network of these numbers is unstructured"
    # 6,200 parameters of 4 bytes and 600 bytes around them; the mask adds a bit for each
    assert "Its file is larger than its control's (26,175 against 25,400 bytes)" in unstructured[0].remarks[0]
    assert "as many MACs (248 k)" in unstructured[0].remarks[0]


def test_where_nothing_qualifies_that_is_the_sentence(tmp_path, table):
    made = table.copy()
    pruned = ~made["method"].isin(REFERENCES)
    made.loc[pruned, "delta_val_accuracy"] = -0.05
    study, points = opened(tmp_path, made)
    found = decided(study, points)
    assert found.sentence.startswith("Keep the unpruned network: none of ")
    assert not any(card.role.startswith("Recommended") for card in found.cards)
    assert turns(study, points) == []


def test_a_scale_is_shared_and_holds_no_difference():
    one, other = Paired(-0.02, 0.001, 3), Paired(0.01, 0.002, 3)
    scale = shared_scale([one, None, other])
    assert scale is not None
    assert scale[0] == one.low
    assert scale[1] == other.high
    left, right = mark(one, scale), mark(other, scale)
    assert left.zero == right.zero
    assert 6 == left.low < left.mean < left.high < left.zero < right.mean < right.high == 94
    assert shared_scale([None]) is None


def test_an_alternative_says_truly_why_no_limit_makes_it_the_answer(tmp_path, table):
    study, points = opened(tmp_path, table)
    strict = StudyFolder(tmp_path, synthetic.study(limits=["val_accuracy >= 0.999"]), table)
    (card,) = decided(strict, candidate_points(strict)).cards  # nothing qualifies, so no smaller network does
    assert "it does not keep what else is asked, accuracy of at least 99.9 %" in card.turns[0]
    names = {labels.candidate(row): row for row in rows_of(points.at_longest())}
    for card in decided(study, points).cards[1:]:
        said = card.turns[0]
        if " meets each that it meets" in said:
            column = "val_ece" if "ECE" in said else "val_mpc"
            (other,) = (row for name, row in names.items() if f": {name} meets" in said)
            sign = 1 if column == "val_mpc" else -1
            assert sign * getattr(other, column) >= sign * getattr(card.row, column)


def test_one_seed_and_a_study_without_corruptions_name_nothing_that_is_not_there(tmp_path, table):
    dry = table.drop(columns=[name for name in table if "mpc" in name or "rpc" in name or "corruption" in name])
    plain = {"objectives": {"accuracy": "max", "ece": "min", "macs": "min"}, "evaluation": {"corruptions": "none"}}
    study, points = opened(tmp_path, dry, **plain)
    assert "in accuracy and ECE together" in control_sentence(study, points)
    (robust,) = (one for one in answers(study, points) if one.question == "Most robust")
    assert robust.sentence == "Most robust: mPC was not measured."
    assert all(turn.sentence.endswith("MACs.") for turn in turns(study, points) if turn.row is not None)
    study, points = opened(tmp_path, table[table["seed"] == 0], seeds=[0])
    assert not [line for one in answers(study, points) for line in one.remarks if "may be chance" in line]


def test_a_place_on_the_front_that_is_hardly_ever_kept_is_not_called_one(tmp_path, table):
    study, points = opened(tmp_path, table)
    off = next(row for row in rows_of(points.at_longest()) if not row.front and not row.collapsed)
    assert "; and on it in under 1 % of the draws" in place_words(points, off._replace(frequency=0.002))
    assert "; yet on it in 30 % of the draws" in place_words(points, off._replace(frequency=0.3))


def test_the_card_of_another_network_says_what_its_differences_are_to(tmp_path):
    study, points = opened(tmp_path, synthetic.records(seeds=(0,)), seeds=[0])
    assert points.recommended.outcome == "dense"  # small_vgg, which is smaller than any pruned resnet8 that qualifies
    found = decided(study, points)
    assert "against resnet8, control, 2 epochs" in found.sentence
    assert found.cards[0].remarks == ("Its differences are to resnet8, control, 2 epochs.",)


def test_a_rung_of_the_dense_ladder_is_an_answer_too(tmp_path, table):
    """It has no control of its own: differences and limits are to that of the pruned network that it beats."""
    base = table[table["method"] == "baseline"]
    cost = {"parameters": 400, "nonzero_parameters": 400, "size_bytes": 900, "macs": 9_000, "nonzero_macs": 9_000}
    absent = {name: np.nan for name in table if name.startswith("delta_")}
    rung = base.assign(key="half" + base["key"], network="half", arm="half", method="dense", **cost, **absent)
    study, points = opened(tmp_path, pd.concat([table, rung], ignore_index=True))
    found = decided(study, points)
    assert found.sentence.startswith("Take half, dense ladder: it was never pruned,")
    assert found.turns
    for turn in found.turns:
        others = tuple(one for one in points.recommended.demands if one.column != turn.demand.column)
        won = recommend_by(points.table, study.objectives, (*others, turn.demand), study.select_on)
        assert won.index != points.recommended.index and (turn.row is None or won.index == turn.row.Index)
