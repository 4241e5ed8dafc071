"""Optuna's storage: opened, and what it raises said in a line."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from prune_core.base.addresses import masked, shown
from prune_core.base.errors import BadInput
from sweeps.folder.paths import OPTUNA_DATABASE
from sweeps.folder.sqlite import sqlite_address

_MADE = re.compile("already exists|unique constraint", re.IGNORECASE)
"""What databases say of a table, or a row, that somebody else has made meanwhile."""
_PAUSES = (0.2, 0.5, 1.0)
"""Seconds after which a new database is opened again."""


def open_storage(out: Path, url: str | None) -> Any:
    """Return Optuna's storage: the given one, or ``optuna.db`` in the output folder."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    given = _url(out, url)
    options = {"connect_args": {"timeout": 60}} if given.startswith("sqlite") else {"pool_pre_ping": True}
    return opened(lambda: _noting_storage()(given, engine_kwargs=options))


def opened(attempt: Callable[[], Any]) -> Any:
    """Return what ``attempt`` opens, tried again where another driver makes the tables of a new database at the same moment.

    Optuna asks whether a table is there and then makes it, and the second of two fails: one of a dozen times where drivers
    start together on PostgreSQL.
    """
    from sqlalchemy.exc import DBAPIError

    for pause in _PAUSES:
        try:
            return attempt()
        except DBAPIError as error:
            if not _MADE.search(str(error)):
                raise
            time.sleep(pause)
    return attempt()


@cache
def _noting_storage() -> Any:
    """Return a class of Optuna's database that also takes attributes of rows that have ended, by its method ``note``.

    Optuna refuses them, since a sampler may have read the row by then. Ours are told only where else a candidate stands: its
    runs in MLflow, which are known some time after it ended.

    A row that comes with all it says is written without looking, value by value, whether an older one is there: it cannot
    be (`tests/sweeps/search/test_storage.py` compares with what Optuna writes). That is two thirds of a row's price.
    """
    from optuna.distributions import distribution_to_json
    from optuna.storages import RDBStorage
    from optuna.storages._rdb import models
    from optuna.storages._rdb.storage import _create_scoped_session
    from sqlalchemy import insert

    class NotingStorage(RDBStorage):  # type: ignore[misc]
        _noting = False

        def note(self, attributes: Mapping[int, Mapping[str, Any]]) -> None:
            """Write attributes by row, all or none."""
            self._noting = True
            try:
                with _create_scoped_session(self.scoped_session, True) as session:
                    for trial_id, named in attributes.items():
                        for name, value in named.items():
                            self._set_trial_attr_without_commit(
                                session, models.TrialUserAttributeModel, trial_id, name, value
                            )
            finally:
                self._noting = False

        def _get_prepared_new_trial(self, study_id: int, template_trial: Any, session: Any) -> Any:
            row = template_trial
            if row is None or row.intermediate_values:
                return super()._get_prepared_new_trial(study_id, template_trial, session)
            made = models.TrialModel(
                study_id=study_id,
                number=None,
                state=row.state,
                datetime_start=row.datetime_start,
                datetime_complete=row.datetime_complete,
            )
            session.add(made)
            session.flush()  # gives it its id
            whose = {"trial_id": made.trial_id}
            values = [models.TrialValueModel.value_to_stored_repr(value) for value in row.values or ()]
            told: list[tuple[Any, list[dict[str, Any]]]] = [
                (
                    models.TrialValueModel,
                    [{"objective": place, "value": value, "value_type": kind} for place, (value, kind) in enumerate(values)],
                ),
                (
                    models.TrialParamModel,
                    [
                        {
                            "param_name": name,
                            "param_value": row.distributions[name].to_internal_repr(value),
                            "distribution_json": distribution_to_json(row.distributions[name]),
                        }
                        for name, value in row.params.items()
                    ],
                ),
                (models.TrialUserAttributeModel, _attributes(row.user_attrs)),
                (models.TrialSystemAttributeModel, _attributes(row.system_attrs)),
            ]
            for model, rows in told:
                if rows:
                    session.execute(insert(model), [whose | each for each in rows])
            made.number = made.count_past_trials(session)
            return made

        def check_trial_is_updatable(self, trial_id: int, trial_state: Any) -> None:
            if not self._noting:
                super().check_trial_is_updatable(trial_id, trial_state)

    return NotingStorage


def _attributes(named: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value_json": json.dumps(value)} for name, value in named.items()]


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


def failure_of(write: Callable[[], None], url: str | None) -> str | None:
    """Call ``write``; return one line when the storage fails, for those who can go on without it."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        write()
    except (StorageInternalError, SQLAlchemyError, OSError) as error:
        return f"Optuna's storage: {' '.join(masked(str(error), url).split())[:200]}"
    return None
