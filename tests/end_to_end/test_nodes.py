"""Several Ray nodes on one machine, one of them lost in mid-sweep; and torment for a minute."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import psutil
import pytest

from benchmarks.chaos_cluster import Cluster
from benchmarks.chaos_sweep import named
from benchmarks.hosts import unable
from tests.end_to_end.brake import HOLDS, Brake
from tests.end_to_end.running import comparable, finished, start, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def workers_of(cluster: Cluster) -> list[psutil.Process]:
    return [each for each in cluster.processes() if named(each, "ray::Implicit")]


@pytest.mark.skipif(not unable(), reason="tests/end_to_end/test_hosts.py loses a node that has a machine of its own")
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


class Leaving(Cluster):
    """A head, and two nodes that are started as the Slurm script starts them."""

    def mend(self) -> None:
        """Start what is missing, also a node whose start took longer than Ray waits for."""
        if not self._nodes():
            self._ray("--head", f"--port={self._port}", "--num-cpus=0", f"--temp-dir={self._temporary}")
            self.held = [self._held() for _ in range(2)]
        self.held = [self._held() if each.poll() is not None else each for each in self.held]

    def _held(self) -> subprocess.Popen[bytes]:
        head = f"127.0.0.1:{self._port}"
        node = [sys.executable, "-m", "sweeps.engine.node", "--address", head, "--seconds", "200", "--", sys.executable]
        node += [
            "-m",
            "ray.scripts.scripts",
            "start",
            f"--address={head}",
            "--num-cpus=1",
            "--disable-usage-stats",
            "--block",
        ]
        with (self.folder / "node.log").open("ab") as log:
            return subprocess.Popen(node, env={**os.environ, **self.environment(), HOLDS: "1"}, stdout=log, stderr=log)


EPOCHS = 60
"""Of the baselines."""
LEAVES = "its node leaves the cluster; it goes on elsewhere from its checkpoint"


def test_the_trials_of_a_node_that_gets_sigterm_move(tmp_path: Path) -> None:
    """Held back until the node leaves: both nodes train at one moment, however late the second one has started."""
    out = tmp_path / "runs" / "braked"
    brake = Brake(tmp_path, epochs=EPOCHS, seeds=[0, 1], seconds=5)

    def said() -> str:
        return (tmp_path / "log").read_text()

    with Leaving(tmp_path / "cluster") as cluster:
        process = start("run", brake.study, "--out", out, *cluster.options(), cwd=tmp_path, **cluster.environment())

        def both_train() -> bool:
            cluster.mend()
            training = [each for each in (out / "trials").glob("*/curve.csv") if not (each.parent / "outcome.json").exists()]
            return len(workers_of(cluster)) == 2 and len(training) == 2

        wait_for(both_train, process)
        cluster.held[0].send_signal(signal.SIGTERM)
        wait_for(lambda: LEAVES in said(), process)
        brake.release()
        assert cluster.held[0].wait(timeout=250) == 128 + signal.SIGTERM
        assert process.wait(timeout=280) == 0, said()
        cluster.held[1].terminate()
        assert cluster.held[1].wait(timeout=250) == 128 + signal.SIGTERM
    assert set(comparable(out)["status"]) == {"complete"}
    curves = [pd.read_csv(path) for path in out.glob("trials/*/curve.csv")]
    whole = [curve for curve in curves if set(curve["phase"]) == {"baseline"}]
    # each epoch once, whatever was moved
    assert [curve["epoch"].tolist() for curve in whole] == [list(range(1, EPOCHS + 1))] * 2


def test_a_short_torment_leaves_what_an_undisturbed_run_leaves(undisturbed: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.chaos", "--faults", "3", "--seed", "0", "--places", "alone"]
    command += ["--undisturbed", str(undisturbed), "--seconds", "12"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "3 faults" in ran.stdout
