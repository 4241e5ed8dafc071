"""A new MLflow file is whole or not there, whenever its maker is killed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from mlflow.tracking import MlflowClient

from sweeps.tracking.database import prepare_database

MAKER = """
import sys
from sweeps.tracking.place import quieten_mlflow
from sweeps.tracking.database import prepare_database
quieten_mlflow()
prepare_database(sys.argv[1], own=True)
"""


def test_killed_among_the_migrations_it_leaves_nothing_and_the_next_start_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    process = subprocess.Popen([sys.executable, "-c", MAKER, f"sqlite:///{path}"])
    while process.poll() is None and not any(half.stat().st_size for half in tmp_path.glob(".mlflow.db.*/mlflow.db")):
        time.sleep(0.01)
    process.kill()
    assert process.wait() < 0, "it was done before it could be killed"
    assert not path.exists()

    with sqlite3.connect(path) as books:  # as an earlier version left it
        books.execute("create table experiments (experiment_id integer)")
    before = path.read_bytes()
    prepare_database(f"sqlite:///{path}", own=False)
    assert path.read_bytes() == before, "somebody else may be at work on it"
    prepare_database(f"sqlite:///{path}", own=True)
    assert not list(tmp_path.glob("mlflow.db-*")), "a journal beside it"
    whole = path.read_bytes()
    prepare_database(f"sqlite:///{path}", own=True)
    assert path.read_bytes() == whole
    assert MlflowClient(tracking_uri=f"sqlite:///{path}").create_experiment("works")
