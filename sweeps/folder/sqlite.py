"""Addresses of SQLite files: a path may hold what has a meaning in an address (``?``, ``#``, ``%``)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from prune_core.base.errors import BadInput

_SCHEME = "sqlite:///"
_ESCAPED = "sqlite+pysqlite"
"""The driver by its full name: MLflow makes the folder of a ``sqlite:///`` address as it stands there, escapes and all."""


def sqlite_address(path: Path) -> str:
    """Return the address that SQLAlchemy, and so MLflow and Optuna, open this file by.

    Raises:
        BadInput: the installed SQLAlchemy has no way to write such a path.
    """
    from sqlalchemy import URL, make_url

    plain = f"{_SCHEME}{path}"
    if not set("?#%") & set(str(path)) and make_url(plain).database == str(path):
        return plain
    address = URL.create(_ESCAPED, database=str(path)).render_as_string()
    if make_url(address).database != str(path) or make_url(address).query:
        raise BadInput(f"{path}: SQLAlchemy cannot open a database there (allowed: paths without ? # %)")
    return address


def sqlite_path(address: str) -> Path | None:
    """Return the file of an address, None for other databases, memory, and addresses with options."""
    if not address.startswith(("sqlite:", f"{_ESCAPED}:")):
        return None
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(address)
    except ArgumentError:
        return None
    if url.query or url.host or not url.database or url.database == ":memory:":
        return None
    return Path(url.database)


def read_texts(path: Path, query: str, *values: str) -> list[str]:
    """Return the first column of a query on a file, as texts; none where it is not there, damaged, or of another kind."""
    if not path.is_file():
        return []
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return [str(row[0]) for row in connection.execute(query, values)]
    except sqlite3.Error:
        return []
