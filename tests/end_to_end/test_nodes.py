"""Several Ray nodes on one machine, one of them lost in mid-sweep; and torment for a minute."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pandas as pd
import psutil
import pytest

from benchmarks.chaos_places import Cluster
from benchmarks.chaos_sweep import named
from tests.end_to_end.running import comparable, finished, start, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def workers_of(cluster: Cluster) -> list[psutil.Process]:
    return [each for each in cluster.processes() if named(each, "ray::Implicit")]


def test_a_node_lost_in_mid_sweep_changes_no_record(undisturbed: Path, tmp_path: Path) -> None:
    out = tmp_path / "runs" / "smoke"
    with Cluster(tmp_path / "cluster") as cluster:
        process = start("run", "smoke", "--out", out, *cluster.options(), cwd=tmp_path, **cluster.environment())
        # two nodes with one processor each: both run a trial
        wait_for(lambda: len(finished(out)) >= 1 and len(workers_of(cluster)) == 2, process)
        assert cluster.lose_node(random.Random(0))
        assert len(workers_of(cluster)) == 1
        assert process.wait(timeout=280) == 0, (tmp_path / "log").read_text()
        assert cluster.processes(), "a cluster is not the driver's to take down"
    pd.testing.assert_frame_equal(comparable(out), comparable(undisturbed))


def test_a_short_torment_leaves_what_an_undisturbed_run_leaves(undisturbed: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.chaos", "--faults", "3", "--seed", "0", "--places", "alone"]
    command += ["--undisturbed", str(undisturbed), "--seconds", "12"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "3 faults" in ran.stdout
