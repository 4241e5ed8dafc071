"""A real sweep in jobs of a real Slurm: Debian's daemons, two nodes with network, name and temporary folder of their own.

Limits, queues, preemption, arrays and what the guide says to type are in `tests/sweeps/clusters/test_slurm_daemons.py`, with
stand-ins for ray and prunefront; preemption and lost machines under a real sweep are faults of ``python -m benchmarks.chaos
--places slurm``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.slurm_cluster import Slurm, no_slurm
from sweeps.engine.trial_log import where_is
from tests.end_to_end.running import comparable, finished

ROOT = Path(__file__).parents[2]
SCRIPT = "sweeps/clusters/slurm.sbatch"
SECONDS = 400.0
UNABLE = no_slurm()

pytestmark = [
    pytest.mark.slow,
    pytest.mark.hosts,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(bool(UNABLE), reason=UNABLE or "Slurm is here"),
]


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    """A controller and two nodes; what is left of a job on any of them is found at the end."""
    with Slurm() as cluster:
        yield cluster


def send(slurm: Slurm, study: str, out: Path) -> str:
    """Send the job as the guide says, from the repository's folder; two processors are enough here. Return its number."""
    words = ["--parsable", "--nodes=2", "--cpus-per-task=1", f"--output={slurm.shared / 'said-%j'}", "--open-mode=append"]
    words += [f"--export=ALL,STUDY={study},OUT={out}"]
    return slurm.run("sbatch", *words, SCRIPT, cwd=ROOT, PYTHONPATH=str(ROOT)).strip()


def said(slurm: Slurm, job: str) -> str:
    return (slurm.shared / f"said-{job}").read_text()


def until(so: Callable[[], bool], slurm: Slurm, job: str) -> None:
    """Wait for something while a job runs."""
    end = time.monotonic() + SECONDS
    while not so():
        assert slurm.tell(job, "JobState") in ("PENDING", "RUNNING", "COMPLETING"), said(slurm, job)
        assert time.monotonic() < end, said(slurm, job)
        time.sleep(0.2)


def left(slurm: Slurm) -> list[str]:
    """Return what jobs have left in the temporary folders of the nodes, and which of their processes still run there."""
    found = []
    for node in slurm.nodes:
        look = "ls -d /tmp/pf-slurm-* /tmp/ray 2>/dev/null; ps -eo args | grep -E '[r]aylet|[g]cs_server|[p]runefront run'"
        found += slurm.on(node, "sh", "-c", f"{look}; true").splitlines()
    return found


def test_a_job_stopped_and_put_back_into_the_queue_leaves_the_records_of_an_undisturbed_run(
    slurm: Slurm, undisturbed: Path
) -> None:
    out = slurm.shared / "runs" / "smoke"
    job = send(slurm, "smoke", out)
    until(lambda: bool(finished(out)), slurm, job)
    # what Slurm does two minutes before the limit; that it does so is shown with its own clock in test_slurm_daemons.py
    slurm.run("scancel", "--batch", "--signal=TERM", job)
    assert slurm.wait_for(job, "FAILED", "TIMEOUT", "COMPLETED", seconds=SECONDS) == "FAILED", said(slurm, job)
    assert slurm.tell(job, "ExitCode") == "143:0"
    assert 0 < len(finished(out)) < 8
    assert left(slurm) == []
    kept = {key: (out / "trials" / key / "outcome.json").stat().st_mtime_ns for key in finished(out)}

    slurm.run("scontrol", "requeue", job)  # what `sbatch` of the same line does, under the same number
    assert slurm.wait_for(job, "COMPLETED", "FAILED", "TIMEOUT", seconds=SECONDS) == "COMPLETED", said(slurm, job)
    assert slurm.tell(job, "Restarts") == "1"
    pd.testing.assert_frame_equal(comparable(out), comparable(undisturbed))
    assert {key: (out / "trials" / key / "outcome.json").stat().st_mtime_ns for key in kept} == kept
    assert left(slurm) == []
    assert not list(out.glob(".ray-token-*"))
    taken = [where_is(out / "trials" / key) for key in finished(out)]
    hosts = {where["host"] for where in taken if where}  # both, or one where the other's worker started late
    assert hosts and hosts <= set(slurm.nodes), "trials know their nodes by Slurm's names"
