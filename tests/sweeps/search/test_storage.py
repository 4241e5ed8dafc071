from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest
from optuna.exceptions import StorageInternalError

from prune_core.base.errors import BadInput
from sweeps.search.storage import in_one_line, open_storage


def test_a_full_disk_is_no_fault_of_the_storage(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as raised, in_one_line(tmp_path, None):
        try:
            raise sqlite3.OperationalError("database or disk is full")
        except sqlite3.OperationalError as error:
            raise StorageInternalError("An exception is raised during the commit.") from error
    assert (raised.value.errno, raised.value.filename) == (errno.ENOSPC, str(tmp_path / "optuna.db"))


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "optuna.db").write_text("no database " * 100)
    with pytest.raises(BadInput, match="Optuna storage 'sqlite:///.*optuna.db': .*file is not a database") as raised:  # noqa: SIM117
        with in_one_line(tmp_path, None):
            open_storage(tmp_path, None)
    assert "\n" not in str(raised.value)


def test_a_password_is_not_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as raised, in_one_line(tmp_path, "postgresql://me:secret@db.lan/optuna"):
        raise ValueError("no driver")
    assert "postgresql://***@db.lan/optuna" in str(raised.value)
    assert "secret" not in str(raised.value)
