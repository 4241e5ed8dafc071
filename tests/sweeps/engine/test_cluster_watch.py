from __future__ import annotations

import socket
import threading

import pytest

from sweeps.engine.cluster_watch import watching


@pytest.mark.parametrize("lives", [True, False])
def test_a_head_that_nobody_answers_for_is_lost_once(monkeypatch: pytest.MonkeyPatch, lives: bool) -> None:
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "0.4")
    told = threading.Event()
    since: list[float] = []

    def lost(seconds: float) -> None:
        since.append(seconds)
        told.set()

    with socket.create_server(("127.0.0.1", 0)) as head:
        address = f"127.0.0.1:{head.getsockname()[1]}"
        if not lives:
            head.close()
        with watching(address, lost, look_seconds=0.05):
            assert told.wait(1.0 if lives else 30.0) is not lives
    assert len(since) == (0 if lives else 1)
    assert all(seconds > 0.3 for seconds in since), "three quarters of Ray's own patience"
