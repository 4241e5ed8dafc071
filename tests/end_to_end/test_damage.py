"""Damage to a study's folder and its store: every command mends it or says it in a line, and no run waits for ever."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from dashboards.cli import PAGES
from prune_core.base.trial_folder import read_outcome
from sweeps.cli.group import cli, run_cli
from sweeps.folder.paths import RECORDS, trial_folders
from tests.sweeps.inline import run_inline, without_ray

STUDY = """
name: small
data: {name: digits, train: 100, validation: 60, test: 60}
networks: {small_vgg: {options: {width: 4}}}
arms: [{methods: [l1_filter]}]
training: {epochs: 1, learning_rate: 0.2, batch_size: 32}
ratios: [0.5]
budgets: [0, 1]
seeds: [0, 1]
evaluation: {images_per_cell: 4, selection_images_per_cell: 4, train_images: 20, corruptions: [fog]}
search: {kind: random, candidates: 2, more_seeds: {candidates: 1, seeds: [2]}}
tracking: {log_models: 0}
"""
DAMAGES = ("empty", "half", "garbage")
TIMES = ["train_seconds", "evaluate_seconds", "mlflow_run_id"]


def damage(path: Path, kind: str) -> None:
    """Cut a file to nothing or to half, fill it with what nobody wrote, or remove it; a link to it elsewhere stays whole."""
    whole = path.read_bytes()
    path.unlink()
    if kind != "gone":
        path.write_bytes({"empty": b"", "half": whole[: len(whole) // 2], "garbage": b"\x00\xff{[ garbage"}[kind])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the study file, its output folder, and the store."""
    root = tmp_path_factory.mktemp("finished")
    (root / "small.yaml").write_text(STUDY, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        without_ray(patch)
        status, said = run_inline(root / "small.yaml", root / "runs" / "small", report=True)
        assert status == 0, said
        (root / "runs" / "small" / "mlflow.db").unlink(missing_ok=True)
        yield root


@pytest.fixture
def root(finished: Path, tmp_path: Path) -> Path:
    """A copy of it to be damaged."""
    shutil.copytree(finished, tmp_path / "copy", ignore=shutil.ignore_patterns("report"))
    return tmp_path / "copy"


def call(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Run a command here; whatever it lets through ends the test."""
    status = run_cli(cli, [str(word) for word in words], pages=PAGES)
    told = capsys.readouterr()
    return status, told.out, told.err


def records(out: Path) -> pd.DataFrame:
    return pd.read_parquet(out / RECORDS).drop(columns=TIMES)


def of_kind(out: Path, kind: str) -> Path:
    """The folder of a trial of some kind."""
    found = {json.loads((path / "description.json").read_text())["kind"]: path for path in trial_folders(out)}
    return found[kind]


FILES = [
    "study.yaml",
    "tracking.json",
    "search.json",
    "more_seeds.json",
    "planned.json",
    ".answers.json",
    "progress.jsonl",
    "optuna.db",
    "records.parquet",
    "records.csv",
    "front.csv",
    ".driver.json",
    *(f"TRIAL/{name}" for name in ("description.json", "outcome.json", "verification.json", "progress.json", "state.pt")),
    *(
        f"TRIAL/budget-0001/{name}"
        for name in (
            "record.json",
            "stored.json",
            "weights.safetensors",
            "selection.npz",
            "report.npz",
            "train.npz",
            "corruptions.csv",
            "resampled.npy",
        )
    ),
]
SLOW = {  # read by the commands that take a second
    "report": {"study.yaml", "records.parquet", "resampled.npy", "record.json", "report.npz", "search.json"},
    "compare": {"study.yaml", "records.parquet"},
    "rescore": {"study.yaml", "records.parquet", "record.json", "report.npz", "resampled.npy", "stored.json"},
}


@pytest.mark.parametrize("kind", ["empty", "half"])
@pytest.mark.parametrize("name", FILES)
def test_each_command_mends_a_damaged_file_or_names_it_in_a_line(
    root: Path, finished: Path, name: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = root / "runs" / "small"
    path = out / name.replace("TRIAL", f"trials/{of_kind(out, 'pruned').name}")
    if not path.exists():  # written only while a sweep runs, or where there is an object storage
        path.write_text('{"host": "elsewhere", "heartbeat": 1.0}', encoding="utf-8")
    damage(path, kind)
    commands: dict[str, tuple[object, ...]] = {
        "status": (),
        "plan": (),
        "export": ("--list",),
        "compare": (finished / "runs" / "small",),
        "report": (),
        "rescore": (),
    }
    for command, more in commands.items():
        if command in SLOW and path.name not in SLOW[command]:
            continue
        status, _, error = call(capsys, command, out, *more)
        assert status in (0, 2), (command, status, error)
        assert len(error.strip().splitlines()) == (1 if status else 0), (command, error)
        assert not status or path.name in error, (command, error)
        assert not status or "allowed" in error or "run the study again" in error, (command, error)


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize(
    "name", ["tracking.json", "search.json", "more_seeds.json", "optuna.db", "TRIAL/budget-0001/record.json", "study.yaml"]
)
def test_a_run_mends_or_names_what_is_damaged(root: Path, finished: Path, name: str, kind: str) -> None:
    out = root / "runs" / "small"
    path = out / name.replace("TRIAL", f"trials/{of_kind(out, 'pruned').name}")
    before = path.read_bytes()
    damage(path, kind)
    try:
        status, said = run_inline(root / "small.yaml", out)
    except ValueError as error:
        assert path.name in str(error) and "\n" not in str(error)
        return
    assert status == 0, said
    pd.testing.assert_frame_equal(records(out), records(finished / "runs" / "small"))
    if name in ("tracking.json", "search.json", "more_seeds.json"):
        assert json.loads(path.read_text()) == json.loads(before)


def test_a_folder_without_its_store_is_grown_by_a_ratio(root: Path, finished: Path, tmp_path: Path) -> None:
    grid = ("search={kind: grid}", "arms=[{methods: [l1_filter]}]")
    out = tmp_path / "moved" / "small"
    shutil.copytree(root / "runs" / "small", out)
    status, said = run_inline(root / "small.yaml", out, (*grid, "ratios=[0.3, 0.5]"))
    assert status == 0, said
    run_inline(root / "small.yaml", root / "runs" / "small", (*grid, "ratios=[0.3, 0.5]"))
    pd.testing.assert_frame_equal(records(out), records(root / "runs" / "small"))


@pytest.mark.parametrize("seed", range(12))
def test_random_damage_to_folder_and_store_ends_in_the_same_records_or_is_said(
    root: Path, finished: Path, seed: int
) -> None:
    draw = random.Random(seed)
    out = root / "runs" / "small"
    places = [out / "trials", root / "runs" / ".store"]
    everything = sorted(path for place in places for path in place.rglob("*"))
    entries = sorted([*trial_folders(out), *(root / "runs" / ".store").glob("[0-9a-f]*")])
    chosen = draw.sample(entries, draw.randint(0, len(entries) // 2))
    if seed % 4 == 0:
        chosen.append(root / "runs" / ".store")
    for folder in chosen:
        shutil.rmtree(folder, ignore_errors=True)
    files = [path for path in everything if path.is_file()]
    for path in draw.sample(files, min(len(files), draw.randint(1, 8))):
        damage(path, draw.choice([*DAMAGES, "gone"]))
    try:
        status, said = run_inline(root / "small.yaml", out)
    except ValueError as error:  # said in a line
        assert str(out) in str(error) and "\n" not in str(error)
        return
    assert status == 0, said
    pd.testing.assert_frame_equal(records(out), records(finished / "runs" / "small"))
    assert all((read_outcome(path) or {"status": None})["status"] == "complete" for path in trial_folders(out))
    assert "everything is there: nothing to run" in run_inline(root / "small.yaml", out)[1]
