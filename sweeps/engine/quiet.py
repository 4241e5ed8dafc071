"""What keeps Ray and Tune quiet: nothing sent, no statistics, no walls of text on the user's terminal."""

from __future__ import annotations

import functools
import os
import sys
from typing import Any

from prune_core.base.plain_text import printable

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_USAGE_STATS_REPORT_URL": "http://127.0.0.1:9/",  # switched off, Ray would still report that it is switched off
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",  # nobody reads the snapshot, and writing it whole costs time per trial
    "TUNE_MAX_PENDING_TRIALS_PG": "1000000",  # how many trials wait for a place is ours to say, see `feeder`
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_worker_niceness": "0",  # trials are the work itself; at 15, anything else on the machine starves them
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
}

_LINE = 200
"""Characters of a message of Ray that are shown."""


def silence() -> None:
    """Set the environment that Ray and Tune read at import; what the user set stays."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


def without_lookups() -> None:
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


def short_messages() -> None:
    """Show what Ray tells its drivers (a worker died, a node is lost) as one line each, not as a wall of advice."""
    from ray._private import worker

    show = getattr(worker, "print_to_stdstream", None)
    if show is None or getattr(show, "short", False):
        return

    @functools.wraps(show)
    def shortly(data: dict[str, Any], *arguments: Any, **options: Any) -> None:
        text = " ".join(" ".join(map(str, data.get("lines", ()))).split())
        sentence = text.split(". ")[0].split(" This can happen")[0]
        sys.stderr.write(f"Ray: {printable(sentence[:_LINE])}\n")

    shortly.short = True  # type: ignore[attr-defined]
    worker.print_to_stdstream = shortly
