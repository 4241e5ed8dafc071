"""A study that was moved runs, grows and shows its artifacts from its new place; a folder as STUDY means that folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from dashboards.cli import PAGES
from sweeps.cli.group import cli, run_cli
from sweeps.folder.sqlite import read_texts
from tests.conftest import LEAKY
from tests.sweeps.inline import without_ray

STUDY = """
name: small
data: {name: digits, train: 100, validation: 60, test: 60}
networks: {small_vgg: {options: {width: 4}}}
arms: [{methods: [l1_filter]}]
training: {epochs: 1, learning_rate: 0.2}
ratios: [0.5]
budgets: [0]
seeds: [0]
evaluation: {images_per_cell: 4, selection_images_per_cell: 4, train_images: 0, corruptions: [fog]}
tracking: {log_models: 1}
plugins: [mine_that_moves]
"""


def test_a_moved_study_is_used_from_its_new_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mlflow.tracking import MlflowClient

    without_ray(monkeypatch, mlflow=True)
    old, new = tmp_path / "old place", tmp_path / "elsewhere" / "new"
    old.mkdir()
    (old / "small.yaml").write_text(STUDY, encoding="utf-8")
    (old / "mine_that_moves.py").write_text("", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert run_cli(cli, ["run", str(old / "small.yaml"), "--out", str(old / "runs" / "first")], pages=PAGES) == 0
    new.parent.mkdir()
    shutil.move(old, new)
    shutil.move(new / "runs" / "first", new / "runs" / "renamed")
    out = new / "runs" / "renamed"
    capsys.readouterr()
    for name in LEAKY:  # MLflow's own, of the first run: the next one is another process
        monkeypatch.delenv(name, raising=False)

    assert run_cli(cli, ["plan", str(out)]) == 0
    assert "everything is there" in capsys.readouterr().out
    assert run_cli(cli, ["run", str(out), "--set", "ratios=[0.3, 0.5]"], pages=PAGES) == 0
    assert "there      3 of 4 trials" in capsys.readouterr().out
    assert not (tmp_path / "runs").exists(), "a study of the same name was begun where the user is"
    assert run_cli(cli, ["rescore", str(out)], pages=PAGES) == 0
    assert run_cli(cli, ["export", str(out), "--list"]) == 0

    for query in ("select artifact_uri from runs", "select artifact_location from logged_models"):
        found = read_texts(out / "mlflow.db", query)
        assert found and all(place.startswith((out / "mlartifacts").as_uri()) for place in found)
    client = MlflowClient(tracking_uri=f"sqlite:///{out / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("prunefront")
    runs = client.search_runs([experiment.experiment_id], "tags.`prunefront.role` = 'trial'")
    assert len(runs) == 4
    listed = [len(client.list_artifacts(run.info.run_id)) for run in runs]
    assert all(listed), "artifacts of before the move are not found"
    written = yaml.safe_load((out / "study.yaml").read_text(encoding="utf-8"))
    assert str(new) in written["plugin_paths"], "the plugins are looked for where the project is now"


def test_a_shipped_name_stays_one_and_a_folder_without_a_study_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    assert run_cli(cli, ["plan", "mine"]) == 2
    assert "mine: there is no study here" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["arrays", "image_folder"])
def test_images_that_were_moved_are_named_anew_and_no_trial_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    without_ray(monkeypatch)
    monkeypatch.setenv("PRUNEFRONT_CACHE", str(tmp_path / "cache"))
    generator = np.random.default_rng(0)
    images, labels = generator.integers(0, 256, (80, 16, 16, 3), dtype=np.uint8), np.arange(80) % 4
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    np.savez(old / "mine.npz", images=images, labels=labels)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        (old / "mine" / "train" / f"class {label}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(old / "mine" / "train" / f"class {label}" / f"{number}.png")
    name = {"arrays": "mine.npz", "image_folder": "mine"}[kind]
    text = STUDY.replace("plugins: [mine_that_moves]", "").replace(
        "100, validation: 60, test: 60", "40, validation: 20, test: 20"
    )
    study, out = tmp_path / "small.yaml", tmp_path / "out"
    study.write_text(text.replace("name: digits", f"name: '{kind}:{old / name}'"), encoding="utf-8")
    assert run_cli(cli, ["run", str(study), "--out", str(out)]) == 0
    shutil.move(old, new)
    capsys.readouterr()

    for command in (["run", str(out)], ["run", str(study), "--out", str(out)]):
        assert run_cli(cli, command) == 2
        line = capsys.readouterr().err
        assert line.count("\n") == 1 and f"--set data.name={kind}:PATH" in line
    assert run_cli(cli, ["status", str(out)]) == 0
    now = ["--set", f"data.name={kind}:{new / name}"]
    assert run_cli(cli, ["run", str(out), *now]) == 0
    assert "everything is there: nothing to run" in capsys.readouterr().out
    assert yaml.safe_load((out / "study.yaml").read_text(encoding="utf-8"))["data"]["name"] == f"{kind}:{new / name}"
