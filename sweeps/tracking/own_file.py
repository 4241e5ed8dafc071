"""Whole runs written straight into a folder's own sqlite file of MLflow, many in one transaction; and read in one query.

For one run MLflow's client makes a dozen transactions, and it reads a study's runs with every number in them. Where nobody
else writes the file, the rows are ours to write: the same as the client's, which the tests compare. MLflow promises nothing
about its tables, so their columns are looked at first; where they are others than those known here, the client does it.
"""

from __future__ import annotations

import re
import sqlite3
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prune_core.base.files import write_atomically
from prune_core.base.trial_folder import CORRUPTIONS
from sweeps.folder.sqlite import sqlite_path
from sweeps.tracking.entry import RUN_STATUS, Held, Images, Point, TrialEntry, newer_points, outgrown
from sweeps.tracking.parent import as_input
from sweeps.tracking.place import Place

_TABLES = {
    "runs": "run_uuid name source_type source_name entry_point_name user_id status start_time end_time source_version "
    "lifecycle_stage artifact_uri experiment_id deleted_time",
    "tags": "key value run_uuid",
    "params": "key value run_uuid",
    "metrics": "key value timestamp run_uuid step is_nan",
    "latest_metrics": "key value timestamp step is_nan run_uuid",
    "inputs": "input_uuid source_type source_id destination_type destination_id step",
    "input_tags": "input_uuid name value",
    "datasets": "dataset_uuid experiment_id name digest dataset_source_type dataset_source dataset_schema dataset_profile",
}
"""Table -> all its columns, as MLflow 3.14 to 3.17 make them."""
_LATEST = (
    "insert or replace into latest_metrics (key, value, timestamp, step, is_nan, run_uuid) "
    "select key, value, timestamp, step, is_nan, run_uuid from metrics where run_uuid = ? and key = ? "
    "order by step desc, timestamp desc, value desc limit 1"
)
_NAME = re.compile(r"\w[\w.\- :]{0,249}")
"""Names that MLflow takes for certain; others are left to the client, whose refusal is told."""
_LONGEST = 5000
"""Characters of a value that MLflow takes in any version."""
_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class RunNews:
    """What a run shall say.

    Attributes:
        run_id: of the run; None for one that MLflow does not hold yet.
        entry: the trial.
        points: its metrics.
        tags: all of them, but the run's name.
    """

    run_id: str | None

    entry: TrialEntry
    points: Sequence[Point]
    tags: Mapping[str, str]

    @property
    def plain(self) -> bool:
        """Whether MLflow would take every name and value as it is."""
        texts = [*self.tags.items(), *((name, str(value)) for name, value in self.entry.params.items())]
        names = {name for name, _, _ in self.points} | {name for name, _ in texts}
        return all(map(_NAME.fullmatch, names)) and all(len(value) <= _LONGEST for _, value in texts)


@dataclass(frozen=True)
class HeldRun:
    """A run of a trial, as far as it has to be known to tell whether it is up to date."""

    run_id: str
    name: str
    status: str
    artifacts: str
    tags: Mapping[str, str | None]


class OwnFile:
    """The file. `own_file` makes it.

    Args:
        path: of the file.
        experiment_id: of the study's experiment.
        artifacts: folder of the experiment's artifacts.
    """

    def __init__(self, path: Path, experiment_id: str, artifacts: Path) -> None:
        self._path, self._experiment, self._artifacts = path, int(experiment_id), artifacts.absolute()

    def usable(self) -> bool:
        """Whether the tables are those known here, and the experiment's artifacts lie where they should."""
        with closing(self._open()) as connection:
            for table, columns in _TABLES.items():
                found = {row[1] for row in connection.execute(f"pragma table_info({table})")}
                if found != set(columns.split()):
                    return False
            query = "select artifact_location from experiments where experiment_id = ?"
            row = connection.execute(query, (self._experiment,)).fetchone()
        return row is not None and row[0] == self._artifacts.as_uri()

    def runs(self, study_uid: str, tags: Sequence[str]) -> list[HeldRun]:
        """Return a study's live runs of trials, oldest first, with the tags of these names."""
        asked = ["prunefront.study_uid", "prunefront.role", *tags]
        picked = ", ".join("max(case when t.key = ? then t.value end)" for _ in asked)
        query = (
            f"select r.run_uuid, r.name, r.status, r.artifact_uri, {picked} "  # noqa: S608 (no text of anybody's)
            "from runs r join tags t on t.run_uuid = r.run_uuid "
            "where r.experiment_id = ? and r.lifecycle_stage = 'active' group by r.run_uuid order by r.start_time"
        )
        with closing(self._open()) as connection:
            rows = connection.execute(query, (*asked, self._experiment)).fetchall()
        return [
            HeldRun(run_id, name, status, artifacts, dict(zip(tags, found, strict=True)))
            for run_id, name, status, artifacts, uid, role, *found in rows
            if uid == study_uid and role == "trial"
        ]

    def write(self, news: Sequence[RunNews], user: str) -> list[str]:
        """Write runs that have ended, all or none; return their ids.

        A run that is there keeps its parameters, and the metrics that it has at a step with the same value.

        Raises:
            sqlite3.Error: the file cannot be written.
            OSError: an artifact cannot be written.
        """
        ids = [each.run_id or uuid.uuid4().hex for each in news]
        for run_id, each in zip(ids, news, strict=True):
            self._write_files(run_id, each.entry)
        with closing(self._open()) as connection, connection:
            for run_id, each in zip(ids, news, strict=True):
                self._write_run(connection, run_id, each, user)
        return ids

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=_WAIT_SECONDS)

    def _write_files(self, run_id: str, entry: TrialEntry) -> None:
        folder = self._artifacts / run_id / "artifacts"
        contents = {path.name: path.read_bytes() for path in entry.artifacts if path.is_file()}
        if table := entry.corruption_table():
            contents[CORRUPTIONS] = table.encode()
        for name, content in contents.items():
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(folder / name, lambda temporary, content=content: temporary.write_bytes(content))  # type: ignore[misc]

    def _write_run(self, connection: sqlite3.Connection, run_id: str, news: RunNews, user: str) -> None:
        entry = news.entry
        started, ended = _milliseconds(entry.started, entry.ended)
        status = RUN_STATUS[entry.status]
        points = dict.fromkeys(news.points, ended)
        if news.run_id is None:
            where = f"{self._artifacts.as_uri()}/{run_id}/artifacts"
            about = ("UNKNOWN", "", "", user, status, started, ended, "", "active", where, self._experiment, None)
            _insert(connection, "runs", [(run_id, entry.name, *about)])
            if entry.images is not None:
                self._insert_images(connection, run_id, entry.images)
        else:
            connection.execute(
                "update runs set name = ?, status = ?, end_time = ? where run_uuid = ?", (entry.name, status, ended, run_id)
            )
            held = _held_points(connection, run_id)
            gone = outgrown(entry, news.points, held)
            _delete_points(connection, run_id, gone)
            points = newer_points(points, {point: held[point] for point in held.keys() - set(gone)}, ended, entry)
        tags = {**news.tags, "mlflow.runName": entry.name}
        _insert(connection, "tags", [(name, value, run_id) for name, value in tags.items()], "or replace")
        _insert(connection, "params", [(name, str(value), run_id) for name, value in entry.params.items()], "or ignore")
        _insert(
            connection,
            "metrics",
            [(name, value, at, run_id, step, 0) for (name, step, value), at in points.items()],
            "or ignore",
        )
        if news.run_id is None:  # nothing older to look for, which costs half of a write
            last = {name: (step, value) for step, value, name in sorted((step, value, name) for name, step, value in points)}
            rows = [(name, value, ended, step, 0, run_id) for name, (step, value) in last.items()]
            _insert(connection, "latest_metrics", rows)
        else:
            connection.executemany(_LATEST, [(run_id, name) for name in {name for name, _, _ in points}])

    def _insert_images(self, connection: sqlite3.Connection, run_id: str, images: Images) -> None:
        given = as_input(images)
        dataset = given.dataset
        query = "select dataset_uuid from datasets where experiment_id = ? and name = ? and digest = ?"
        row = connection.execute(query, (self._experiment, dataset.name, dataset.digest)).fetchone()
        known = uuid.uuid4().hex if row is None else str(row[0])
        if row is None:
            about = (dataset.source_type, dataset.source, dataset.schema, dataset.profile)
            _insert(connection, "datasets", [(known, self._experiment, dataset.name, dataset.digest, *about)])
        link = uuid.uuid4().hex
        _insert(connection, "inputs", [(link, "DATASET", known, "RUN", run_id, 0)])
        _insert(connection, "input_tags", [(link, tag.key, tag.value) for tag in given.tags])


def own_file(place: Place, experiment_id: str) -> OwnFile | None:
    """Return the output folder's own file of MLflow; None where runs are kept elsewhere, or in tables not known here."""
    path = sqlite_path(place.uri)
    if place.artifacts is None or path is None or not path.exists():
        return None
    found = OwnFile(path, experiment_id, place.artifacts)
    return found if found.usable() else None


def _delete_points(connection: sqlite3.Connection, run_id: str, gone: Iterable[tuple[str, int]]) -> None:
    """Delete metrics at their steps, and let the last step that is left be the last one."""
    gone = list(gone)
    connection.executemany(
        "delete from metrics where run_uuid = ? and key = ? and step = ?", [(run_id, name, step) for name, step in gone]
    )
    names = [(run_id, name) for name in {name for name, _ in gone}]
    connection.executemany("delete from latest_metrics where run_uuid = ? and key = ?", names)
    connection.executemany(_LATEST, names)


def _held_points(connection: sqlite3.Connection, run_id: str) -> Held:
    query = "select key, step, value, timestamp from metrics where run_uuid = ? order by timestamp"
    return {(name, step): (value, at) for name, step, value, at in connection.execute(query, (run_id,))}


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[tuple[Any, ...]], when_there: str = "") -> None:
    columns = _TABLES[table].split()
    named, marks = ", ".join(columns), ", ".join("?" * len(columns))
    connection.executemany(f"insert {when_there} into {table} ({named}) values ({marks})", rows)  # noqa: S608 (names of our own)


def _milliseconds(started: float | None, ended: float | None) -> tuple[int, int]:
    now = time.time()
    return int(1000 * (started if started is not None else now)), int(1000 * (ended if ended is not None else now))
