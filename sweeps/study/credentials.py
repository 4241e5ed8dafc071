"""No credentials in a study file: it is copied into the output folder, into MLflow and into every report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from prune_core.base.addresses import has_credentials, masked, speaks_of_credentials
from prune_core.base.errors import BadInput

_BEGINNING = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://")
_POSTGRES = "for PostgreSQL PGPASSWORD in the environment, or ~/.pgpass"
REMEDIES = {
    "tracking.mlflow": "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN in the environment, "
    f"{_POSTGRES}, or the whole address as MLFLOW_TRACKING_URI instead of this key",
    "tracking.optuna": _POSTGRES,
    "storage": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, GOOGLE_APPLICATION_CREDENTIALS in the environment",
}
"""Keys whose whole value is an address, and where its credentials belong."""


def refuse_credentials(plain: Any) -> None:
    """Look through a study's plain data before anything else does, so that no other message shows what must not be shown.

    Raises:
        BadInput: an address with a password, a token or the like; the line names the key and where such things belong.
    """
    for path, text in _texts(plain, ""):
        remedy = REMEDIES.get(path)
        whole = remedy is not None or _BEGINNING.match(text)
        if (whole and has_credentials(text)) or speaks_of_credentials(text) or speaks_of_credentials(path):
            allowed = remedy or "credentials in the environment"
            raise BadInput(
                f"{masked(path)}: an address with credentials has no place in a study file, which is copied into reports "
                f"(allowed: the address alone, an @ that belongs to it written %40; {allowed})"
            )


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield every text with the path of its key; a key is looked at as part of its path."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for place, each in enumerate(value):
            yield from _texts(each, f"{path}.{place}" if path else str(place))
    else:
        yield path, value if isinstance(value, str) else ""
