"""The names of an output folder are a promise: those of version 0.1.0, and those that the contract names."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from sweeps.folder import paths

FIXTURE = Path(__file__).parents[2] / "fixtures" / "study-0.1.0.tar.xz"


def test_a_folder_of_version_0_1_0_is_found_under_these_names(tmp_path: Path) -> None:
    with tarfile.open(FIXTURE) as archive:
        archive.extractall(tmp_path, filter="data")
    out = tmp_path / "smoke"
    assert all((out / name).is_file() for name in (paths.STUDY, paths.RECORDS, paths.RECORDS_CSV, paths.FRONT))
    assert any(paths.store_folder(out).iterdir())
    folders = paths.trial_folders(out)
    assert folders and folders == [paths.trial_folder(out, path.name) for path in folders]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (paths.report_page(Path("out")), "out/report/index.html"),
        (Path("out") / paths.REPORT_FOLDER / paths.FIGURES, "out/report/figures"),
        (Path("out") / paths.MLFLOW_DATABASE, "out/mlflow.db"),
        (Path("out") / paths.MLFLOW_ARTIFACTS, "out/mlartifacts"),
        (Path("out") / paths.OPTUNA_DATABASE, "out/optuna.db"),
        (Path("out") / paths.MODELS, "out/models"),
        (paths.trial_folder(Path("out"), "abc"), "out/trials/abc"),
        (paths.store_folder(Path("runs/out")), "runs/.store"),
    ],
)
def test_names_of_the_contract(path: Path, name: str) -> None:
    assert path == Path(name)


def test_no_folder_yet_has_no_trials(tmp_path: Path) -> None:
    assert paths.trial_folders(tmp_path) == []
