"""Connecting to a cluster's Ray: this machine must be a node of it, and one line says why it lets nobody in."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sweeps.engine.access import LOOPBACK, MODE, TOKEN, TOKEN_PATH
from sweeps.engine.cluster_watch import native_messages_held

NODE_SECONDS = 15.0
"""What a node of this machine may take to start after its head answers (a batch job starts both, and us, at once)."""
_LOOK_SECONDS = 0.5
NO_NODE = (
    "this machine is no node of that cluster, and a driver runs on one: type the command on the head or on another node, "
    "or send it there (sweeps/clusters/submit.sh, slurm.sbatch)"
)
_HOW_TO_GET_IN = (
    f"set {MODE}=token here and on every node, with the cluster's token in {TOKEN}, in the file that "
    f"{TOKEN_PATH} names, or in ~/.ray/auth_token"
)
_VERSIONS = re.compile(r"Ray: (\S+)\s+Python: (\S+)")
_LINE = 300


def head_of_this_node() -> str:
    """Return ``HOST:PORT`` of the head of the cluster of which this machine is a node.

    That of the last ``ray start``, where it took Ray's usual folder; else the one that the nodes running here name, those of
    a sweep's own Ray (on loopback) left out.

    Raises:
        ConnectionError: there is none, or there are several.
    """
    from ray._private import services

    last = services.find_bootstrap_address(None)
    if last is not None and ":" in last:
        return str(last)
    found = sorted(str(each) for each in services.find_gcs_addresses() if not str(each).startswith(LOOPBACK))
    if len(found) == 1:
        return found[0]
    several = f"nodes of several Ray clusters run here; name one of {', '.join(found)}"
    raise ConnectionError(f"--address auto: {several if found else NO_NODE}")


def require_local_node(address: str, seconds: float = NODE_SECONDS) -> None:
    """Wait until a node of some cluster runs on this machine, as Ray asks of every driver; Ray itself waits a minute.

    Args:
        address: of the cluster, for the message.
        seconds: until it is given up.

    Raises:
        ConnectionError: there is none.
    """
    from ray._private import services

    end = time.monotonic() + seconds
    while not services.find_node_ids():
        if time.monotonic() > end:
            raise ConnectionError(f"--address {address}: {NO_NODE}")
        time.sleep(_LOOK_SECONDS)


@contextmanager
def said_in_a_line(address: str) -> Iterator[None]:
    """Make one line of what Ray raises, and its C++ part writes, while it connects.

    Raises:
        ConnectionError: with that line, in place of whatever Ray raised.
    """
    with native_messages_held() as take:
        try:
            yield
        except Exception as error:
            raise ConnectionError(f"Ray at {address} lets nobody in: {why(error, take())}") from error


def why(error: BaseException, native: str) -> str:
    """Return why a cluster does not let a driver in.

    Args:
        error: what Ray raised; what it was raised from says more.
        native: what Ray's C++ part wrote meanwhile.
    """
    reasons = [str(error).strip()]
    while error.__cause__ is not None:
        error = error.__cause__
        reasons.append(str(error).strip())
    text = "\n".join([*reasons, native])
    versions = _VERSIONS.findall(text) if "ersion mismatch" in text else []
    if len(versions) >= 2:
        (ray, python), (our_ray, our_python) = versions[:2]
        return (
            f"it is Ray {ray} with Python {python} there, and Ray {our_ray} with Python {our_python} here; "
            "install the same ones on every machine"
        )
    if "No node info found" in text:
        return NO_NODE
    if "InvalidAuthToken" in text:
        return f"the token is missing here, or it is another one; {_HOW_TO_GET_IN}"
    if "waiting for GCS" in text:
        return "something listens there, but it does not answer as the head of a Ray cluster does"
    first = reasons[-1].partition("\n")[0].split(". ")[0][:_LINE] or type(error).__name__
    return f"{first}; {_HOW_TO_GET_IN}" if "token" in first.lower() else first
