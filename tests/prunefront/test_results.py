"""What `open_study` gives is what the files of the folder say, and what other libraries compute from them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from torchmetrics.functional.classification import multiclass_accuracy

from prunefront import BadInput, StudyResults, open_study

PRUNED = "small_vgg-l1_filter-r0.50-b1"


def test_study_and_records_are_those_of_the_files(opened: StudyResults, finished: Path) -> None:
    assert (opened.study.name, opened.study.budgets, opened.study.seeds) == ("smoke", (0, 1), (0, 1))
    written = pd.read_parquet(finished / "records.parquet")
    assert len(opened.records) == len(written) == 14
    assert set(written["key"]) == set(opened.records["key"])


def test_the_front_of_all_budgets_is_that_of_the_file(opened: StudyResults, finished: Path) -> None:
    written = pd.read_csv(finished / "front.csv")
    names = ["arm", "method", "ratio", "budget"]
    found = opened.front()
    pd.testing.assert_frame_equal(found[names], written[names], check_dtype=False)
    pd.testing.assert_series_equal(found["accuracy"], written["accuracy"])
    assert "on_front" not in found


def test_the_front_at_a_budget_has_what_nothing_beats_there(opened: StudyResults) -> None:
    ways = {"val_accuracy": 1, "val_ece": -1, "val_mpc": 1, "nonzero_parameters": -1}
    table = opened.candidates[opened.candidates["budget"].eq(1) | opened.candidates["method"].eq("baseline")]
    values = np.array(table[list(ways)] * list(ways.values()))
    beaten = [any((other >= one).all() and (other > one).any() for other in values) for one in values]
    assert sorted(opened.front(1)["name"]) == sorted(table["name"][~np.array(beaten)])
    assert len(opened.candidates) == 7 > len(opened.front(1))


def test_a_network_has_the_weights_of_its_file_and_says_what_was_recorded(opened: StudyResults, finished: Path) -> None:
    [(_, row)] = opened.front(1).query("name == @PRUNED").iterrows()
    network = opened.network(row, seed=1)
    record = opened.records.query("method == 'l1_filter' and budget == 1 and seed == 1").iloc[0]
    assert not network.training
    assert sum(each.numel() for each in network.parameters()) == record["parameters"]
    saved = load_file(finished / "trials" / record["key"] / "budget-0001" / "weights.safetensors")
    state = network.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in saved.items())


def test_logits_give_the_recorded_accuracy(opened: StudyResults) -> None:
    record = opened.records.query("method == 'l1_filter' and budget == 1 and seed == 0").iloc[0]
    for images, column in (("report", "accuracy"), ("selection", "val_accuracy")):
        logits = opened.logits(PRUNED, 0, images)
        clean, labels = torch.tensor(logits.clean), torch.tensor(logits.labels)
        found = multiclass_accuracy(clean, labels, num_classes=10, average="micro")
        assert float(found) == pytest.approx(record[column], abs=1e-6)


def test_the_recommended_network_is_the_smallest_that_loses_at_most_a_point(opened: StudyResults) -> None:
    found = opened.recommended()
    table = opened.candidates.query("budget == 1 and method in ['unstructured', 'l1_filter']")
    control = opened.candidates.query("budget == 1 and method == 'control'")["val_accuracy"].item()
    able = table[table["val_accuracy"] >= control - 0.01]
    if able.empty:
        assert (found.outcome, found.name) == ("nothing", "")
        with pytest.raises(BadInput, match="no network is recommended: nothing"):
            opened.network(found, 0)
    else:
        assert found.name in set(able["name"])
    loose = open_study(opened.path)
    loose._folder.plain["margins"] = {"accuracy": 1.0}  # type: ignore[index]
    found = loose.recommended()
    assert found.outcome == "pruned" and found.row is not None
    assert sum(each.numel() for each in loose.network(found, 0).parameters()) == found.row["parameters"]


def test_what_is_not_there_is_said_in_one_line(opened: StudyResults, finished: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=f"did you mean .*{PRUNED}"):
        opened.network(PRUNED.replace("l1", "l2"), 0)
    with pytest.raises(BadInput, match=r"no complete record of seed 7 \(allowed: 0, 1\)"):
        opened.network(PRUNED, 7)
    with pytest.raises(BadInput, match=r"budget '1': no record has it"):
        opened.front("1")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"budget 9: no record has it \(allowed: 0, 1\)"):
        opened.front(9)
    with pytest.raises(BadInput, match="allowed: report, selection"):
        opened.logits(PRUNED, 0, "test")
    with pytest.raises(BadInput, match="no such folder"):
        open_study(tmp_path / "nowhere")
    thinned = tmp_path / "smoke"
    shutil.copytree(finished, thinned)
    for weights in thinned.glob("trials/*/budget-0001/weights.safetensors"):
        weights.unlink()
    with pytest.raises(BadInput, match="is gone .allowed: the whole output folder"):
        open_study(thinned).network(PRUNED, 0)
