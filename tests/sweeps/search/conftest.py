"""An Optuna database that a test may fill."""

from __future__ import annotations

import shutil

import optuna
import pytest


@pytest.fixture(scope="module")
def empty_storage(tmp_path_factory):
    """A folder with an empty Optuna database: its tables take a second to make, a copy takes none."""
    folder = tmp_path_factory.mktemp("storage")
    optuna.storages.RDBStorage(f"sqlite:///{folder / 'optuna.db'}").engine.dispose()
    return folder


@pytest.fixture
def out(empty_storage, tmp_path):
    shutil.copy(empty_storage / "optuna.db", tmp_path / "optuna.db")
    return tmp_path
