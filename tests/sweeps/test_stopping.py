from __future__ import annotations

import os
import signal
from pathlib import Path

from sweeps.stopping import StopRequest, listening, token_watch


def never() -> None:
    raise AssertionError("the first signal must not kill")


def test_the_first_signal_asks_and_the_workers_see_the_token(tmp_path: Path) -> None:
    request = StopRequest(tmp_path)
    should_stop = token_watch(request.token, every=0.0)
    assert not should_stop()
    before = signal.getsignal(signal.SIGTERM)
    with listening(request, never):
        os.kill(os.getpid(), signal.SIGTERM)
    assert request.signal_number == signal.SIGTERM
    assert request.reason == "terminated"
    assert should_stop()
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_new_request_forgets_the_token_of_a_killed_driver(tmp_path: Path) -> None:
    StopRequest(tmp_path).ask("time")
    assert StopRequest.token_of(tmp_path).exists()
    assert not token_watch(StopRequest(tmp_path).token, every=0.0)()


def test_the_first_reason_stands(tmp_path: Path) -> None:
    request = StopRequest(tmp_path)
    request.ask("time")
    request.ask("interrupted", signal.SIGINT)
    assert request.reason == "time"
    assert request.signal_number is None
