"""A node that is told to end: its status, its words, and what it does where the cluster does not answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.chaos_places import free_port
from sweeps.engine import node
from sweeps.engine.node import held, leave, main


def test_the_status_is_that_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "_LOOK_SECONDS", 0.01)
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert held("127.0.0.1:1", ["bash", "-c", "exit 3"], 1.0) == 3
    finally:
        signal.signal(signal.SIGTERM, before)


def test_ray_is_told_not_to_drain_the_node_once_more() -> None:
    code = "from ray._private import ray_constants; print(ray_constants.RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S)"
    environment = {**os.environ, **node.RAYS_OWN_WAIT}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert float(ran.stdout) == 0.0


@pytest.mark.parametrize("words", [[], ["--leave", "--", "ray"]])
def test_either_a_command_or_leave(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--address", "127.0.0.1:1", *words])
    assert left.value.code == 2
    assert "give either --leave" in capsys.readouterr().err


def test_a_cluster_that_does_not_know_the_node_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unknown(*_: object) -> None:
        raise LookupError("it is not known there")

    monkeypatch.setattr(node, "drain", unknown)
    leave("127.0.0.1:1", lambda each: True, 60.0, list)
    assert capsys.readouterr().err == "prunefront: the node leaves without telling the cluster: it is not known there\n"


def test_without_an_answer_sigterm_ends_the_command_all_the_same(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    waits = f'trap "echo ended >>{mark}; exit 0" TERM; echo up >>{mark}; while :; do sleep 0.05; done'
    command = ["-m", "sweeps.engine.node", "--address", f"127.0.0.1:{free_port()}", "--seconds", "1", "--"]
    process = subprocess.Popen([sys.executable, *command, "bash", "-c", waits], stderr=subprocess.PIPE, text=True)
    while not mark.exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=200)
    assert process.returncode == 128 + signal.SIGTERM
    assert mark.read_text().split() == ["up", "ended"]
    assert "without telling the cluster: nobody listens at 127.0.0.1:" in said
