"""Optuna's storage: opened, and what it raises said in a line."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from prune_core.base.addresses import masked, shown
from prune_core.base.errors import BadInput
from sweeps.folder.paths import OPTUNA_DATABASE
from sweeps.folder.sqlite import sqlite_address


def open_storage(out: Path, url: str | None) -> Any:
    """Return Optuna's storage: the given one, or ``optuna.db`` in the output folder."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    given = _url(out, url)
    options = {"connect_args": {"timeout": 60}} if given.startswith("sqlite") else {"pool_pre_ping": True}
    return _noting_storage()(given, engine_kwargs=options)


@cache
def _noting_storage() -> Any:
    """Return a class of Optuna's database that also takes attributes of rows that have ended, by its method ``note``.

    Optuna refuses them, since a sampler may have read the row by then. Ours are told only where else a candidate stands: its
    runs in MLflow, which are known some time after it ended.
    """
    from optuna.storages import RDBStorage

    class NotingStorage(RDBStorage):  # type: ignore[misc]
        _noting = False

        def note(self, trial_id: int, attributes: Mapping[str, Any]) -> None:
            self._noting = True
            try:
                for name, value in attributes.items():
                    self.set_trial_user_attr(trial_id, name, value)
            finally:
                self._noting = False

        def check_trial_is_updatable(self, trial_id: int, trial_state: Any) -> None:
            if not self._noting:
                super().check_trial_is_updatable(trial_id, trial_state)

    return NotingStorage


def _url(out: Path, url: str | None) -> str:
    return url or sqlite_address(out.absolute() / OPTUNA_DATABASE)


@contextmanager
def in_one_line(out: Path, url: str | None) -> Iterator[None]:
    """Turn whatever a storage raises into what the command says in a line.

    Raises:
        OSError: the disk is full, which says nothing about the storage: no space left, with the file's name.
        BadInput: the storage cannot be used.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except BadInput:
        raise
    except (StorageInternalError, SQLAlchemyError, ValueError, ImportError, OSError, RuntimeError) as error:
        causes: list[BaseException | None] = [error]
        while causes[-1] is not None:
            causes.append(causes[-1].__cause__)
        text = " ".join(masked(" ".join(str(cause) for cause in causes[:-1]), url).split())
        if "disk is full" in text:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(out / OPTUNA_DATABASE)) from None
        raise BadInput(f"Optuna storage {shown(_url(out, url))!r}: {text[:200]}") from None
