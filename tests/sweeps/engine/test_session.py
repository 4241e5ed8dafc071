"""Starting Ray: tried again on a loaded machine, nothing left of a start that failed, one line where it cannot be had."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from sweeps.engine import session
from sweeps.engine.quiet import silence

Init = Callable[..., Any]


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What ray.init was called with; nothing starts, no time passes."""
    silence()
    import ray

    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(ray, "init", lambda **options: calls.append(options))
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    return calls


def failing(monkeypatch: pytest.MonkeyPatch, calls: list[dict[str, Any]], times: int, left: list[psutil.Process]) -> None:
    """Let the first ``times`` starts fail and leave a process behind, as Ray's do."""
    import ray

    def init(**options: Any) -> None:
        calls.append(options)
        if len(calls) <= times:
            command = [sys.executable, "-c", "import time; time.sleep(60)", str(options.get("_temp_dir"))]
            left.append(psutil.Process(subprocess.Popen(command).pid))
            raise RuntimeError("The current node timed out during startup.\nfurther advice")

    monkeypatch.setattr(ray, "init", init)


def enter(address: str | None = None) -> None:
    with session.ray_session(address=address, cpus=1, gpus=None, environment={}):
        pass


def test_a_start_that_failed_is_tried_again_and_leaves_no_process(
    monkeypatch: pytest.MonkeyPatch, starts: list[dict[str, Any]]
) -> None:
    left: list[psutil.Process] = []
    failing(monkeypatch, starts, 2, left)
    enter()
    assert len(starts) == 3
    assert not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in left)


def test_after_three_tries_one_line_says_why(monkeypatch: pytest.MonkeyPatch, starts: list[dict[str, Any]]) -> None:
    failing(monkeypatch, starts, 9, [])
    with pytest.raises(ConnectionError) as raised:
        enter()
    said = "could not start Ray on this machine after 3 tries: The current node timed out during startup."
    assert (str(raised.value), len(starts)) == (said, 3)


def test_a_cluster_is_tried_once(monkeypatch: pytest.MonkeyPatch, starts: list[dict[str, Any]]) -> None:
    from ray._private import services

    monkeypatch.setattr(services, "find_node_ids", lambda: {"a"})
    left: list[psutil.Process] = []
    failing(monkeypatch, starts, 9, left)
    with pytest.raises(ConnectionError) as raised:
        enter("10.0.0.1:6379")
    assert str(raised.value) == "Ray at 10.0.0.1:6379 lets nobody in: The current node timed out during startup."
    assert len(starts) == 1
    left[0].kill()


def test_our_own_ray_is_our_own_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, starts: list[dict[str, Any]]
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    enter()
    assert starts[0]["address"] == "local"
    assert starts[0]["include_dashboard"] is False


def test_sigterm_while_ray_starts_comes_to_our_handler(starts: list[dict[str, Any]]) -> None:
    from ray._private import utils

    ours = signal.getsignal(signal.SIGTERM)
    enter()
    utils.set_sigterm_handler(lambda number, frame: None)  # what ray.init does first
    assert signal.getsignal(signal.SIGTERM) is ours


def test_an_address_at_which_nobody_listens_is_said_at_once(starts: list[dict[str, Any]]) -> None:
    with pytest.raises(ConnectionError, match="nobody listens at 127.0.0.1:1: no Ray cluster has its head there"):
        session.head_address("127.0.0.1:1")
