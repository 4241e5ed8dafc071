"""Corrupted images that could not be had are refused by the plan, not after the training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prune_core.base.errors import BadInput
from prune_core.base.files import write_json
from sweeps.cli.group import cli, run_cli
from sweeps.plan.changes import why_new
from sweeps.plan.plan import Plan, make_plan
from sweeps.study.model import Study, load_study

STUDY = """
name: mine
data: {{name: "arrays:{file}", validation: 20, test: 20}}
networks: {{small_vgg: {{options: {{width: 4}}}}}}
arms: [{{methods: [unstructured]}}]
training: {{epochs: 1}}
ratios: [0.5]
budgets: [0]
seeds: [0]
evaluation: {{images_per_cell: 10, selection_images_per_cell: 10}}
"""


def study(folder: Path, side: int, *overrides: str, test: bool = True) -> Study:
    images, labels = np.zeros((80, side, side, 3), np.uint8), np.arange(80) % 4
    own: dict[str, Any] = {"test_images": images, "test_labels": labels} if test else {}
    np.savez(folder / "mine.npz", images=images, labels=labels, **own)
    (folder / "mine.yaml").write_text(STUDY.format(file=folder / "mine.npz"), encoding="utf-8")
    return load_study(folder / "mine.yaml", overrides)


def refused(folder: Path, side: int, *overrides: str, test: bool = True, files: bool = True) -> str:
    with pytest.raises(BadInput) as caught:
        make_plan(study(folder, side, *overrides, test=test), data_required=files)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRUNEFRONT_CACHE", str(tmp_path / "cache"))


def test_images_that_are_too_large_to_corrupt(tmp_path: Path) -> None:
    for source in ("generated", "official"):
        said = refused(tmp_path, 96, f"evaluation.corruptions={source}", files=False)
        assert "96x96 pixels" in said and "16 to 64" in said and "corruptions: none" in said
    assert len(make_plan(study(tmp_path, 96, "evaluation.corruptions=none")).trials) == 3


def test_official_corruptions_of_other_images(tmp_path: Path) -> None:
    official = "evaluation.corruptions=official"
    assert "no official corrupted set" in refused(tmp_path, 32, official)
    assert "no test images of its own" in refused(tmp_path, 32, official, test=False)


def planned(folder: Path, digest: str | None, monkeypatch: pytest.MonkeyPatch, *overrides: str, needed: bool = True) -> Plan:
    def look(*_: object, **__: object) -> str:
        if digest is None:
            raise BadInput("labels.npy is missing")
        return digest

    monkeypatch.setattr("prune_core.corruptions.official_digest", look)
    chosen = study(folder, 32, *overrides)
    return make_plan(chosen, folder / "out", data_required=needed)


def test_the_content_of_official_files_is_in_the_key_of_what_is_judged_on_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    official = ("evaluation.corruptions=official",)
    plans = [planned(tmp_path, digest, monkeypatch, *official) for digest in ("ab" * 32, "cd" * 32)]
    first, second = ({trial.key for trial in plan.trials} for plan in plans)
    assert first.isdisjoint(second)
    assert {t.baseline_key for t in plans[0].trials} == {t.baseline_key for t in plans[1].trials}, (
        "training saw none of them"
    )
    evaluation = plans[0].trials[0].description.evaluation
    assert (evaluation.files, evaluation.called) == ("ab" * 32, "from files, sha256 abababababababab")
    (tmp_path / "files").mkdir()
    elsewhere = planned(tmp_path, "ab" * 32, monkeypatch, *official, f"evaluation.folder={tmp_path / 'files'}")
    assert {trial.key for trial in elsewhere.trials} == first, "the place is not in the key"
    assert {t.key for t in planned(tmp_path, "ab" * 32, monkeypatch).trials} == {
        t.key for t in planned(tmp_path, None, monkeypatch).trials
    }, "generated corruptions read no files"


def test_a_machine_without_the_official_files_learns_their_digest_from_the_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    official = "evaluation.corruptions=official"
    plan = planned(tmp_path, "ab" * 32, monkeypatch, official)
    trial = plan.trials[0]
    write_json(tmp_path / "out" / "trials" / trial.key / "description.json", trial.description.to_plain())
    again = planned(tmp_path, None, monkeypatch, official, needed=False)
    assert [each.key for each in again.trials] == [each.key for each in plan.trials]
    with pytest.raises(BadInput, match=r"evaluation.corruptions: official: labels.npy is missing"):
        planned(tmp_path, None, monkeypatch, official)
    changed = planned(tmp_path, "cd" * 32, monkeypatch, official)
    line = why_new(changed, tmp_path / "out")
    assert len(line) == 1 and "the official corruption files changed" in line[0]


def test_other_official_files_than_the_study_names_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = ("evaluation.corruptions=official", f"evaluation.sha256={'ab' * 32}")
    assert planned(tmp_path, "ab" * 32, monkeypatch, *named).trials
    with pytest.raises(BadInput, match="evaluation.sha256"):
        planned(tmp_path, "cd" * 32, monkeypatch, *named)
    with pytest.raises(BadInput, match=r"evaluation.sha256: corruptions 'generated' read no files"):
        study(tmp_path, 32, f"evaluation.sha256={'ab' * 32}")


def said_by(command: str, folder: Path, capsys: pytest.CaptureFixture[str], *overrides: str) -> tuple[int, str]:
    sets = [part for override in overrides for part in ("--set", override)]
    status = run_cli(cli, [command, str(folder / "mine.yaml"), "--out", str(folder / "out"), *sets])
    return status, capsys.readouterr().err


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["data.options={no_such: 1}"], "has no option 'no_such'"),
        (["data.options={download: true}"], "has no option 'download'"),
        (["data.options={mean: [1, 2]}"], "'mean' has 2 numbers"),
        (["data.options={std: 0}"], "'std' is 0"),
        (["data.name=arrays:nowhere.npz"], "there is no file"),
        (["data.name=image_folder:nowhere"], "there is no folder"),
        (["data.name=image_folder:."], "no folder train/"),
        (["data.name=digits", "data.options={size: 9}"], "allowed: 8, 16"),
        (["data.name=digits:x"], "takes nothing after a colon"),
        (["data.name=cifar10", "data.options={root: 3}"], "allowed: a path"),
        (["data.name=cifar10", "data.options={download: 1}"], "allowed: true, false"),
        (["data.name=cifar10", "data.options={download: false}"], "cifar-10-python.tar.gz is missing"),
        (["data.name=fashion_mnist", "data.options={root: nowhere}"], "train-images-idx3-ubyte.gz is missing"),
        (["data.validation=500"], "at most"),
        (["evaluation.corruptions=official"], "official"),
    ],
)
def test_plan_says_what_run_would_say(
    tmp_path: Path, overrides: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PRUNEFRONT_CIFAR10", raising=False)
    study(tmp_path, 32)
    planned, ran = said_by("plan", tmp_path, capsys, *overrides), said_by("run", tmp_path, capsys, *overrides)
    assert planned == ran
    assert planned[0] == 2 and said in planned[1] and planned[1].count("\n") == 1


def test_data_that_a_run_would_fetch_is_only_not_at_hand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PRUNEFRONT_CIFAR10", raising=False)

    def fetched(*_: object, **__: object) -> None:
        raise AssertionError("plan fetches nothing")

    monkeypatch.setattr("prune_core.data.cifar_files.bring", fetched)
    study(tmp_path, 32)
    for options in ("{}", "{download: true}", f"{{root: {tmp_path}}}"):
        overrides = ["data.name=cifar10", f"data.options={options}", "evaluation.corruptions=none"]
        assert said_by("plan", tmp_path, capsys, *overrides) == (0, "")


def test_a_damaged_download_is_said_by_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study(tmp_path, 32)
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"no archive")
    overrides = ["data.name=cifar10", f"data.options={{root: {tmp_path}}}"]
    status, said = said_by("plan", tmp_path, capsys, *overrides)
    assert status == 2 and "is damaged" in said
    assert said_by("run", tmp_path, capsys, *overrides) == (2, said)
