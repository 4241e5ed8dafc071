"""Who may talk to a Ray of our own: processes of this machine that have its token, which nobody else can read.

Ray's own habit is a token for good in ``~/.ray/auth_token``, written as the umask says, and ports on every address of the
machine (measured in Ray 2.60). Whoever reads the one and reaches the others runs code as the owner.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

LOOPBACK = "127.0.0.1"
MODE, TOKEN, TOKEN_PATH = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"


@contextmanager
def token_of_its_own() -> Iterator[None]:
    """Draw a token for one Ray: in the environment of this process and of those it starts, and in no file.

    Another user of the machine cannot read a process's environment. What stood there before is for a cluster, and is back
    afterwards.
    """
    before = {name: os.environ.pop(name, None) for name in (MODE, TOKEN, TOKEN_PATH)}
    os.environ.update({MODE: "token", TOKEN: secrets.token_hex(32)})
    _read_environment()
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        _read_environment()


def _read_environment() -> None:
    """Let Ray look again: it keeps mode and token from its import, and this may not be the first Ray of this process."""
    from ray import _raylet

    raylet: Any = _raylet  # compiled, and its types say less than it has
    raylet.Config.initialize("")
    raylet.AuthenticationTokenLoader.instance().reset_cache()


@contextmanager
def on_loopback() -> Iterator[dict[str, Any]]:
    """Yield the options of ``ray.init`` that make all of Ray's processes listen on loopback only.

    They listen there when the node's address is the loopback one (else on every address there is), and Ray takes such an
    address for a mistake, which it mends; for the length of the block it does not.
    """
    from ray._private import services

    mend = services.resolve_ip_for_localhost
    services.resolve_ip_for_localhost = lambda host: host
    try:
        yield {"_node_ip_address": LOOPBACK}
    finally:
        services.resolve_ip_for_localhost = mend


def close_token_file() -> None:
    """Close the file of the user's cluster token, ``~/.ray/auth_token``, to others: Ray writes it as the umask says."""
    with suppress(OSError):
        handle = os.open(Path.home() / ".ray" / "auth_token", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            found = os.fstat(handle)
            if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & 0o077:
                os.fchmod(handle, 0o600)
        finally:
            os.close(handle)
