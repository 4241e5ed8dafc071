from __future__ import annotations

import pytest

from sweeps.engine.quiet import short_messages, silence

WALL = (
    "A worker died or was killed while executing a task by an unexpected system error. To troubleshoot the problem, check "
    "the logs for the dead worker. Lease ID: 01 Worker ID: 63 Some common causes include:\n(1) the process was killed"
)


def test_a_message_of_ray_is_one_line_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    silence()
    from ray._private import worker

    short_messages()
    short_messages()
    worker.print_to_stdstream({"lines": [WALL], "pid": "raylet", "is_err": False, "job": None, "ip": None}, True)
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err == "Ray: A worker died or was killed while executing a task by an unexpected system error\n"
