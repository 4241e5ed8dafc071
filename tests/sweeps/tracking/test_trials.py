"""What MLflow is told about a trial, read from a folder made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from prune_core.base.files import write_json
from prune_core.base.recipe import Recipe
from prune_core.base.trial_folder import CORRUPTIONS, OUTCOME, RECORD, TRACEBACK, budget_folder
from prune_core.trial.description import BaselineDescription, EvaluationDescription, TrialDescription
from prune_core.trial.description_parts import DataDescription, NetworkDescription
from sweeps.folder.paths import trial_folder
from sweeps.plan.trials import PlannedTrial
from sweeps.tracking.names import RunNames
from sweeps.tracking.trials import TrialEntries


def planned(key: str, kind: str, seed: int = 0) -> PlannedTrial:
    baseline = BaselineDescription(0, DataDescription("digits"), NetworkDescription("net"), Recipe(), seed)
    description = TrialDescription(kind, baseline, EvaluationDescription(), seed, fine_tuning=Recipe())
    name, base = f"net-{kind}-s{seed}", f"base{seed}"
    return PlannedTrial(key, name, kind, "net", "net", kind, "0.5", seed, (0, 2), (0, 2), description, base)


CONTROL, PRUNED, OTHER = planned("control", "control"), planned("pruned", "pruned"), planned("other", "control", seed=1)


def ended(out: Path, trial: PlannedTrial, accuracies: dict[int, float], status: str = "complete", **more: object) -> None:
    folder = trial_folder(out, trial.key)
    for budget, accuracy in accuracies.items():
        write_json(budget_folder(folder, budget) / RECORD, {"accuracy": accuracy, "ece": accuracy / 10, "budget": budget})
    write_json(folder / OUTCOME, {"status": status, **more})


@pytest.fixture
def entries(tmp_path: Path) -> TrialEntries:
    return TrialEntries(tmp_path, lambda: [CONTROL, PRUNED, OTHER], RunNames([]), 2)


def test_the_difference_to_the_control_is_that_of_the_longest_budget(tmp_path: Path, entries: TrialEntries) -> None:
    assert entries.of(PRUNED) is None
    ended(tmp_path, CONTROL, {0: 0.9, 2: 0.95})
    ended(tmp_path, OTHER, {0: 0.1, 2: 0.1})
    ended(tmp_path, PRUNED, {0: 0.5, 2: 0.8})
    entry = entries.of(PRUNED)
    assert entry is not None
    points = {(name, step): value for name, step, value in entry.points()}
    assert points["delta_accuracy", 0] == pytest.approx(0.8 - 0.95)
    assert points["delta_ece", 0] == pytest.approx(0.080 - 0.095)
    assert not any(name == "delta_mpc" or (name, step) == ("delta_accuracy", 2) for name, step in points)


def test_a_control_that_ends_later_brings_the_difference(tmp_path: Path, entries: TrialEntries) -> None:
    ended(tmp_path, PRUNED, {0: 0.5, 2: 0.8})
    early = entries.of(PRUNED)
    assert early is not None
    assert entries.changed_by(OTHER) == []
    ended(tmp_path, CONTROL, {0: 0.9, 2: 0.95})
    assert entries.changed_by(CONTROL) == [PRUNED]
    late = entries.of(PRUNED)
    assert late is not None
    assert late.digest() != early.digest()
    assert entries.changed_by(CONTROL) == []


def test_a_trial_that_failed_brings_its_cause_and_its_traceback(tmp_path: Path, entries: TrialEntries) -> None:
    ended(tmp_path, PRUNED, {0: 0.5}, status="failed", cause="boom")
    folder = trial_folder(tmp_path, PRUNED.key)
    (folder / TRACEBACK).write_text("Traceback ...\n")
    (budget_folder(folder, 0) / CORRUPTIONS).write_text("corruption,images,accuracy_s1\nfog,9,0.5\n")
    entry = entries.of(PRUNED)
    assert entry is not None
    assert (entry.status, entry.cause, list(entry.metrics)) == ("failed", "boom", [0])
    assert [path.name for path in entry.artifacts] == [TRACEBACK]
    assert entry.corruption_table() == "budget,corruption,images,accuracy_s1\n0,fog,9,0.5\n"


def test_who_is_on_the_front_of_the_longest_budget_has_the_tag_until_it_falls_off(
    tmp_path: Path, entries: TrialEntries
) -> None:
    ended(tmp_path, PRUNED, {0: 0.5, 2: 0.8})
    ended(tmp_path, OTHER, {0: 0.5, 2: 0.8})
    front = tmp_path / "front.csv"
    front.write_text("budget,front_frequency,keys\n0,0.25,pruned;other\n2,0.75,pruned\n")
    assert entries.place(front) == ["pruned", "other"]
    assert entries.place(front) == []
    mine, other = entries.of(PRUNED), entries.of(OTHER)
    assert mine is not None and other is not None
    assert (mine.tags["prunefront.on_front"], other.tags["prunefront.on_front"]) == ("true", "false")
    assert [point for point in mine.points() if point[0] == "front_frequency"] == [
        ("front_frequency", 0, 0.25),
        ("front_frequency", 2, 0.75),
    ]
    front.write_text("budget,front_frequency,keys\n")
    assert entries.place(front) == ["pruned", "other"]
    mine = entries.of(PRUNED)
    assert mine is not None and mine.tags["prunefront.on_front"] == "false" and not mine.places
