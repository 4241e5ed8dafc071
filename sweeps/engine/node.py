"""A node of a Ray cluster that leaves it in good order: ``python -m sweeps.engine.node``.

    python -m sweeps.engine.node --address HOST:PORT [--seconds 60] -- ray start --address=HOST:PORT --block
    python -m sweeps.engine.node --address HOST:PORT [--seconds 60] --leave

The first starts the node and waits. At SIGTERM (a batch system that takes the node away) it tells the cluster that the
node leaves, waits until the trials on it have put down what they had and gone elsewhere, at most so many seconds, and ends
Ray. The second does that for the one node of this machine, or pod, and leaves its end to others: Kubernetes calls it before
it stops a pod.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import psutil

from sweeps.engine.cluster_watch import answers
from sweeps.engine.quiet import silence

GRACE_SECONDS = 60.0
RAYS_OWN_WAIT = {"RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0"}
"""What keeps Ray from draining a node a second time at its SIGTERM, for another half minute."""
_LOOK_SECONDS = 0.5
_TRIAL = "ray::ImplicitFunc"
"""How Ray titles a process that holds a place of a sweep."""


def main(words: list[str] | None = None) -> int:
    """Start a node, or let one leave; return the exit status."""
    parser = node_options()
    chosen = parser.parse_args(words)
    if chosen.leave == bool(chosen.command):
        parser.error("give either --leave, or -- and the command that starts the node")
    if chosen.leave:
        leave(chosen.address, _here, chosen.seconds, psutil.process_iter)
        return 0
    return held(chosen.address, chosen.command, chosen.seconds)


def node_options() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m sweeps.engine.node", description=__doc__.splitlines()[0])
    parser.add_argument("--address", required=True, help="HOST:PORT of the cluster's head")
    parser.add_argument("--seconds", type=float, default=GRACE_SECONDS, help="what the trials may take to move")
    parser.add_argument("--leave", action="store_true", help="let the node of this machine leave; what started it ends it")
    parser.add_argument("command", nargs="*", metavar="-- COMMAND", help="what starts the node, and stays")
    return parser


def held(address: str, command: list[str], seconds: float) -> int:
    """Run the command that starts a node until it ends, or until SIGTERM; return its exit status, 143 after SIGTERM."""
    name = f"prunefront-{secrets.token_hex(8)}"
    asked = False

    def ask(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked = True

    signal.signal(signal.SIGTERM, ask)
    # a session of its own: who signals the whole group of processes would end Ray before its trials have moved
    environment = {**os.environ, **RAYS_OWN_WAIT}
    node = subprocess.Popen([*command, f"--node-name={name}"], start_new_session=True, env=environment)  # noqa: S603
    while node.poll() is None and not asked:
        time.sleep(_LOOK_SECONDS)
    if node.returncode is not None:
        return node.returncode
    leave(address, lambda each: each.node_name == name, seconds, lambda: psutil.Process(node.pid).children(recursive=True))
    node.terminate()
    node.wait()
    return 128 + signal.SIGTERM


def leave(
    address: str, ours: Callable[[Any], bool], seconds: float, processes: Callable[[], Iterable[psutil.Process]]
) -> None:
    """Drain a node and wait until no trial is on it any more, at most so many seconds.

    Args:
        address: ``HOST:PORT`` of the head.
        ours: tells the node from the others, by what the cluster knows of each.
        seconds: until the node is gone.
        processes: those among which its trials are.
    """
    end = time.monotonic() + seconds
    try:
        drain(address, ours, seconds)
    except Exception as error:  # noqa: BLE001  (no head, no answer, no such node: then it leaves without a word)
        sys.stderr.write(f"prunefront: the node leaves without telling the cluster: {error}\n")
        return
    while time.monotonic() < end and any(map(_holds_a_trial, processes())):
        time.sleep(_LOOK_SECONDS)


def drain(address: str, ours: Callable[[Any], bool], seconds: float) -> None:
    """Tell the cluster that a node will be gone after so many seconds: nothing new is placed on it, its trials are told.

    Raises:
        ConnectionError: nobody listens at the address, which Ray would find out in 40 seconds.
        LookupError: the cluster knows no such node, or does not let it go.
    """
    if not answers(address):
        raise ConnectionError(f"nobody listens at {address}")
    silence()
    from ray import _raylet
    from ray.core.generated import autoscaler_pb2

    compiled: Any = _raylet  # its types say less than it has
    client = compiled.GcsClient(address=address)
    found = [each for each in client.get_all_node_info().values() if each.state == 0 and ours(each)]  # 0: alive
    if not found:
        raise LookupError("it is not known there")
    reason = autoscaler_pb2.DrainNodeReason.DRAIN_NODE_REASON_PREEMPTION
    deadline = time.time_ns() // 1_000_000 + int(1000 * seconds)
    accepted, why = client.drain_node(found[0].node_id.hex(), reason, "told to end", deadline)
    if not accepted:
        raise LookupError(why)


def _here(node: Any) -> bool:
    from ray.util import get_node_ip_address

    return bool(node.node_manager_address == get_node_ip_address())


def _holds_a_trial(process: psutil.Process) -> bool:
    try:
        return _TRIAL in "".join(process.cmdline()[:1])
    except psutil.Error:
        return False


if __name__ == "__main__":
    sys.exit(main())
