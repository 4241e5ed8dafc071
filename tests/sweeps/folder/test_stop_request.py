from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from sweeps.folder.stop_request import GRACE_SECONDS, Interrupted, StopRequest, interrupting, listening, token_watch


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
    request.clear()  # ends the clock that SIGTERM started


def test_a_new_request_forgets_the_token_of_a_killed_driver(tmp_path: Path) -> None:
    StopRequest(tmp_path).ask("time")
    assert StopRequest.token_of(tmp_path).exists()
    assert not token_watch(StopRequest(tmp_path).token, every=0.0)()


def test_the_first_reason_stands(tmp_path: Path) -> None:
    request = StopRequest(tmp_path)
    request.ask("time")
    request.ask("interrupted", signal.SIGINT)
    assert request.reason == "time"
    assert request.signal_number == signal.SIGINT  # somebody wants to leave: no time for a report


def test_the_first_signal_is_gentle_also_after_the_clock_and_the_second_is_not(tmp_path: Path) -> None:
    request, killed = StopRequest(tmp_path), []

    class Left(Exception):
        pass

    def kill() -> None:
        killed.append(True)
        raise Left  # in place of the end of the process

    with listening(request, kill):
        request.ask("time")
        os.kill(os.getpid(), signal.SIGINT)
        assert request.signal_number == signal.SIGINT and not killed
        with pytest.raises(Left):
            os.kill(os.getpid(), signal.SIGINT)
            signal.pause()
    assert killed


def test_who_is_asked_to_terminate_leaves_in_time_whatever_the_trials_do(tmp_path: Path) -> None:
    request, left = StopRequest(tmp_path), threading.Event()
    request.leave_soon(left.set, seconds=0.01)
    assert left.wait(5)
    assert GRACE_SECONDS < 10
    request, left = StopRequest(tmp_path), threading.Event()
    request.leave_soon(left.set, seconds=0.2)
    request.clear()  # the run ended in order
    assert not left.wait(0.5)


def test_work_without_trials_is_interrupted_once_and_left_at_the_second_signal() -> None:
    left: list[bool] = []
    before = signal.getsignal(signal.SIGINT)
    with interrupting(lambda: left.append(True)):
        with pytest.raises(Interrupted):
            os.kill(os.getpid(), signal.SIGINT)
            signal.pause()
        assert not left
        os.kill(os.getpid(), signal.SIGINT)
    assert left
    assert signal.getsignal(signal.SIGINT) == before


def test_work_that_does_not_hear_of_sigterm_is_left_in_time() -> None:
    left = threading.Event()
    with interrupting(left.set, seconds=0.01), pytest.raises(Interrupted):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:  # a library that takes long over its end
            assert left.wait(60)
    left = threading.Event()
    with pytest.raises(Interrupted), interrupting(left.set, seconds=0.2):
        os.kill(os.getpid(), signal.SIGTERM)
    assert not left.wait(0.5)
