"""A quiet Ray: our own short folder, a token of its own, loopback only, nothing sent, no dashboard, retried when slow."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import psutil

from prune_core.base.errors import BadInput
from sweeps.engine.access import close_token_file, on_loopback, token_of_its_own
from sweeps.engine.cluster_watch import answers
from sweeps.engine.connecting import head_of_this_node, require_local_node, said_in_a_line
from sweeps.engine.folder import RAYS, session_folder
from sweeps.engine.leaving import end_processes
from sweeps.engine.quiet import QUIET, short_messages, silence, without_lookups
from sweeps.engine.reaper import reaper
from sweeps.engine.sigterm import keep_sigterm, sigterm_held

LOOK_SECONDS = 5.0


class LostRay(RuntimeError):
    """The Ray that we started has no node left: something killed it. Tune would wait for it for ever."""


def node_watch(address: str | None) -> Callable[[], None]:
    """Return a cheap check, to be called often, that raises `LostRay`.

    A cluster may get nodes again, so it is left alone.
    """
    looked = [time.monotonic()]

    def check() -> None:
        if address is None and time.monotonic() - looked[0] > LOOK_SECONDS:
            looked[0] = time.monotonic()
            require_node(address)

    return check


def require_node(address: str | None) -> None:
    """Raise `LostRay` when the node process of our own Ray is gone; asks the system, which knows at once."""
    children = psutil.Process().children()
    if address is None and not any(each.name() == "raylet" and each.status() != psutil.STATUS_ZOMBIE for each in children):
        raise LostRay("Ray's node on this machine was killed")


_START_TRIES = 3
_END_SECONDS = 10.0
"""What Ray's processes may take to end after they were asked to."""


def cluster_address(given: str | None) -> str | None:
    """Return the address of a cluster, or None for a Ray of our own (not given, or ``local``).

    Raises:
        BadInput: the address names no head: it has no port, is empty (a variable that is not set: the sweep would run here),
            or is one for Ray's client, through which Tune runs on the cluster, without our driver.
    """
    if given is None or given == "local":
        return None
    if given != "auto" and not _names_a_head(given):
        raise BadInput(
            f"--address {given or repr(given)}: allowed are HOST:PORT of the cluster's head, auto (on a node of it), local"
        )
    return given


def _names_a_head(address: str) -> bool:
    host, _, port = address.rpartition(":")
    return bool(host) and "://" not in address and port.isascii() and port.isdecimal() and 0 < int(port) < 2**16


def head_address(address: str) -> str:
    """Return ``HOST:PORT`` of a cluster's head, at which somebody listens.

    Args:
        address: ``HOST:PORT``, or ``auto`` for the cluster of which this machine is a node.

    Raises:
        ConnectionError: nobody listens there, or this machine is no node of a cluster.
    """
    head = address
    if address == "auto":
        silence()
        head = head_of_this_node()
    for pause in (1.0, 2.0, 4.0, 0.0):
        if answers(head):
            return head
        time.sleep(pause)
    raise ConnectionError(f"nobody listens at {head}: no Ray cluster has its head there, or it is not up yet")


@contextmanager
def ray_session(*, address: str | None, cpus: int | None, gpus: int | None, environment: dict[str, str]) -> Iterator[None]:
    """Connect to a cluster, or start a local Ray and take it down again, its files included.

    Args:
        address: a cluster's address (``HOST:PORT`` or ``auto``), or None for a Ray of our own on this machine.
        cpus: processors of our own Ray; None for all.
        gpus: GPUs of our own Ray; None for all.
        environment: variables that every worker process starts with (allocator settings must be there before it starts).

    Raises:
        ConnectionError: Ray did not start, or the cluster does not answer.
    """
    silence()
    import ray

    short_messages()
    keep_sigterm()
    with nullcontext() if address else _place_of_our_own() as folder:
        try:
            with sigterm_held():
                _start(address, cpus, gpus, environment, folder)
            yield
        finally:
            ray.shutdown()
            if folder is not None:
                end_processes(str(folder), _END_SECONDS)


@contextmanager
def _place_of_our_own() -> Iterator[Path]:
    """Yield the folder of a Ray with a token of its own; whatever ends this process, nothing of it stays."""
    with reaper() as watch, token_of_its_own(), session_folder() as folder:
        watch(folder)
        yield folder


def _start(
    address: str | None, cpus: int | None, gpus: int | None, environment: dict[str, str], folder: Path | None
) -> None:
    import logging

    import ray

    common: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "ignore_reinit_error": True}
    if address:
        close_token_file()
        common["runtime_env"] = {"env_vars": {**QUIET, **environment}}
    else:  # our own workers inherit it; a runtime environment would throw away the workers that Ray starts ahead
        os.environ.update(environment)
    for attempt in range(1, _START_TRIES + 1):
        try:
            if address:
                # one try, of half a minute: Ray's own default are twenty of these
                os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "1")
                require_local_node(address)
                with said_in_a_line(address):
                    ray.init(address=address, **common)
            else:
                # 128 MiB: nothing large goes through the object store: workers map the data cache
                without_lookups()
                with on_loopback() as there:
                    ray.init(
                        address="local",  # whatever RAY_ADDRESS says
                        num_cpus=cpus,
                        num_gpus=gpus,
                        include_dashboard=False,
                        object_store_memory=128 * 2**20,
                        _temp_dir=str(folder / RAYS) if folder else None,
                        **there,
                        **common,
                    )
            return
        except Exception as error:
            ray.shutdown()
            if folder is not None:
                end_processes(str(folder), 0.0)
            if address:  # Ray itself has tried for half a minute
                raise
            reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
            if attempt == _START_TRIES:
                raise ConnectionError(f"could not start Ray on this machine after {attempt} tries: {reason[0]}") from error
            time.sleep(2.0 * attempt)
