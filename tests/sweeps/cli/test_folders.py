"""The commands about an output folder: status and rescore."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from prune_core.base.errors import BadInput
from prune_core.base.files import read_json, write_json
from prune_core.evaluation.logits import LogitSet
from prune_core.metrics import calibration_error
from sweeps.cli.group import cli, run_cli
from sweeps.folder.lock import driving
from sweeps.plan.plan import make_plan
from sweeps.records.collect import read_records
from sweeps.run.rescore import align_bins, rescore_study
from sweeps.run.status import status_text
from sweeps.study.model import load_study
from sweeps.study.yaml import write_study

STUDY = """
name: mine
data: {name: digits, validation: 200, test: 200}
networks: {small_vgg: {options: {width: 4}}}
arms: [{methods: [unstructured]}]
training: {epochs: 1}
ratios: [0.5]
budgets: [0]
seeds: [0]
"""


@pytest.fixture(name="out")
def _out(tmp_path: Path) -> Path:
    (tmp_path / "mine.yaml").write_text(STUDY, encoding="utf-8")
    study = load_study(tmp_path / "mine.yaml")
    out = tmp_path / "out"
    plan = make_plan(study)
    assert plan.data is not None
    write_study(study.to_plain(), out / "study.yaml", provenance={"git": "0123", "data": plan.data.to_plain()})
    baseline, control, pruned = plan.trials
    for trial in (baseline, control):
        write_json(
            out / "trials" / trial.key / "budget-0000" / "record.json",
            {"budget": 0, "train_seconds": 1.0, "evaluate_seconds": 1.0},
        )
        write_json(out / "trials" / trial.key / "outcome.json", {"status": "complete", "cause": None, "budgets": [0]})
    place = {"phase": "fine-tune", "epoch": 1, "of": 2, "heartbeat": time.time(), "host": "near", "process": 7}
    write_json(out / "trials" / pruned.key / "progress.json", place)
    return out


def test_status_says_what_is_done_what_runs_and_who_drives(out: Path) -> None:
    text = status_text(out)
    assert "2 of 3 trials" in text
    assert "fine-tune 1/2 on near, process 7" in text
    assert "driver     none" in text
    write_json(out / "trials" / "0123456789abcdef" / "outcome.json", {"status": "failed", "cause": "x", "budgets": []})
    assert "1 further trial on disk" in status_text(out)
    with driving(out):
        assert "driver     host " in status_text(out)


def test_a_silent_trial_is_not_called_running(out: Path) -> None:
    path = next(out.glob("trials/*/progress.json"))
    write_json(path, {**read_json(path), "heartbeat": time.time() - 600})
    with driving(out):
        assert "silent for 10 min" in status_text(out)


def test_nothing_runs_where_nobody_drives(out: Path) -> None:
    with driving(out):
        assert "  running    " in status_text(out)
    assert "  waiting    " in status_text(out) and "  running    " not in status_text(out)


def test_status_of_a_study_that_cannot_be_planned_here_says_what_its_folder_says(out: Path) -> None:
    plain = yaml.safe_load((out / "study.yaml").read_text())
    plain["networks"]["small_vgg"]["baseline"] = {"checkpoint": "/elsewhere/mine.pt"}
    (out / "study.yaml").write_text(yaml.safe_dump(plain))
    text = status_text(out)
    assert "the plan cannot be made here" in text and "/elsewhere/mine.pt" in text
    assert "3 trials: 1 begun, 2 complete" in text and "driver     none" in text


def judged(out: Path) -> Path:
    """Leave logits in the folder of the unpruned network, and a record that does not know them."""
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(60, 10)).astype(np.float32)
    [baseline] = [trial for trial in make_plan(load_study(out / "study.yaml")).trials if trial.kind == "baseline"]
    folder = out / "trials" / baseline.key / "budget-0000"
    LogitSet(generator.integers(0, 10, 60), logits, {}, np.zeros(0, np.int64)).save(folder / "report.npz")
    write_json(folder / "record.json", {"budget": 0, "accuracy": 0.0, "parameters": 5, "train_seconds": 1.5})
    return folder


def error_of(folder: Path, bins: int) -> float:
    """The ECE of the kept logits, computed here."""
    kept = LogitSet.load(folder / "report.npz")
    shifted = np.exp(kept.clean.astype(np.float64) - kept.clean.max(1, keepdims=True))
    return calibration_error(shifted / shifted.sum(1, keepdims=True), kept.labels, bins=bins)


def test_rescore_computes_metrics_and_tables_of_the_kept_logits_anew(out: Path) -> None:
    folder = judged(out)
    found = rescore_study(out)
    assert (found.done, found.without, found.bins) == (1, 1, 15)
    record, kept = read_json(folder / "record.json"), LogitSet.load(folder / "report.npz")
    assert record["accuracy"] == pytest.approx(float((kept.clean.argmax(1) == kept.labels).mean()))
    assert record["ece"] == pytest.approx(error_of(folder, 15))
    assert (record["parameters"], record["train_seconds"]) == (5, 1.5)
    table = read_records(out).query("method == 'baseline'")
    assert table["ece"].tolist() == [record["ece"]]
    assert rescore_study(out) == found
    assert read_json(folder / "record.json") == record


def test_rescore_keeps_what_the_corrupted_images_are_called(out: Path) -> None:
    generator = np.random.default_rng(0)
    folder = next(path.parent for path in out.glob("trials/*/budget-0000/record.json"))
    cells = {name: generator.normal(size=(5, 60, 10)).astype(np.float16) for name in ("fog", "jpeg_compression")}
    labels = generator.integers(0, 10, 60)
    LogitSet(labels, generator.normal(size=(60, 10)).astype(np.float32), cells, np.arange(60)).save(folder / "report.npz")
    write_json(folder / "record.json", {"budget": 0, "corruption_set": "mine", "mpc_without_jpeg": 2.0})
    rescore_study(out)
    record = read_json(folder / "record.json")
    assert record["corruption_set"] == "mine"
    assert record["mpc_without_jpeg"] == pytest.approx(float((cells["fog"].argmax(2) == labels).mean()))


def test_other_bins_are_those_of_every_record_and_of_the_study(out: Path) -> None:
    folder = judged(out)
    with pytest.raises(BadInput, match="1 record without logits.*allowed: 15 bins"):
        rescore_study(out, bins=7)
    assert load_study(out / "study.yaml").evaluation.ece_bins == 15
    for other in out.glob("trials/*/budget-0000/record.json"):
        if other.parent != folder:
            other.unlink()
    assert rescore_study(out, bins=7).bins == 7
    assert load_study(out / "study.yaml").evaluation.ece_bins == 7
    assert read_json(folder / "record.json")["ece"] == pytest.approx(error_of(folder, 7))


def test_a_table_without_its_trials_is_not_scored_anew_and_nothing_is_written(out: Path) -> None:
    folder = judged(out)
    rescore_study(out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    shutil.move(out / "trials", out.parent / "elsewhere")
    with pytest.raises(
        BadInput, match=r"its table has 2 records, the trials in this folder give 0, so nothing was scored anew"
    ):
        rescore_study(out, bins=7)
    shutil.move(out.parent / "elsewhere", out / "trials")
    assert {path: path.read_bytes() for path in before} == before and (folder / "record.json") in before


def test_more_bins_than_make_sense_are_refused_by_what_is_allowed(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for call in (["rescore", str(out), "--bins", "1001"], ["evaluate", "network.pt", "--data", "digits", "--bins", "1001"]):
        assert run_cli(cli, call) == 2
        said = capsys.readouterr().err
        assert "1001 is not in the range 1<=x<=1000" in said and said.count("\n") == 1
    with pytest.raises(BadInput, match=r"1,001 bins \(allowed: whole numbers from 1 to 1,000\)"):
        rescore_study(out, bins=1001)
    assert load_study(out / "study.yaml").evaluation.ece_bins == 15


def test_a_run_with_other_bins_scores_what_is_there_again(out: Path) -> None:
    folder = judged(out)
    rescore_study(out)
    with pytest.raises(BadInput, match="without logits"):
        align_bins(load_study(out / "study.yaml", ["evaluation.ece_bins=10"]), out)
    for other in out.glob("trials/*/budget-0000/record.json"):
        if other.parent != folder:
            other.unlink()
    assert align_bins(load_study(out / "study.yaml", ["evaluation.ece_bins=10"]), out) == 1
    assert read_json(folder / "record.json")["ece"] == pytest.approx(error_of(folder, 10))
    assert align_bins(load_study(out / "study.yaml", ["evaluation.ece_bins=10"]), out) == 0


def test_nobody_rescores_under_a_run(out: Path) -> None:
    with driving(out), pytest.raises(BadInput, match="another run is at work"):
        rescore_study(out)
