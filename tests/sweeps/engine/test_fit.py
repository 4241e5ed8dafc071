"""The end of a sweep in which trials were stopped while they waited for a place."""

from __future__ import annotations

from pathlib import Path

import pytest
from ray.train._internal.storage import StorageContext

from sweeps.engine.launch import fit


class Listing:
    """Ends as Tune does when it lists a trial that never had a folder."""

    def __init__(self, folder: Path) -> None:
        self._storage = StorageContext(storage_path=str(folder), experiment_dir_name="sweep")

    def fit(self) -> None:
        self._storage.trial_fs_path  # noqa: B018  (Ray's own property raises)


class Failing:
    def fit(self) -> None:
        raise RuntimeError("no space left")


def test_a_trial_that_never_started_is_no_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        Listing(tmp_path).fit()
    fit(Listing(tmp_path))


def test_other_errors_are_raised() -> None:
    with pytest.raises(RuntimeError, match="no space left"):
        fit(Failing())
