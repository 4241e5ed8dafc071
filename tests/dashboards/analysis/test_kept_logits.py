"""Kept logits that cannot be read: what is left out of a report for them is named, file by file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import dashboards.cli  # noqa: F401  (files the command `report`)
from dashboards.analysis.answers import answers
from dashboards.analysis.kept_logits import damaged_sentences
from dashboards.analysis.points import candidate_points
from dashboards.reading.study_folder import read_study_folder
from sweeps.cli.group import cli, run_cli


@pytest.mark.parametrize("which", ["report.npz", "selection.npz"])
@pytest.mark.parametrize("left", [0, 200])
def test_a_damaged_file_is_named_on_the_terminal_and_in_the_report(
    study_folder: Path, tmp_path: Path, which: str, left: int, capsys: pytest.CaptureFixture[str]
) -> None:
    out = Path(shutil.copytree(study_folder, tmp_path / "study"))
    study = read_study_folder(out)
    row = next(answer.row for answer in answers(study, candidate_points(study)) if answer.row is not None)
    key = str(row.keys).split(";")[0]
    file = out / "trials" / key / f"budget-{row.budget:04d}" / which
    assert damaged_sentences(study, [row]) == []
    file.write_bytes(file.read_bytes()[:left])
    (said,) = damaged_sentences(study, [row, row])
    assert said.startswith(f"trials/{key}/budget-{row.budget:04d}/{which} is damaged") and "run the study again" in said
    if which == "report.npz" and left:
        assert run_cli(cli, ["report", str(out)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == f"warning: {out}: {said}" and lines[-1] == str(out / "report" / "index.html")
        page = (out / "report" / "index.html").read_text(encoding="utf-8")
        assert f"trials/{key}/budget-{row.budget:04d}/{which} is damaged" in page
