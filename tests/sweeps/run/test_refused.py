"""A run that is refused leaves no folder behind that it has made."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps.cli.group import cli, run_cli
from sweeps.folder.lock import driving, take_back

TOO_MANY = ("--set", "data.train=99999")


def test_a_refused_run_leaves_no_folder_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(cli, ["run", "smoke", "--out", str(tmp_path / "new"), *TOO_MANY]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "1397" in said, "what is allowed"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_stays(tmp_path: Path) -> None:
    assert run_cli(cli, ["run", "smoke", "--out", str(tmp_path), *TOO_MANY]) == 2
    assert tmp_path.is_dir()


def test_a_folder_with_anything_in_it_or_a_driver_of_its_own_stays(tmp_path: Path) -> None:
    with driving(tmp_path / "driven"):
        take_back(tmp_path / "driven")
        assert (tmp_path / "driven").is_dir()
    (tmp_path / "driven" / "notes.txt").write_text("mine")
    take_back(tmp_path / "driven")
    assert (tmp_path / "driven" / "notes.txt").exists()
