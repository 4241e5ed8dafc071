"""No link out of an output folder is followed; links to it, and within it, are fine."""

from __future__ import annotations

from pathlib import Path

import pytest

from prune_core.base.errors import BadInput
from sweeps.folder.links import refuse_links
from sweeps.folder.lock import driving


@pytest.fixture
def out(tmp_path: Path) -> Path:
    out = tmp_path / "out"
    (out / "trials" / "0123" / "budget-0000").mkdir(parents=True)
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "file").write_text("mine")
    return out


ENTRIES = (
    *("study.yaml", "records.parquet", "front.csv", "mlflow.db", "optuna.db", "models", "report", "trials/4567", ".tune"),
    *("trials/0123/outcome.json", "trials/0123/budget-0001", "trials/0123/budget-0000/report.npz", ".driver.lock"),
)


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("target", ["victim", "victim/file", "not-there"])
def test_a_link_out_is_named(out: Path, entry: str, target: str) -> None:
    (out / entry).symlink_to(out.parent / target)
    with pytest.raises(BadInput, match=f"{entry}: is a link that leads out of the folder"):
        refuse_links(out)
    with pytest.raises(BadInput, match="is a link"), driving(out):
        pass
    assert sorted(path.name for path in (out.parent / "victim").iterdir()) == ["file"]
    assert (out.parent / "victim" / "file").read_text() == "mine" and not (out.parent / "not-there").exists()


@pytest.mark.parametrize("target", ["../victim", "trials/../../victim", "chain", "loop"])
def test_relative_links_chains_and_loops_are_seen(out: Path, target: str) -> None:
    if target == "chain":
        (out.parent / "beside").symlink_to("victim/file")
        (out / "chain").symlink_to("../beside")
    (out / "loop").symlink_to(target)
    with pytest.raises(BadInput, match="is a link"):
        refuse_links(out)


def test_links_inside_and_to_the_whole_folder_are_fine(out: Path, tmp_path: Path) -> None:
    (out / "trials" / "0123" / "outcome.json").write_text("{}")
    (out / "trials" / "89ab").symlink_to("0123")
    (tmp_path / "runs").symlink_to(tmp_path)
    (tmp_path / "scratch").symlink_to(out)
    refuse_links(out)
    refuse_links(tmp_path / "scratch")
    refuse_links(tmp_path / "runs" / "out")
    refuse_links(tmp_path / "not-there")
