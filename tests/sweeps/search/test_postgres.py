"""The books of a team on a real PostgreSQL: Optuna's studies, and an MLflow server that goes away and comes back."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from prune_core.base.errors import BadInput
from sweeps.search.optuna_search import OptunaSearch
from sweeps.search.optuna_study import OptunaBooks
from sweeps.search.search import GridSearch
from sweeps.search.space import KEY
from sweeps.tracking.tracker import Tracker, TrialEntry
from tests.sweeps.postgres import Postgres, running_postgres
from tests.sweeps.searching import OBJECTIVES, SPACE, drive, truth

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def storage(postgres: Postgres) -> str:
    return postgres.database("optuna")


def books(out: Path, storage: str | None, name: str) -> OptunaBooks:
    out.mkdir(exist_ok=True)
    return OptunaBooks(name, out, storage, space=SPACE, objectives=OBJECTIVES, limits=[("val_accuracy", ">=", 0.9)])


DRIVER = """
import json, sys, time
from pathlib import Path
from sweeps.search.optuna_search import OptunaSearch
from tests.sweeps.searching import truth
from tests.sweeps.search.test_postgres import books

out, storage = Path(sys.argv[1]), sys.argv[2]
search = OptunaSearch(books(out, storage, "team"), 16, 7, batch=4)
search.reconcile({})
folder = (out / "folder").open("a")
while not search.done:
    for candidate in search.next(4):
        # what a trial writes into its folder comes first, then it is told
        folder.write(json.dumps([candidate.key, truth(candidate)]) + "\\n")
        folder.flush()
        if folder.tell() > 600:
            print("half", flush=True)
            time.sleep(600)
        search.tell(candidate, truth(candidate))
"""


def test_a_killed_driver_is_taken_up_again_without_open_or_doubled_rows(tmp_path: Path, storage: str) -> None:
    out = tmp_path / "team"
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, out, storage], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    )
    assert driver.stdout is not None and driver.stdout.readline() == "half\n"
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    known = dict(json.loads(line) for line in (out / "folder").read_text().splitlines())
    left = [row.state for row in optuna.load_study(study_name="team", storage=storage).trials]
    assert TrialState.RUNNING in left and len(known) < 16
    again = OptunaSearch(books(out, storage, "team"), 16, 7, batch=4)
    again.reconcile(known)
    drive(again)
    rows = optuna.load_study(study_name="team", storage=storage).trials
    assert {row.state for row in rows} == {TrialState.COMPLETE}
    # an undisturbed search on sqlite asks for the same, in the same order
    undisturbed = OptunaSearch(books(tmp_path / "alone", None, "team"), 16, 7, batch=4)
    order = drive(undisturbed)
    assert [row.user_attrs[KEY] for row in rows] == order
    assert all(row.constraints == {"val_accuracy >= 0.9": pytest.approx(0.9 - row.values[0])} for row in rows)


def test_two_studies_share_a_database_by_name_and_do_not_merge(tmp_path: Path, storage: str) -> None:
    first, second = (GridSearch(SPACE.candidates(), books(tmp_path / name, storage, name)) for name in ("one", "two"))
    for candidate in first.next(3):
        first.tell(candidate, truth(candidate))
    (candidate,) = second.next(1)
    second.tell(candidate, None, "failed")
    counts = {name: len(optuna.load_study(study_name=name, storage=storage).trials) for name in ("one", "two")}
    assert counts == {"one": 3, "two": 1}
    with pytest.raises(BadInput, match="another output folder"):
        books(tmp_path / "other", storage, "one")


def test_a_database_that_goes_away_in_a_grid_is_told_and_caught_up_with(tmp_path: Path, postgres: Postgres) -> None:
    storage = postgres.database("fragile")
    grid = GridSearch(SPACE.candidates(), books(tmp_path / "grid", storage, "grid"))
    known = {}
    for place, candidate in enumerate(grid.next(4)):
        known[candidate.key] = truth(candidate)
        if place == 2:
            postgres.stop()
        grid.tell(candidate, known[candidate.key])
    assert grid.problem and "\n" not in grid.problem
    postgres.start()
    again = GridSearch(SPACE.candidates(), books(tmp_path / "grid", storage, "grid"))
    again.reconcile(known)
    rows = optuna.load_study(study_name="grid", storage=storage).trials
    assert sorted(row.user_attrs[KEY] for row in rows) == sorted(known)
    assert {row.state for row in rows} == {TrialState.COMPLETE}


def test_a_storage_that_is_not_there_is_one_line(tmp_path: Path, postgres: Postgres) -> None:
    with pytest.raises(BadInput) as caught:
        books(tmp_path / "x", f"postgresql+psycopg://prunefront@/nothing?host={postgres.folder}", "x")
    assert "\n" not in str(caught.value) and "does not exist" in str(caught.value)


@pytest.fixture
def mlflow_server(postgres: Postgres, tmp_path: Path) -> Iterator[tuple[str, str, Callable[[], subprocess.Popen[bytes]]]]:
    """Return a server's address, its database, and how it is started."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    database, started = postgres.database("mlflow"), []

    def start() -> subprocess.Popen[bytes]:
        environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        with (tmp_path / "server.log").open("a") as log:
            started.append(
                subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "mlflow",
                        "server",
                        "--backend-store-uri",
                        database,
                        "--workers",
                        "1",
                        "--artifacts-destination",
                        str(tmp_path / "artifacts"),
                        "--host",
                        "127.0.0.1",
                        "--port",
                        str(port),
                    ],
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    start_new_session=True,
                )
            )
        return started[-1]

    yield f"http://127.0.0.1:{port}", database, start
    for server in started:
        kill(server)


def kill(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def wait_until_up(address: str) -> None:
    end = time.monotonic() + 200
    while True:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < end, "the MLflow server did not start"
            time.sleep(0.2)


def entry(number: int, budgets: tuple[int, ...] = (0, 2)) -> TrialEntry:
    metrics = {budget: {"accuracy": 0.5 + number / 100, "ece": 0.1 / (1 + budget)} for budget in budgets}
    return TrialEntry(key=f"key{number}", name=f"trial{number}", params={"seed": number}, status="complete", metrics=metrics)


def send(out: Path, address: str, *entries: TrialEntry, limit_s: float = 120) -> Tracker:
    tracker = Tracker("demo", out, address, None, {"team": "safety"})
    tracker.start()
    tracker.reconcile(entries)
    tracker.finish(limit_s=limit_s)
    return tracker


def test_runs_on_an_mlflow_server_with_postgresql_outlive_the_server(
    tmp_path: Path, mlflow_server: tuple[str, str, Callable[[], subprocess.Popen[bytes]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracking import MlflowClient

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    address, database, start = mlflow_server
    server = start()
    wait_until_up(address)
    tracker = send(tmp_path, address, entry(0), entry(1))
    assert tracker.problem is None
    ids = tracker.run_ids()
    assert set(ids) == {"key0", "key1"}

    kill(server)
    down = send(tmp_path, address, entry(0, budgets=(0, 2, 5)), entry(2), limit_s=20)
    assert down.problem and address in down.problem and "\n" not in down.problem

    start()
    wait_until_up(address)
    up = send(tmp_path, address, entry(0, budgets=(0, 2, 5)), entry(1), entry(2))
    assert up.problem is None and {**up.run_ids(), **ids} == up.run_ids()
    assert set(up.run_ids()) == {"key0", "key1", "key2"}
    # the database itself says the same: one parent, three children, all ended, the grown trial with its new step
    client = MlflowClient(tracking_uri=database)
    experiment = client.get_experiment_by_name("prunefront")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 4 and {run.info.status for run in runs} == {"FINISHED"}
    steps = [point.step for point in client.get_metric_history(ids["key0"], "accuracy")]
    assert sorted(steps) == [0, 2, 5]
