"""What `status` and the end of a run say of the front: who is on it, what to take, how to export it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pandas as pd

from sweeps.run.front_text import recommended_lines, status_lines
from sweeps.study.model import read_study
from tests.sweeps.export.test_choice import ROWS, row, study_folder


def test_status_shows_the_front_what_to_take_and_the_command_that_exports_it(tmp_path: Path) -> None:
    rows = [*ROWS[:5], row("ccccccccccccccc1", "control", 1, accuracy=0.99, nll=0.1, parameters=4000.0)]
    out = study_folder(tmp_path, rows=rows)
    lines = status_lines(read_study(out), out)
    assert lines[0] == "the front:"
    assert lines[2].startswith("  small_vgg control")
    assert any(line.startswith("  small_vgg-l1_filter at 0.5, 0 epochs") for line in lines)
    assert not any("unstructured" in line for line in lines)  # dominated
    assert f"  export it: prunefront export {out} --pick small_vgg-l1_filter-r0.50-b0" in lines


def test_the_command_takes_any_name_of_a_folder(tmp_path: Path) -> None:
    out = study_folder(tmp_path).rename(tmp_path / "größe & maß's")
    line = status_lines(read_study(out), out)[-1]
    assert shlex.split(line.partition("export it: ")[2])[:3] == ["prunefront", "export", str(out)]


def test_where_nothing_qualifies_that_is_the_answer_and_nothing_is_exported(tmp_path: Path) -> None:
    out = study_folder(tmp_path, limits='["val_accuracy >= 0.95"]')
    lines = recommended_lines(read_study(out), pd.DataFrame(list(ROWS)), out)
    assert lines == [
        "Keep the unpruned network: none of 2 pruned networks meets the limits (val_accuracy >= 0.95).",
    ]


def test_before_there_is_a_front_status_says_so(tmp_path: Path) -> None:
    out = study_folder(tmp_path, rows=ROWS[4:])
    assert status_lines(read_study(out), out)[0] == "  front      none yet: no candidate has all its seeds"
    (out / "records.parquet").unlink()
    assert status_lines(read_study(out), out) == ["  front      none yet: no trial has a result"]
