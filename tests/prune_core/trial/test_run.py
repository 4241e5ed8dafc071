"""One trial end to end on real digits: what it writes, what it skips, what it goes on from, how it fails."""

from __future__ import annotations

import json
import math
import random

import numpy as np
import pytest
import torch

from prune_core.base.build import build_text
from prune_core.base.store import file_sha256
from prune_core.base.trial_folder import budget_folder, read_outcome, read_progress
from prune_core.pruning import METHODS, load_network
from prune_core.training import Session, train
from prune_core.training.curve import read_curve
from prune_core.trial import baseline as pipeline_baseline
from prune_core.trial import judge as pipeline_evaluation
from prune_core.trial import run as pipeline
from prune_core.trial import walk as pipeline_walk
from prune_core.trial.build import this_build
from tests.prune_core.trial.running import BASELINE, EVALUATION, described, numbers, zeros


def test_corrupted_test_images_are_judged_where_asked_and_later_from_the_kept_weights(house, monkeypatch):
    pruned = described(evaluation=EVALUATION)
    house.run(pruned, [0, 1], "all")
    house.run(pruned, [0, 1], "last", report_budgets=[1])
    assert house.record(1, "last") | {"train_seconds": 0, "evaluate_seconds": 0} == house.record(1, "all") | {
        "train_seconds": 0,
        "evaluate_seconds": 0,
    }
    few, everything = house.record(0, "last"), numbers(house.record(0, "all"))
    assert {"mpc", "rpc", "corruption_ece_s5", "worst_corruption"}.isdisjoint(few)
    assert {name: value for name, value in numbers(few).items() if name != "report_cells"}.items() <= everything.items()
    assert "val_mpc" in few, "selection images are judged at every budget"
    # Asked for later: forward passes alone, no training, the same numbers.
    monkeypatch.setattr(pipeline_walk, "train", lambda *_, **__: pytest.fail("trained again"))
    house.run(pruned, [0, 1], "last", report_budgets=[0, 1])
    assert numbers(house.record(0, "last")) == everything


def test_baseline_control_and_two_methods(house):
    assert house.run(described("baseline", evaluation=EVALUATION), [0], "baseline")["status"] == "complete"
    assert house.run(described("control", evaluation=EVALUATION), [0, 1], "control")["budgets"] == [0, 1]
    assert house.run(described(evaluation=EVALUATION), [0, 1], "filters")["status"] == "complete"
    assert house.run(described(method="unstructured", evaluation=EVALUATION), [0, 1], "weights")["status"] == "complete"
    unpruned, control = house.record(0, "baseline"), house.record(0, "control")
    assert numbers(unpruned) == numbers(control)
    assert unpruned["corruption_set"] == "Digits-C (generated, seed 0)" and "mpc_without_jpeg" not in unpruned
    assert unpruned["train_seconds"] > 0 == control["train_seconds"]
    assert house.record(1, "control")["nll"] != control["nll"]
    # small_vgg of width 4 with half of each layer's filters: 4 -> 2, 8 -> 4, 16 -> 8 channels, counted by hand
    assert house.record(1, "filters")["parameters"] == 2 * 9 + 4 * 2 * 9 + 8 * 4 * 9 + 2 * (2 + 4 + 8) + 8 * 10 + 10
    assert house.record(1, "filters")["sparsity"] == 0
    before, after = (zeros(budget_folder(house.root / "weights", b) / "weights.safetensors") for b in (0, 1))
    assert all(torch.equal(before[name], after[name]) for name in before)
    total = 4 * 9 + 8 * 4 * 9 + 16 * 8 * 9
    assert sum(int(mask.sum()) for mask in after.values()) == total // 2
    assert house.record(1, "weights")["sparsity"] == 0.5
    dense = unpruned["parameters"]
    assert house.record(1, "weights")["compression"] == dense / (dense - total // 2)
    for name in ("baseline", "control", "filters", "weights"):
        record = house.record(0, name)
        columns = {
            "accuracy",
            "ece",
            "mpc",
            "rpc",
            "mpc_s5",
            "val_accuracy",
            "val_mpc",
            "val_ece_t",
            "train_nll",
            "macs",
            "size_bytes",
        }
        assert columns <= record.keys()
        assert all(math.isfinite(value) for value in record.values() if isinstance(value, float))
        outcome, progress = read_outcome(house.root / name), read_progress(house.root / name)
        assert outcome is not None and outcome["status"] == "complete"
        assert progress is not None and progress["heartbeat"] > 0
        assert json.loads((house.root / name / "description.json").read_text())["kind"]
    assert json.loads((house.root / "filters" / "verification.json").read_text())["passed"] is True


def test_the_network_on_disk_has_the_accuracy_of_the_record(house):
    """Forwarded here by hand, image by image normalised with the dataset's numbers."""
    from prune_core.data import load_dataset, split_dataset

    house.run(described("baseline"), [0])
    dataset = load_dataset("digits", cache=house.cache)
    test = split_dataset(dataset, 0, validation=100, test=100, train=300).test
    network = load_network(budget_folder(house.root / "trial", 0) / "weights.safetensors").eval()
    pixels = (test.array() / 255.0 - np.array(dataset.mean)) / np.array(dataset.std)
    with torch.no_grad():
        guesses = network(torch.from_numpy(pixels.transpose(0, 3, 1, 2)).float()).argmax(1).numpy()
    assert house.record(0)["accuracy"] == (guesses == test.labels).mean()


def test_what_is_there_is_not_done_again(house, monkeypatch):
    told = []
    house.run(described(), [0, 1], on_budget=lambda b, r: told.append((b, r)))
    monkeypatch.setattr(pipeline, "load_trial_data", lambda *_: pytest.fail("data loaded for nothing"))
    again = []
    outcome = house.run(described(), [1, 0], on_budget=lambda b, r: again.append((b, r)))
    assert outcome["status"] == "complete"
    assert [b for b, _ in told] == [0, 1]
    assert again == told


def test_a_curve_is_of_the_trials_own_training(house):
    """The baseline's own, also where another trial had trained it before; a pruned network's from its first epoch on."""
    house.run(described(), [0, 2], name="pruned")
    house.run(described("baseline"), [0], name="baseline")
    house.run(described(ratio="0.6"), [0], name="untrained")
    seen = {
        name: [(row["phase"], row["epoch"]) for row in read_curve(house.root / name)]
        for name in ("pruned", "baseline", "untrained")
    }
    assert seen == {
        "pruned": [("fine-tune", 1), ("fine-tune", 2)],
        "baseline": [("baseline", 1), ("baseline", 2)],
        "untrained": [],
    }
    first, second = read_curve(house.root / "baseline")
    assert 0 < second["loss"] < first["loss"] and 0 < first["accuracy"] < second["accuracy"] <= 1


def test_a_longer_budget_goes_on_and_a_new_one_below_is_walked_again(house, monkeypatch):
    house.run(described(), [0, 1, 2, 3, 4], "direct")
    house.run(described(), [0, 3], "grown")
    kept = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (house.root / "grown").glob("budget-*/*")}
    walked = []

    def noted(*args, **more):
        walked.append((more["epochs_from"], more["epochs_to"]))
        return train(*args, **more)

    monkeypatch.setattr(pipeline_walk, "train", noted)
    assert house.run(described(), [0, 3, 4], "grown")["budgets"] == [0, 3, 4]
    assert walked == [(3, 4)]
    walked.clear()
    assert house.run(described(), [0, 1, 2, 3, 4], "grown")["budgets"] == [0, 1, 2, 3, 4]
    assert walked == [(0, 1), (1, 2)]
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in kept} == kept
    for budget in range(5):
        assert numbers(house.record(budget, "grown")) == numbers(house.record(budget, "direct"))
        files = [budget_folder(house.root / name, budget) / "weights.safetensors" for name in ("grown", "direct")]
        assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(("method", "rounds"), [("unstructured", 1), ("l1_filter", 2)])
def test_interrupted_anywhere_it_ends_the_same(house, method, rounds):
    """Stopped again and again after a random number of steps and batches, baseline and evaluation included."""
    description = described(method=method, rounds=rounds)
    house.run(description, [1, 2], "calm", store="calm-store")
    draw, stops = random.Random(rounds), 0
    for _ in range(300):
        left = iter(range(draw.randint(3, 25)))
        outcome = house.run(
            description, [1, 2], "stormy", store="stormy-store", should_stop=lambda left=left: next(left, None) is None
        )
        if outcome["status"] != "interrupted":
            break
        assert read_outcome(house.root / "stormy") is None
        stops += 1
    assert outcome["status"] == "complete"
    assert stops >= 5
    for budget in (1, 2):
        assert numbers(house.record(budget, "stormy")) == numbers(house.record(budget, "calm"))
        files = [budget_folder(house.root / name, budget) / "weights.safetensors" for name in ("stormy", "calm")]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_rounds_end_at_the_ratio_that_was_asked_for(house):
    house.run(described(rounds=2), [1, 2], "rounds")
    house.run(described(), [1], "at once")
    assert house.record(1, "rounds")["parameters"] == house.record(1, "at once")["parameters"]
    assert house.record(1, "rounds")["nll"] != house.record(1, "at once")["nll"]
    outcome = house.run(described(rounds=3), [1, 2], "too early")
    assert outcome["status"] == "failed"
    assert "budget 1 lies before the last round of pruning, at epoch 2" in outcome["cause"]


@pytest.mark.parametrize("method", METHODS.names())
def test_every_method_goes_through(house, method):
    """Half of everything, fine-tuned: fewer weights than the control, verified, the same again from another store."""
    for name in ("one", "two"):
        assert house.run(described(method=method), [0, 1], name, store=name)["status"] == "complete"
    assert numbers(house.record(1, "one")) == numbers(house.record(1, "two"))
    assert house.record(1, "one")["nonzero_parameters"] < 0.7 * 1702
    assert house.record(1, "one")["compression"] == 1702 / house.record(1, "one")["nonzero_parameters"]


def test_random_scores_are_nested_over_ratios_and_differ_over_seeds(house):
    for name, ratio, seed in (("a", "0.3", 0), ("b", "0.6", 0), ("c", "0.3", 1)):
        house.run(described(method="random_weights", ratio=ratio, seed=seed), [0], name)
    a, b, c = (zeros(budget_folder(house.root / name, 0) / "weights.safetensors") for name in "abc")
    assert all(bool((b[name] | ~a[name]).all()) for name in a)
    assert any(not torch.equal(a[name], c[name]) for name in a)


def test_a_users_checkpoint_is_the_baseline(house):
    from prune_core.networks import build_network

    torch.manual_seed(7)
    network = build_network("small_vgg", num_classes=10, in_channels=1, width=4)
    file = house.root / "mine.pt"
    torch.save({"state_dict": network.state_dict()}, file)
    mine = {**BASELINE, "training": None, "checkpoint": {"path": str(file), "sha256": file_sha256(file)}}
    assert house.run(described("baseline", baseline=mine), [0])["status"] == "complete"
    saved = load_network(budget_folder(house.root / "trial", 0) / "weights.safetensors").state_dict()
    assert all(torch.equal(saved[name], value) for name, value in network.state_dict().items())
    other = {**mine, "checkpoint": {"path": str(file), "sha256": "0" * 64}}
    outcome = house.run(described("baseline", baseline=other), [0], "other")
    assert outcome["status"] == "failed"
    assert "not the one that was planned with" in outcome["cause"]


def test_a_schedule_with_a_length_needs_the_budget_in_the_key(house):
    cosine = {"learning_rate": 0.02, "batch_size": 32, "schedule": "cosine"}
    outcome = house.run(described(fine_tuning=cosine), [1], "without")
    assert outcome["status"] == "failed"
    assert "needs the budget" in outcome["cause"]
    assert house.run(described(fine_tuning=cosine, budget=2), [2], "with")["status"] == "complete"


def test_nothing_but_the_record_is_kept_when_asked(house):
    house.run(described(), [0], keep="none")
    # Beside the record what resampling the images does to it: a few kilobytes, for intervals without logits.
    assert {path.name for path in budget_folder(house.root / "trial", 0).iterdir()} == {"record.json", "resampled.npy"}


def test_a_session_lasts_over_the_budgets_of_a_walk_and_ends_with_the_trial(house, monkeypatch):
    """As on a GPU: one step and its momentum for the budgets after a pruning, given up when the trial ends, also badly."""
    house.run(described(), [0, 1, 3], "plain")
    made, closed = [], []

    class Noted(Session):
        def __init__(self):
            super().__init__()
            made.append(self)

        def close(self):
            closed.append((self, self._step))
            super().close()

    monkeypatch.setattr(Session, "on", classmethod(lambda cls, _: Noted()))
    outcome = house.run(described(), [0, 1, 3], "queued", store="queued-store")
    assert outcome["status"] == "complete"
    walks = [session for session in made if any(one is session and step is not None for one, step in closed)]
    assert len(walks) == 2  # the baseline's, and one for both budgets of the walk
    assert {session for session, _ in closed} == set(made) and all(session._step is None for session in made)
    record, plain = house.record(3, "queued"), house.record(3, "plain")
    assert record["training_path"] == "eager: no graphs on cpu"
    assert "training_path" not in plain and "training_path" not in house.record(0, "queued")
    assert record["accuracy"] == pytest.approx(plain["accuracy"], abs=0.05)
    # interrupted in the walk, and again from the checkpoint: the same numbers
    steps = iter(range(10_000))
    stopped = house.run(described(), [0, 1, 3], "again", store="queued-store", should_stop=lambda: next(steps) == 25)
    assert stopped["status"] == "interrupted"
    house.run(described(), [0, 1, 3], "again", store="queued-store")
    assert numbers(house.record(3, "again")) == numbers(record)
    made.clear()
    closed.clear()
    monkeypatch.setattr(pipeline, "judge", lambda *_: (_ for _ in ()).throw(RuntimeError("broken")))
    assert house.run(described(seed=1), [1], "broken", store="queued-store")["status"] == "failed"
    assert made and {session for session, _ in closed} == set(made)


def test_every_record_says_its_build_and_that_of_its_baseline(house, monkeypatch):
    house.run(described("baseline"), [0], "baseline")
    here = this_build("cpu")
    assert here["torch"] == torch.__version__ and here["numpy"] == np.__version__ and here["processor"]
    house.run(described(), [0], "first")
    other = {**here, "torch": "9.9"}
    for module in (pipeline_evaluation, pipeline_baseline):
        monkeypatch.setattr(module, "this_build", lambda _: other)
    house.run(described(), [0], "second")
    house.run(described("control"), [0], "control")
    for name, made_by in (("baseline", here), ("first", here), ("second", other), ("control", here)):
        record = house.record(0, name)
        assert {column: record[column] for column in here} == made_by, name
        assert record["baseline_build"] == build_text(here)
    # the control's budget 0 is the baseline, which was judged once, by the build that says so
    outcome = house.run(described(ratio="0.7"), [0], "refused", mixed_builds="refuse")
    assert outcome["status"] == "failed" and "mixed_builds: refuse" in outcome["cause"]
    assert "torch 9.9" in outcome["cause"] and here["torch"] in outcome["cause"]
