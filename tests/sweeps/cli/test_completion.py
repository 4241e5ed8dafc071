"""The Tab key: what click's own completion offers for a line that was begun."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from dashboards.cli import cli


def offered(line: str) -> list[str]:
    """Return what is offered for the last, begun word of a line."""
    *words, begun = line.split(" ")
    found = ShellComplete(cli, {}, "prunefront", "_PRUNEFRONT_COMPLETE").get_completions(words, begun)
    return [each.value for each in found]


@pytest.mark.parametrize(
    "line, names",
    [
        ("pl", ["plan"]),
        ("run q", ["quickstart", "quickstart-search"]),
        ("studies own", ["own-network"]),
        ("prune net.pth --method l", ["l1_filter", "lamp"]),
        ("prune net.pth --network resnet5", ["resnet56"]),
        ("evaluate net.pth --data cif", ["cifar10", "cifar100"]),
        ("evaluate net.pth --data im", ["image_folder:"]),
        ("evaluate net.pth --data digits --corruptions fog,gaussian_b", ["fog,gaussian_blur"]),
        ("corrupt --data digits --corruption jpeg", ["jpeg_compression"]),
        ("run smoke --max", ["--max-hours"]),
    ],
)
def test_names_that_ship_are_offered(line: str, names: list[str]) -> None:
    assert offered(line) == names


def test_study_files_and_folders_are_offered_beside_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "smile.yaml").touch()
    (tmp_path / "smile.txt").touch()
    (tmp_path / "smog").mkdir()
    (tmp_path / "smog" / "mine.yml").touch()
    monkeypatch.chdir(tmp_path)
    assert offered("plan sm") == ["smoke", "smile.yaml", "smog/"]
    assert offered("plan smog/") == ["smog/mine.yml"]
    assert offered("plan nowhere/") == []


def test_no_plugin_is_imported_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loud.py").write_text("raise RuntimeError('imported')")
    monkeypatch.chdir(tmp_path)
    assert offered("prune net.pth --plugin loud --method lam") == ["lamp"]
