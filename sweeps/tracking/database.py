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


def bring_here(uri: str, experiment: str, artifacts: Path) -> None:
    """Let the runs in a folder's own sqlite file find their artifacts where the folder is now: MLflow keeps full addresses.

    What was logged to other places is left as it is.

    Args:
        uri: MLflow's tracking URI; what is not there needs nothing.
        experiment: whose address says where the folder was.
        artifacts: the folder's artifacts.

    Raises:
        sqlite3.Error: the file cannot be written.
    """
    path, new = sqlite_path(uri), artifacts.absolute().as_uri()
    if path is None or not path.exists():
        return
    with closing(sqlite3.connect(path, timeout=60)) as connection, connection:
        query = "select artifact_location from experiments where name = ?"
        row = connection.execute(query, (experiment,)).fetchone()
        old = str(row[0] or "") if row is not None else ""
        if old == new or not old.startswith("file:") or not old.endswith(f"/{artifacts.name}"):
            return
        for table, column in _PLACES:
            if connection.execute("select 1 from pragma_table_info(?) where name = ?", (table, column)).fetchone():
                connection.execute(
                    f"update {table} set {column} = ? || substr({column}, ?) "  # noqa: S608 (names of our own)
                    f"where {column} = ? or substr({column}, 1, ?) = ?",
                    (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
                )


_PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
)
"""Where MLflow writes full addresses: table and column."""


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
