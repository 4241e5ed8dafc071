"""A quiet Ray: our own short temporary folder, no statistics sent, no dashboard, retried when a loaded machine is slow."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import psutil

from prune_core.errors import BadInput
from sweeps.ray_folder import session_folder

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_USAGE_STATS_REPORT_URL": "http://127.0.0.1:9/",  # switched off, Ray would still report that it is switched off
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",  # the snapshot is scratch, and writing it whole costs time per trial
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_worker_niceness": "0",  # trials are the work itself; at 15, anything else on the machine starves them
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
}
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
        BadInput: the address is one for Ray's client, through which Tune runs on the cluster, without our driver.
    """
    if given is None or given == "local":
        return None
    if "://" in given:
        raise BadInput(f"--address {given}: allowed are HOST:PORT of the cluster's head, auto (on a node of it), local")
    return given


def head_address() -> str:
    """Return ``HOST:PORT`` of the head that we are connected to."""
    import ray

    return str(ray.get_runtime_context().gcs_address)


def silence() -> None:
    """Set the environment that Ray and Tune read at import; what the user set stays."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


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

    with nullcontext() if address else session_folder() as folder:
        try:
            _start(address, cpus, gpus, environment, folder)
            yield
        finally:
            ray.shutdown()
            _end_processes(folder, _END_SECONDS)


def _start(
    address: str | None, cpus: int | None, gpus: int | None, environment: dict[str, str], folder: Path | None
) -> None:
    import logging

    import ray

    common: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "ignore_reinit_error": True}
    if address:
        common["runtime_env"] = {"env_vars": {**QUIET, **environment}}
    else:  # our own workers inherit it; a runtime environment would throw away the workers that Ray starts ahead
        os.environ.update(environment)
    for attempt in range(1, _START_TRIES + 1):
        try:
            if address:
                ray.init(address=address, **common)
            else:
                # 128 MiB: nothing large goes through the object store (architecture 5.11)
                _without_lookups()
                ray.init(
                    address="local",  # whatever RAY_ADDRESS says
                    num_cpus=cpus,
                    num_gpus=gpus,
                    include_dashboard=False,
                    object_store_memory=128 * 2**20,
                    _temp_dir=str(folder),
                    **common,
                )
            return
        except Exception as error:
            ray.shutdown()
            _end_processes(folder, 0.0)
            reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
            if address:  # Ray itself has tried for half a minute
                raise ConnectionError(
                    f"{reason[0]} (is the address right, is Ray up there, and does RAY_AUTH_MODE=token with the cluster's "
                    "token stand in the environment here?)"
                ) from error
            if attempt == _START_TRIES:
                raise ConnectionError(f"could not start Ray on this machine after {attempt} tries: {reason[0]}") from error
            time.sleep(2.0 * attempt)


def _without_lookups() -> None:
    """Keep Ray from asking cloud providers where it runs, which it does with its statistics switched off too.

    Its statistics process asks a link-local address and a name in a cloud's domain over plain HTTP (measured in Ray 2.60). A
    proxy on loopback where nobody listens, in the environment of that one process, refuses these at once.
    """
    from ray._private import services

    start = getattr(services, "start_api_server", None)
    if start is None or getattr(start, "without_lookups", False):
        return

    @functools.wraps(start)
    def quietly(*arguments: Any, **options: Any) -> Any:
        blocked = {"http_proxy": "http://127.0.0.1:9", "no_proxy": "127.0.0.1,localhost"}
        before = {name: os.environ.get(name) for name in blocked}
        os.environ.update(blocked)
        try:
            return start(*arguments, **options)
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

    quietly.without_lookups = True  # type: ignore[attr-defined]
    services.start_api_server = quietly


def _end_processes(folder: Path | None, patience: float) -> None:
    """End what Ray started in our folder and did not end itself: a start that failed leaves its processes running."""
    if folder is None:
        return
    mine = [each for each in psutil.Process().children(recursive=True) if _mentions(each, str(folder))]
    _, alive = psutil.wait_procs(mine, timeout=patience)
    for each in alive:
        each.kill()
    psutil.wait_procs(alive, timeout=_END_SECONDS)


def _mentions(process: psutil.Process, text: str) -> bool:
    try:
        return any(text in word for word in process.cmdline())
    except psutil.Error:
        return False
