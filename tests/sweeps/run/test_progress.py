"""What a run says from its first second on, and how fast it says that trials end."""

from __future__ import annotations

import time
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from sweeps.front.text import FrontTable
from sweeps.plan.trials import PlannedTrial
from sweeps.plan.workload import Workload
from sweeps.run.pace import busy_rate
from sweeps.run.progress import Progress, doing_text, drawn_front, rate_text

UNUSED: Any = None


def trial(name: str) -> PlannedTrial:
    return PlannedTrial(name, name, "baseline", "a", "vgg", "baseline", "0", 0, (0,), (0,), UNUSED, f"base of {name}")


def workload(count: int) -> Workload:
    return Workload(
        [trial(f"t{number}") for number in range(count)],
        ended=lambda _: None,
        baseline_ready=lambda _: True,
        baseline_failure=lambda _: None,
        block=lambda *_: None,
    )


def shown(progress: Progress, width: int = 80) -> str:
    console = Console(file=StringIO(), width=width)
    console.print(progress.view())
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_nothing_is_starting_where_all_trials_ended_before_anybody_looked() -> None:
    load = workload(1)
    only = load.next()
    assert only is not None
    load.finished(only.key, "complete")
    progress = Progress(Console(file=StringIO()), load, FrontTable)
    assert progress.line() == "1 of 1 trials done, 0 running, 0 waiting"


def test_the_first_line_comes_before_anything_runs_with_the_time_that_the_plan_expects() -> None:
    said = Console(file=StringIO(), width=120)
    progress = Progress(said, workload(8), FrontTable, planned=125.0)
    with progress:
        progress.tick(force=True)
    text = said.file.getvalue()  # type: ignore[attr-defined]
    assert text == "0 of 8 trials done, 0 running, 8 waiting, about 2 min 5 s left; Ray is starting\n"
    progress.tick()
    assert progress.line().endswith("about 2 min 5 s left; the workers are starting")


def test_a_plan_that_was_too_short_is_not_called_over() -> None:
    load = workload(4)
    progress = Progress(Console(file=StringIO()), load, FrontTable, planned=1e-9)
    one = load.next()
    assert one is not None
    load.take_place(one.key)
    assert "left" not in progress.line()


def test_what_runs_is_named_with_what_it_does_and_no_table_is_drawn_before_the_front_has_a_row() -> None:
    load = workload(4)
    doing = {"t0": {"phase": "fine-tune", "epoch": 1, "of": 2}}
    progress = Progress(Console(file=StringIO()), load, FrontTable, doing=lambda one: doing.get(one.key))
    for _ in range(3):
        one = load.next()
        assert one is not None
        load.take_place(one.key)
    assert progress.line() == (
        "0 of 4 trials done, 3 running, 1 waiting; t0 (fine-tune, 1 of 2 epochs), t1 (starting) and 1 more"
    )
    lines = shown(progress).splitlines()
    assert len(lines) == 5 and all(line.strip() for line in lines[2:])  # the line, the bar, two that run and one more
    assert [line.split() for line in lines[2:4]] == [
        ["running", "t0", "fine-tune,", "1", "of", "2", "epochs"],
        ["running", "t1", "starting"],
    ]


def test_a_narrow_terminal_cuts_no_name_so_that_methods_can_be_told_apart() -> None:
    names = [f"my_own_resnet56_with_a_wide_head-{method} at 0.5, 2 epochs" for method in ("network_slimming", "l1_filter")]
    front = FrontTable(("", "accuracy", "ECE", "nonzero parameters"), tuple((name, "0.9", "0.1", "9") for name in names))
    console = Console(file=StringIO(), width=60)
    console.print(drawn_front("the front", front))
    said = "".join(console.file.getvalue().split()).replace("0.90.19", "")  # type: ignore[attr-defined]  # without the numbers
    assert all(name.replace(" ", "") in said for name in names)


def test_a_view_fits_eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    load = workload(400)
    progress = Progress(Console(file=StringIO(), width=80), load, FrontTable)
    for _ in range(399):
        one = load.next()
        assert one is not None
        load.take_place(one.key)
        if load.in_place > 12:
            load.finished(one.key, "complete")
    assert max(map(len, shown(progress).splitlines())) <= 80
    assert "and 4 more running" in shown(progress)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], None),
        ([(0.0, 60.0), (0.0, 60.0)], 2.0),  # two at a time
        ([(0.0, 30.0), (30.0, 60.0), (1000.0, 1030.0)], 2.0),  # a pause between two runs is nobody's fault
        ([(0.0, 2000.0), (1970.0, 2000.0)], 60 * 2 / 900),  # the window's share of a long trial
        ([(5.0, 5.0)], None),
    ],
)
def test_a_rate_counts_the_time_in_which_trials_ran(spans: list[tuple[float, float]], expected: float | None) -> None:
    found = busy_rate(spans)
    assert found == (None if expected is None else pytest.approx(expected))


def test_a_rate_does_not_sink_after_the_last_trial_ended() -> None:
    long_ago = time.time() - 86400
    assert busy_rate([(long_ago, long_ago + 1), (long_ago + 1, long_ago + 2)]) == pytest.approx(60)


def test_words() -> None:
    assert [rate_text(each) for each in (58.2, 4.25, 0.5, 0.05)] == [
        "58 trials a minute",
        "4.2 trials a minute",
        "30 trials an hour",
        "3.0 trials an hour",
    ]
    assert doing_text({"phase": "baseline", "epoch": 0, "of": 1}) == "training, 0 of 1 epoch"
    assert doing_text({"phase": "evaluate", "epoch": 0, "of": 0}) == "evaluate"


def test_a_sweep_that_was_stopped_before_a_worker_came_counts_every_trial_and_starts_nothing() -> None:
    load = workload(3)
    said = Console(file=StringIO(), width=120)
    progress = Progress(said, load, FrontTable)
    progress.tick()
    one = load.next()
    assert one is not None
    load.finished(one.key, None)  # called back without an outcome
    progress.end()
    assert progress.line() == "0 of 3 trials done, 0 running, 3 waiting"


def test_the_time_that_is_left_counts_from_the_first_place_and_not_from_the_next_line() -> None:
    load = workload(8)
    progress = Progress(Console(file=StringIO()), load, FrontTable)
    progress.tick(force=True)  # the next line is due in 15 s
    one = load.next()
    assert one is not None
    load.take_place(one.key)
    progress.tick()
    assert progress.pace.started is not None
