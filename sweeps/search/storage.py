"""Optuna's storage: opened, and what it raises said in a line."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prune_core.base.addresses import masked, shown
from prune_core.base.errors import BadInput
from sweeps.folder.paths import OPTUNA_DATABASE
from sweeps.folder.sqlite import sqlite_address


def open_storage(out: Path, url: str | None) -> Any:
    """Return Optuna's storage: the given one, or ``optuna.db`` in the output folder."""
    import optuna

    from sweeps.search.noting_storage import NotingStorage

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    given = _url(out, url)
    options = {"connect_args": {"timeout": 60}} if given.startswith("sqlite") else {"pool_pre_ping": True}
    return NotingStorage(given, engine_kwargs=options)


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
