"""What the user has confirmed of folders that somebody may have sent: code to import, places to send to and to fetch from.

Kept by content in the user's own configuration (``~/.config/prunefront/trusted.json``, mode 0600): the same plugins in a
moved folder are known again, changed ones are asked for again.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from prune_core.base.addresses import shown
from prune_core.base.errors import BadInput
from prune_core.base.files import read_json, replacing

VARIABLE = "PRUNEFRONT_TRUST_PLUGINS"
"""Environment variable that confirms whatever a command meets."""


def require_confirmed(address: str, what: str) -> None:
    """Let through a place that the user has confirmed: a folder that somebody sent may name any.

    Args:
        address: of the place.
        what: what it is asked for, up to the address: ``F is stored at``.

    Raises:
        BadInput: they have not.
    """
    given = os.environ.get(VARIABLE, "").lower() in ("1", "true", "yes", "on")
    if not given and not is_confirmed(place_digest(address)):
        raise BadInput(
            f"{what} {shown(address)}, a place that you have not confirmed, and is left there "
            f"(allowed: {VARIABLE}=1, once you have looked at it)"
        )


def place_digest(address: str) -> str:
    """Return what a confirmed place (a server, a storage) is known by."""
    return digest_of({"place": address})


def is_confirmed(digest: str) -> bool:
    """Return whether the user has confirmed something before."""
    return digest in _read(trust_file())


def remember(digest: str, what: Sequence[str]) -> None:
    """Write down that the user has confirmed something; does nothing where their configuration cannot be written.

    Args:
        digest: of code (`sweeps.study.trust.Asked`), or of `place_digest`.
        what: for people who read the file.
    """
    path = trust_file()
    known = _read(path)
    if digest in known:
        return
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with replacing(path) as temporary:
            temporary.chmod(0o600)
            text = json.dumps({**known, digest: list(what)}, indent=1, sort_keys=True)
            temporary.write_text(text + "\n", encoding="utf-8")


def trust_file() -> Path:
    """Return the user's own list of what they confirmed."""
    given = os.environ.get("XDG_CONFIG_HOME", "")
    home = Path(given) if given.startswith("/") else Path("~/.config").expanduser()
    return home / "prunefront" / "trusted.json"


def _read(path: Path) -> dict[str, list[str]]:
    try:
        about = path.stat()
        found = read_json(path)
    except (OSError, ValueError):
        return {}
    # a list that others may write confirms nothing
    own = about.st_uid == os.geteuid() and not stat.S_IMODE(about.st_mode) & 0o022
    return found if own and isinstance(found, dict) else {}


def digest_of(value: object) -> str:
    """Return the SHA-256 of plain data."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
