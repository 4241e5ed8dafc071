"""Servers that are gone, silent, broken, or drip: the sweep goes on, and the user is told in few words."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
import time

import pytest

from prune_core.base.errors import BadInput
from sweeps.tracking.parent import ProgressRow
from sweeps.tracking.place import quieten_mlflow, short_reason
from sweeps.tracking.tracker import Tracker, TrialEntry


def entry(number=0):
    return TrialEntry(key=f"key{number}", name=f"net-s{number}", metrics={0: {"accuracy": 0.5}})


REFUSED = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
ANSWERS = {"silent": None, "500": REFUSED}
ANSWERS["drip"] = b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"
ANSWERS["401"] = REFUSED.replace(b"500 Oops", b"401 Who")


@pytest.fixture(scope="module", autouse=True)
def imported():
    """MLflow is imported before the clock runs."""
    quieten_mlflow()
    import mlflow.tracking  # noqa: F401


@pytest.fixture
def bad_server(request):
    """A server that takes connections and answers as the parameter says; yields its address and what it was asked."""
    asked = []

    def answer(connection):
        with contextlib.suppress(OSError), connection:
            asked.append(connection.recv(65536).decode())
            if ANSWERS[request.param] is None:
                connection.recv(1)
            connection.sendall(ANSWERS[request.param] or b"")
            while request.param == "drip":  # a byte now and then: no time limit of a read ever strikes
                connection.sendall(b" ")
                time.sleep(0.2)

    def serve(server):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked


@pytest.mark.parametrize(
    ("bad_server", "reason"),
    [("silent", "no answer within 1 s"), ("500", "it answers 500"), ("401", "it answers 401"), ("drip", "nothing went")],
    indirect=["bad_server"],
)
def test_a_bad_server_is_told_in_few_words_and_gets_the_users_credentials(tmp_path, monkeypatch, bad_server, reason):
    monkeypatch.setattr("sweeps.tracking.tracker._STANDSTILL", 2.0)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")
    uri, asked = bad_server
    tracker = Tracker("demo", tmp_path, uri, None, {})
    tracker.start()
    tracker.log_trial(entry(0))
    assert not tracker.finish(limit_s=30)
    assert tracker.problem == f"MLflow at {uri} cannot be written: {reason}; 1 trial waits for the next start" or (
        reason == "nothing went" and reason in str(tracker.problem)
    )
    assert any(f"Basic {base64.b64encode(b'me:secret').decode()}" in request for request in asked)


def test_a_password_in_an_address_is_not_shown(tmp_path, monkeypatch):
    assert "secret" not in short_reason(ValueError("cannot open http://me:secret@host:5000 at all"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:se cr@et@127.0.0.1:9/x")
    assert (
        short_reason(ValueError("no 'se cr@et' at https://me:se cr@et@127.0.0.1:9/x"))
        == "no '***' at https://***@127.0.0.1:9/x"
    )
    tracker = Tracker("demo", tmp_path, None, None, {})
    tracker._failed(ValueError("https://me:se cr@et@127.0.0.1:9/x is away"))
    assert tracker.problem is not None and tracker.problem.startswith(
        "MLflow at https://***@127.0.0.1:9/x cannot be written: https://***@127.0.0.1:9/x is away"
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "me:se cr@et@127.0.0.1")
    with pytest.raises(BadInput, match="URI is '[*]{3}@127.0.0.1'"):
        Tracker("demo", tmp_path, None, None, {})


def test_a_server_that_is_gone_costs_the_sweep_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    uri = "http://127.0.0.1:9"
    tracker = Tracker("demo", tmp_path, uri, None, {})
    began = time.monotonic()
    tracker.start()
    for number in range(200):
        tracker.log_trial(entry(number))
    tracker.log_progress(ProgressRow({"done": 200}, 200, 0.0))
    handed_over = time.monotonic() - began
    assert not tracker.finish(limit_s=60)
    # Bounds against waiting for retries (minutes by default), not measurements.
    assert handed_over < 5 and time.monotonic() - began < 45
    assert tracker.problem and uri in tracker.problem and "200" in tracker.problem and "\n" not in tracker.problem
    assert tracker.run_ids() == {}
