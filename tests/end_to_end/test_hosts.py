"""A sweep on hosts with addresses of their own, tokens on, the head known by name only, over a network that fails.

The hosts themselves are tested in `tests/benchmarks/test_hosts.py`.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.chaos_hosts import HEAD, PARTITION_SECONDS, PORT, WORKERS, SeveralHosts
from benchmarks.hosts import unable
from sweeps.engine.trial_log import where_is
from tests.end_to_end.running import comparable, wait_for

UNABLE = unable()
pytestmark = [
    pytest.mark.hosts,
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(bool(UNABLE), reason=UNABLE or "hosts can be made here"),
]
SECONDS = 400.0


@pytest.fixture
def place(tmp_path: Path) -> Iterator[SeveralHosts]:
    with SeveralHosts(tmp_path / "place") as there:
        yield there


def begin(place: SeveralHosts, out: Path) -> subprocess.Popen[str]:
    """Start the driver beside the head."""
    environment = {**os.environ, **place.environment()}
    with (place.folder / "log").open("w") as log:
        command = place.command("smoke", out)
        return subprocess.Popen(command, stdout=log, stderr=log, text=True, start_new_session=True, env=environment)


def hosts_of(out: Path, ended: bool) -> list[str]:
    """Return on which host each trial was taken last, of those that have ended or of those that have not."""
    trials = [path.parent for path in out.glob("trials/*/where.json") if (path.parent / "outcome.json").exists() == ended]
    return [where["host"] for trial in trials if (where := where_is(trial)) is not None]


def test_lost_packets_and_a_cable_pulled_out_change_no_record(place: SeveralHosts, undisturbed: Path) -> None:
    first, second = WORKERS
    place.hosts.lose_packets(first, 10)
    assert place.options() == ["--address", f"{HEAD}:{PORT}"]
    out = place.folder / "runs" / "smoke"
    process = begin(place, out)
    wait_for(lambda: second in hosts_of(out, ended=False), process, SECONDS)
    place.hosts.cut(second)
    back = time.monotonic() + PARTITION_SECONDS
    end = back + SECONDS
    while process.poll() is None:
        assert time.monotonic() < end, (place.folder / "log").read_text()
        time.sleep(0.5)
        if back and time.monotonic() > back:
            place.hosts.mend(second)
            back = 0.0
        if not back:
            place.mend()  # what a site's own supervision does where Ray gave the node up
    assert process.returncode == 0, (place.folder / "log").read_text()
    pd.testing.assert_frame_equal(comparable(out), comparable(undisturbed))
    assert set(hosts_of(out, ended=True)) <= set(WORKERS)
