"""Who only reads a folder opens no images and fetches nothing: the run wrote down what is to be known of the data."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest

from dashboards.cli import build
from prune_core.base.files import read_json, write_json
from sweeps.cli.group import cli, run_cli
from sweeps.folder.pages import Pages
from sweeps.plan.data_facts import DataFacts, recorded_data
from sweeps.plan.plan import make_plan
from sweeps.run.books import Books
from sweeps.run.status import status_text
from sweeps.search.whole_plan import whole_plan
from sweeps.study.model import Study, load_study

FIXTURE = Path(__file__).parents[2] / "fixtures" / "study-0.1.0.tar.xz"
STUDY = """
name: mine
data: {{name: "arrays:{file}", validation: 20, test: 20}}
networks: {{small_vgg: {{options: {{width: 4}}}}}}
arms: [{{methods: [unstructured]}}]
training: {{epochs: 1}}
ratios: [0.5]
budgets: [0]
seeds: [0]
"""


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRUNEFRONT_CACHE", str(tmp_path / "cache"))


def forbid_images(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object, **__: object) -> None:
        raise AssertionError("data was opened")

    for name in ("prune_core.data.load_dataset", "prune_core.data.load.load_dataset"):
        monkeypatch.setattr(name, opened)
    for name in ("prune_core.trial.data.load_dataset", "prune_core.data.load.read_arrays", "PIL.Image.open"):
        monkeypatch.setattr(name, opened)


@pytest.fixture(name="old")
def _old(tmp_path: Path) -> Path:
    """The folder of a finished study of version 0.1.0."""
    with tarfile.open(FIXTURE) as archive:
        archive.extractall(tmp_path / "old", filter="data")
    return tmp_path / "old" / "smoke"


def test_status_report_and_compare_of_an_older_folder_open_no_images(
    old: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forbid_images(monkeypatch)
    assert "8 of 8 trials" in status_text(old)
    assert len(whole_plan(old).trials) == 8
    for argv in (["status", str(old)], ["report", str(old)], ["compare", str(old), str(old)]):
        assert run_cli(cli, argv, pages=Pages(build)) == 0
    assert capsys.readouterr().err == ""


def own(folder: Path) -> Study:
    images = np.random.default_rng(0).integers(0, 256, (80, 16, 16, 3), dtype=np.uint8)
    np.savez(folder / "mine.npz", images=images, labels=np.arange(80) % 4)
    (folder / "mine.yaml").write_text(STUDY.format(file=folder / "mine.npz"), encoding="utf-8")
    return load_study(folder / "mine.yaml")


def test_a_run_writes_down_what_its_data_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, out = own(tmp_path), tmp_path / "out"
    plan = make_plan(study, out)
    assert plan.checksum is not None
    assert plan.data == DataFacts(plan.checksum, 80, 0, (16, 16, 3), 4, {}, ("0", "1", "2", "3"))
    out.mkdir()
    Books.open(study, plan, out)
    forbid_images(monkeypatch)
    (tmp_path / "mine.npz").unlink()
    again = make_plan(load_study(out / "study.yaml"), out, recorded=True)
    assert (again.data, [trial.key for trial in again.trials]) == (plan.data, [trial.key for trial in plan.trials])
    said = status_text(out)
    assert "data       80 images in 4 classes" in said and "time       about" in said


def test_the_checksum_of_the_last_run_counts(tmp_path: Path) -> None:
    """Trials of images that were there before lie in the folder as well."""
    study, out = own(tmp_path), tmp_path / "out"
    plan = make_plan(study)
    described = plan.trials[0].description.to_plain()
    for place, checksum in (("zz", "old"), ("aa", "new")):
        data = {**described["baseline"]["data"], "checksum": checksum}
        write_json(
            out / "trials" / place / "description.json", {**described, "baseline": {**described["baseline"], "data": data}}
        )
    assert recorded_data(study, out) == DataFacts("new")
    other = load_study(tmp_path / "mine.yaml", ["data.options={mean: 0.5}"])
    assert recorded_data(other, out) is None
    (out / "trials" / "aa" / "description.json").write_text("[" * 200_000)
    (out / "study.yaml").write_text("[" * 200_000)
    assert recorded_data(study, out) == DataFacts("old")
    assert read_json(out / "trials" / "zz" / "description.json")["kind"] == described["kind"]
