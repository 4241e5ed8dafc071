"""A sweep on hosts with addresses of their own, tokens on, the head known by name only, over a network that fails.

The hosts themselves, and what befalls their cables, are tested in `tests/benchmarks/test_hosts.py`; faults at random moments
are drawn by ``python -m benchmarks.chaos --places hosts``.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.chaos_hosts import HEAD, PARTITION_SECONDS, PORT, SeveralHosts
from benchmarks.hosts import lacks_tbf, unable
from sweeps.engine.trial_log import where_is
from tests.end_to_end.running import comparable

UNABLE = unable()
pytestmark = [
    pytest.mark.hosts,
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(bool(UNABLE), reason=UNABLE or "hosts can be made here"),
]
SECONDS = 400.0
POOR, CUT, GONE = "node1", "node2", "node3"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[SeveralHosts]:
    with SeveralHosts(tmp_path / "place", workers=(CUT, GONE, POOR), later=(POOR,)) as there:
        yield there


def begin(place: SeveralHosts, out: Path) -> subprocess.Popen[str]:
    """Start the driver beside the head."""
    environment = {**os.environ, **place.environment()}
    with (place.folder / "log").open("w") as log:
        command = place.command("smoke", out)
        return subprocess.Popen(command, stdout=log, stderr=log, text=True, start_new_session=True, env=environment)


def trials_on(host: str, out: Path) -> list[Path]:
    """Return the folders of the trials that a host has taken last and that have not ended."""
    begun = [path.parent for path in out.glob("trials/*/where.json") if not (path.parent / "outcome.json").exists()]
    return [trial for trial in begun if (where := where_is(trial)) is not None and where["host"] == host]


def test_a_poor_cable_one_pulled_out_and_a_node_gone_for_good_change_no_record(
    place: SeveralHosts, undisturbed: Path
) -> None:
    assert place.options() == ["--address", f"{HEAD}:{PORT}"]
    out = place.folder / "runs" / "smoke"
    process = begin(place, out)
    moved: list[Path] = []
    cut_at: float | None = None
    end = time.monotonic() + SECONDS
    # two nodes with a place each, and two baselines before anything else: each node takes one of them
    while not moved or cut_at is None:
        assert process.poll() is None, (place.folder / "log").read_text()
        assert time.monotonic() < end, (place.folder / "log").read_text()
        time.sleep(0.05)
        if not moved and (moved := trials_on(GONE, out)):
            place.lose_for_good(GONE)
        if cut_at is None and trials_on(CUT, out):
            place.hosts.cut(CUT)
            cut_at = time.monotonic()
    place.join(POOR)
    place.hosts.lose_packets(POOR, 10)
    place.hosts.narrow(POOR, 4000, queue=not lacks_tbf())
    whole = False
    while process.poll() is None:
        assert time.monotonic() < end + SECONDS, (place.folder / "log").read_text()
        time.sleep(0.5)
        if time.monotonic() - cut_at > PARTITION_SECONDS:
            if not whole:
                place.hosts.mend(CUT)
                whole = True
            place.mend()  # what a site's own supervision does where Ray gave the node up
    log = (place.folder / "log").read_text()
    assert process.returncode == 0, log
    assert {where["host"] for trial in moved if (where := where_is(trial)) is not None} <= {POOR, CUT}, "they moved"
    pd.testing.assert_frame_equal(comparable(out), comparable(undisturbed))
