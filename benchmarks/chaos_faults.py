"""The faults: each does one harm to a running sweep, or returns False where it finds no victim.

``driver``, ``family``, ``worker``, ``raylet``, ``node``, ``head``: kill -9 of the driver alone; of driver, Ray and workers
at once; of a worker; of the node process of the driver's own Ray; of one of two worker nodes of a cluster, with everything
on it, which a new node replaces a few seconds later; of the whole cluster, which is started anew once the driver has ended.
``anew``: of the whole cluster, which is started anew at its old address at once.
``terminate``, ``interrupt``: SIGTERM to the driver; SIGINT to its process group, as a terminal sends it.
``mlflow``: kill -9 of the MLflow server, started again a few seconds later.
``full``: the file system of the output folder (a tmpfs) is filled, and emptied a few seconds later.
What only hosts of their own and Slurm know is in `benchmarks.chaos_hosts` and `benchmarks.chaos_slurm`.
``limit``, ``limit_driver``: a limit on the size of files, so that workers (or the driver) can write nothing large.
"""

from __future__ import annotations

import os
import random
import resource
import signal
from collections.abc import Callable

import psutil

from benchmarks.chaos_hosts import NETWORK_FAULTS
from benchmarks.chaos_slurm import SLURM_FAULTS
from benchmarks.chaos_sweep import Sweep, kill, named

FILE_LIMIT = 20_000
"""Bytes: too small for weights and logits of the smoke study and for every database."""
LEAVING_SECONDS = 120.0
"""How long the driver may take to end after a signal before that counts as hanging."""


def driver(sweep: Sweep, draw: random.Random) -> bool:
    """Kill the driver alone."""
    victim = sweep.place.driver(sweep.process.pid)
    if victim is None:
        return False
    kill(victim)
    sweep.killed = True
    _must_end(sweep, "hung without its driver")
    return True


def family(sweep: Sweep, draw: random.Random) -> bool:
    """Kill driver, Ray and workers at once: what a machine does that loses power."""
    sweep.kill_family()
    return True


def worker(sweep: Sweep, draw: random.Random) -> bool:
    """Kill one worker."""
    workers = sweep.workers()
    if not workers:
        return False
    kill(draw.choice(workers))
    return True


def raylet(sweep: Sweep, draw: random.Random) -> bool:
    """Kill the node process of the driver's own Ray."""
    nodes = [each for each in sweep.family() if named(each, "raylet")]
    for each in nodes:
        kill(each)
    return bool(nodes)


def node(sweep: Sweep, draw: random.Random) -> bool:
    """Kill one node of a cluster; another takes its place later."""
    if not sweep.place.lose_node(draw):
        return False
    sweep.later(draw.uniform(1.0, 15.0), sweep.place.mend)
    return True


def head(sweep: Sweep, draw: random.Random) -> bool:
    """Kill a whole cluster; it is started anew later, when the driver has ended."""
    if not sweep.place.lose_head():
        return False
    _must_end(sweep, "hung without its cluster")
    sweep.place.mend()
    return True


def anew(sweep: Sweep, draw: random.Random) -> bool:
    """Kill a whole cluster and start another at its address at once, while the driver runs."""
    if not sweep.place.renew_head():
        return False
    _must_end(sweep, "went on with another cluster")
    return True


def terminate(sweep: Sweep, draw: random.Random) -> bool:
    """SIGTERM: a preempted machine."""
    sweep.process.send_signal(signal.SIGTERM)
    _must_end(sweep, "hung after SIGTERM")
    return True


def interrupt(sweep: Sweep, draw: random.Random) -> bool:
    """Ctrl-C in a terminal: the whole foreground group gets it."""
    os.killpg(sweep.process.pid, signal.SIGINT)
    _must_end(sweep, "hung after SIGINT")
    return True


def mlflow(sweep: Sweep, draw: random.Random) -> bool:
    """Kill the MLflow server; it comes back later."""
    if not sweep.place.lose_server():
        return False
    sweep.later(draw.uniform(0.0, 15.0), sweep.place.mend)
    return True


def full(sweep: Sweep, draw: random.Random) -> bool:
    """Fill the file system of the output folder; there is room again later."""
    if not sweep.place.fill():
        return False
    sweep.later(draw.uniform(1.0, 15.0), sweep.place.mend)
    return True


def limit(sweep: Sweep, draw: random.Random) -> bool:
    """Keep the workers that run now from writing anything large."""
    workers = sweep.workers()
    for each in workers:
        _limit(each)
    return bool(workers)


def limit_driver(sweep: Sweep, draw: random.Random) -> bool:
    """Keep the driver from writing anything large: tables, databases, report. Ray, which inherits it, is there already."""
    if not any(named(each, "raylet") for each in sweep.family()):
        return False
    _limit(psutil.Process(sweep.process.pid))
    return True


def of_the_place(fault: str) -> Callable[[Sweep, random.Random], bool]:
    """Return a harm that the surroundings do, and mend later."""

    def strike(sweep: Sweep, draw: random.Random) -> bool:
        done = sweep.place.harm(fault, draw)
        if done is not None:
            sweep.later(*done)
        return done is not None

    return strike


def _must_end(sweep: Sweep, otherwise: str) -> None:
    sweep.wait(LEAVING_SECONDS)
    if sweep.status is None:
        sweep.wrong.append(otherwise)
        sweep.kill_family()


def _limit(process: psutil.Process) -> None:
    try:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (FILE_LIMIT, FILE_LIMIT))
    except ProcessLookupError:
        return


FAULTS: dict[str, Callable[[Sweep, random.Random], bool]] = {
    each.__name__: each
    for each in (driver, family, worker, raylet, node, head, anew, terminate, interrupt, mlflow, full, limit, limit_driver)
}
FAULTS |= {fault: of_the_place(fault) for fault in [*NETWORK_FAULTS, *SLURM_FAULTS]}
