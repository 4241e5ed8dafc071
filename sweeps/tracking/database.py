"""MLflow's sqlite file, made as a whole or not at all.

MLflow makes the tables of a new file in some fifty migrations, which takes seconds. A driver that is killed among them
leaves a file on which MLflow fails for ever ("no such index ..."). So a new file is made elsewhere and linked into place.
"""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from sweeps.folder.sqlite import sqlite_address, sqlite_path


def prepare_database(uri: str, own: bool) -> None:
    """Make the tables of a new sqlite file; does nothing for servers, other databases, and files that are there.

    Args:
        uri: MLflow's tracking URI.
        own: whether nobody else uses the file: then one that was never finished is made anew.

    Raises:
        OSError: the file cannot be written.
        Exception: what MLflow raises when it cannot make its tables.
    """
    path = sqlite_path(uri)
    if path is None:
        return
    if own and path.exists() and not _finished(path):
        path.unlink()
    if path.exists():
        return
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        temporary = Path(folder) / path.name
        _make(temporary)
        with suppress(FileExistsError):  # somebody was faster
            path.hardlink_to(temporary)


def _finished(path: Path) -> bool:
    """Return whether MLflow came to the last step, which makes the default experiment."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            return bool(connection.execute("select count(*) from experiments").fetchone()[0])
    except sqlite3.DatabaseError:
        return False


def _make(path: Path) -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=sqlite_address(path))
    client.search_experiments(max_results=1)
    with suppress(AttributeError):  # close the file: nothing may be left in a journal beside it
        client._tracking_client.store.engine.dispose()
