from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from sweeps.engine import cluster_watch
from sweeps.engine.cluster_watch import watching


class Heard:
    """What is told of a head."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.last = threading.Event()

    def silent(self, patience: float) -> None:
        self.words.append("silent")

    def back(self) -> None:
        self.words.append("back")
        self.last.set()

    def lost(self, seconds: float) -> None:
        assert seconds > 0.3, "three quarters of Ray's own patience"
        self.words.append("lost")
        self.last.set()

    def anew(self) -> None:
        self.words.append("anew")
        self.last.set()


def listening(port: int = 0) -> socket.socket:
    return socket.create_server(("127.0.0.1", port))


@pytest.mark.parametrize("lives", [True, False])
def test_a_head_that_nobody_answers_for_is_lost_once(monkeypatch: pytest.MonkeyPatch, lives: bool) -> None:
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "0.4")
    heard = Heard()
    with listening() as head:
        address = f"127.0.0.1:{head.getsockname()[1]}"
        if not lives:
            head.close()
        with watching(address, heard, look_seconds=0.05):
            assert heard.last.wait(1.0 if lives else 30.0) is not lives
    assert heard.words == ([] if lives else ["silent", "lost"])


@pytest.mark.parametrize(("there", "expected"), [("ours", "back"), ("another", "anew"), (None, "back")])
def test_whoever_takes_the_place_of_a_head_that_ended_is_known_at_once(
    monkeypatch: pytest.MonkeyPatch, there: str | None, expected: str
) -> None:
    monkeypatch.setattr(cluster_watch, "own_cluster", lambda: "ours")
    monkeypatch.setattr(cluster_watch, "cluster_at", lambda head: there)
    heard = Heard()
    with listening() as head:
        port = head.getsockname()[1]
        with watching(f"127.0.0.1:{port}", heard, look_seconds=600.0):
            line, _ = head.accept()
            head.close()
            line.close()  # as the system does when the head's process ends
            end = time.monotonic() + 30
            while "silent" not in heard.words:
                assert time.monotonic() < end
                time.sleep(0.01)
            with listening(port):
                assert heard.last.wait(30)
    assert heard.words == ["silent", expected]


@pytest.mark.parametrize("dies", [True, False])
def test_what_cpp_writes_while_nobody_answers_comes_later_or_not_at_all(dies: bool) -> None:
    end = "os._exit(1)" if dies else "pass"
    script = f"""
import os, sys
from sweeps.engine.cluster_watch import native_messages_held
with native_messages_held():
    os.write(2, b"stack of C++ ")
    print("a line of ours", file=sys.stderr)
    {end}
print("the end", file=sys.stderr)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=dict(os.environ))
    assert ran.stderr == ("a line of ours\n" if dies else "a line of ours\nstack of C++ the end\n")
