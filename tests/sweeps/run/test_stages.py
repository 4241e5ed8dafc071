"""Where the time of a run went, on clocks of the test."""

from __future__ import annotations

from prune_core.base.files import write_json
from prune_core.base.trial_folder import RECORD, budget_folder
from sweeps.run.stages import Stages


def test_stages_add_up_to_the_whole_and_workers_are_told_by_place(tmp_path):
    wall, cpu = iter([103.0, 104.0, 110.0, 111.0, 120.0]), iter([2.0, 2.5, 3.0, 3.5, 5.0])
    stages = Stages(100.0, wall=lambda: next(wall), cpu=lambda: next(cpu))
    stages.enter("plan")
    stages.enter("trials run")
    for number, place in enumerate(("a", "a", "b")):
        folder = tmp_path / str(number)
        write_json(budget_folder(folder, 0) / RECORD, {"train_seconds": 30.0, "evaluate_seconds": 1.0, "budget": 0})
        write_json(budget_folder(folder, 1) / RECORD, {"train_seconds": 2.0, "evaluate_seconds": 1.0, "budget": 1})
        stages.trial(place, 40.0, folder)
    stages.enter("plan")  # it goes on
    stages.enter("report")
    rows = [line.split() for line in stages.lines()]
    assert [row[-2:] for row in rows[1:6]] == [
        ["3.0", "2.0"],
        ["2.0", "1.0"],
        ["6.0", "0.5"],
        ["9.0", "1.5"],
        ["20.0", "5.0"],
    ]
    assert rows[-2:] == [["a", "2", "80.0", "64.0", "4.0", "12.0"], ["b", "1", "40.0", "32.0", "2.0", "6.0"]]


def test_a_training_that_an_earlier_run_did_is_not_counted(tmp_path):
    stages = Stages(0.0)
    write_json(budget_folder(tmp_path, 0) / RECORD, {"train_seconds": 500.0, "evaluate_seconds": None, "budget": 0})
    stages.trial("a", 5.0, tmp_path)
    assert stages.lines()[-1].split() == ["a", "1", "5.0", "5.0", "0.0", "0.0"]
