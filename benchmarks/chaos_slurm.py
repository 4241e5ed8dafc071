"""A study as a job of Slurm, and what Slurm and its machines do to jobs.

``deadline``: SIGTERM to the script, as before the time limit; ``preempt``: the job is put back into the queue, with SIGTERM
to all of it at once, and begins again; ``leave``: SIGTERM to the nodes, not to the head and the driver; ``controller`` and
``daemon``: ``kill -9`` of ``slurmctld``, or of a node's ``slurmd``, started again within 20 seconds; ``power``: the power of
a node fails, of the first with head and driver or of the other; it is back after 45 to 75 seconds, when Slurm has given it
up and runs the job again (one that is back at once is taken for the same: the hosts share the time since the machine's
start); ``partition``: a node's cable is pulled out for 30 seconds.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

from benchmarks.chaos_places import QUIET, Harm, Surroundings
from benchmarks.hosts import ROOT
from benchmarks.slurm_cluster import CONTROLLER, Slurm

SLURM_FAULTS = ("deadline", "preempt", "leave", "controller", "daemon", "power", "partition")
SCRIPT = "sweeps/clusters/slurm.sbatch"
NAME = "prunefront"


class OnSlurm(Surroundings):
    """Debian's Slurm with two nodes; the command is ``sbatch`` of the shipped script, in line behind the job before."""

    faults = ("driver", "worker", *SLURM_FAULTS)

    def __enter__(self) -> OnSlurm:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._broken = False
        self.slurm = Slurm(seen=[self.folder])
        self.slurm.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.slurm.__exit__(None, None, None)

    def command(self, study: str, out: Path) -> list[str]:
        """Return ``sbatch``, which waits for the job; the job appends to the driver's log."""
        words = ["sbatch", "--wait", "--nodes=2", "--cpus-per-task=1", f"--chdir={ROOT}", "--dependency=singleton"]
        words += ["--open-mode=append", f"--output={self.folder / 'log'}", f"--export=ALL,STUDY={study},OUT={out}"]
        return self.slurm.hosts.command(CONTROLLER, [*words, str(ROOT / SCRIPT)])

    def environment(self) -> dict[str, str]:
        """Return where Slurm's configuration is; every host has a temporary folder of its own."""
        return {**self.slurm.environment(), **QUIET, "PYTHONPATH": str(ROOT), "TMPDIR": "/tmp"}  # noqa: S108

    def processes(self) -> list[psutil.Process]:
        """Return what runs on the nodes."""
        return [each for name in self.slurm.nodes for each in self.slurm.hosts.processes(name)]

    def driver(self, command: int) -> psutil.Process | None:
        """Return the driver, where Slurm has put it."""
        return next((each for each in self.processes() if _is_driver(each)), None)

    def stop(self) -> None:
        """Kill whatever Slurm runs."""
        with suppress(RuntimeError):  # a controller that is down
            self.slurm.run("scancel", f"--name={NAME}")

    def tend(self) -> None:
        """Take nodes back that Slurm has put aside: where it still finds processes of a run that it has given up."""
        if self._broken:
            return
        with suppress(RuntimeError):
            for node in self.slurm.run("sinfo", "--noheader", "--Node", "--states=drained,down", "--format=%N").split():
                self.slurm.run("scontrol", "update", f"nodename={node}", "state=resume")

    def left(self) -> list[str]:
        """Return the folders that jobs have left on the nodes."""
        places = ((node, self.slurm.hosts.folder / node / "tmp") for node in self.slurm.nodes)
        return [f"{each.name} on {node}" for node, place in places for each in place.glob("pf-slurm-*")]

    def harm(self, fault: str, draw: random.Random) -> Harm | None:
        """Do what Slurm does, or what happens to its machines."""
        try:
            return None if self.driver(0) is None else self._harm(fault, draw)
        except RuntimeError:  # a job or a step that has just ended, a controller that is down
            return None

    def _harm(self, fault: str, draw: random.Random) -> Harm | None:
        if fault in ("controller", "daemon", "power", "partition"):
            if self._broken:  # one of these at a time
                return None
            harm = self._break(fault, draw)
            self._broken = True
            return Harm(harm.seconds, partial(self._repair, harm.mend))
        job = self._job()
        if job is None:
            return None
        if fault == "leave":
            step = self._step_of_the_nodes(job)
            if step is None:
                return None
            self.slurm.run("scancel", "--signal=TERM", step)
        elif fault == "preempt":
            self.slurm.run("scontrol", "requeue", job)
        else:
            self.slurm.run("scancel", "--batch", "--signal=TERM", job)
        return Harm(0.0, _nothing)

    def _break(self, fault: str, draw: random.Random) -> Harm:
        node = draw.choice(self.slurm.nodes)
        if fault == "controller":
            self.slurm.kill_daemon("slurmctld")
            return Harm(draw.uniform(1.0, 20.0), self.slurm.start_controller)
        if fault == "daemon":
            self.slurm.kill_daemon(node)
            return Harm(draw.uniform(1.0, 20.0), partial(self.slurm.start_node, node))
        if fault == "power":
            self.slurm.power_off(node)
            return Harm(draw.uniform(45.0, 75.0), partial(self.slurm.power_on, node))
        self.slurm.hosts.cut(node)
        return Harm(30.0, partial(self.slurm.hosts.mend, node))

    def _repair(self, mend: Callable[[], None]) -> None:
        mend()
        self._broken = False

    def _job(self) -> str | None:
        running = self.slurm.run("squeue", "--noheader", "--states=RUNNING", "--format=%A").split()
        return running[0] if running else None

    def _step_of_the_nodes(self, job: str) -> str | None:
        """Return the step in which the nodes run that are not the head: the one of all but the first."""
        steps = self.slurm.run("squeue", "--noheader", "--steps", f"--jobs={job}", "--format=%i %N").splitlines()
        last = self.slurm.nodes[-1]
        found = [step for step, nodes in map(str.split, steps) if nodes == last and re.fullmatch(r"\d+\.\d+", step)]
        return found[-1] if found else None


def _is_driver(process: psutil.Process) -> bool:
    try:
        words = process.cmdline()
        return process.status() != psutil.STATUS_ZOMBIE and words[2:3] == ["run"] and words[1].endswith("/prunefront")
    except psutil.Error:
        return False


def _nothing() -> None:
    """Mend nothing."""
