"""Where a study's runs are kept, and how MLflow behaves there: quiet, short of patience, sending nothing to its makers."""

from __future__ import annotations

import getpass
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import unquote, urlsplit

from prune_core.base.addresses import masked, shown
from prune_core.base.errors import BadInput
from sweeps.folder.paths import MLFLOW_DATABASE
from sweeps.tracking.about import NOTHING, About

VARIABLE = "MLFLOW_TRACKING_URI"
_CAUSES = (
    (r"Connection refused", "connection refused"),
    (r"Name or service not known|Failed to resolve|name resolution", "its name cannot be resolved"),
    (r"[Rr]ead timeout=([\d.]+)|[Tt]imed out\. \(connect timeout=([\d.]+)", r"no answer within \1\2 s"),
    (r"too many (\d{3}) error responses|error code (\d{3}) != 200", r"it answers \1\2"),
    (r"Connection aborted|RemoteDisconnected|Connection reset", "the connection breaks off"),
)
"""What is looked for in an error's text, and what the user is told."""
_SECRETS = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
"""Variables whose addresses may hold credentials."""


@dataclass(frozen=True)
class Place:
    """Where a study's runs are kept.

    Attributes:
        uri: MLflow's tracking URI.
        experiment: the experiment's name.
        artifacts: folder of the artifacts of a new experiment; None leaves it to the server.
        study_name: the parent run's name.
        study_uid: identifies the parent run, whatever it is called.
        tags: the study's own tags, copied to every child since MLflow's filters do not look at parents.
        also: columns logged at every budget besides the fixed ones (the study's objectives).
        commit: of the code, where it is known.
        about: the study, for its parent run.
    """

    uri: str
    experiment: str
    artifacts: Path | None
    study_name: str
    study_uid: str
    tags: Mapping[str, str]
    also: tuple[str, ...] = ()
    commit: str | None = None
    about: About = NOTHING

    def filtered_tags(self) -> dict[str, str]:
        """Return what the study says of itself and people filter by: a run with other ones is told anew."""
        return {**{name: str(value) for name, value in self.tags.items()}, "prunefront.study": self.study_name}

    def common_tags(self) -> dict[str, str]:
        """Return the tags that the parent and every child carry."""
        return {
            **self.filtered_tags(),
            "prunefront.study_uid": self.study_uid,
            "mlflow.user": _user(),
            "mlflow.source.name": "prunefront",
            "mlflow.source.type": "LOCAL",
            **({"mlflow.source.git.commit": self.commit} if self.commit else {}),
        }


_SERVICES = ("databricks", "databricks-uc", "uc")
_STORES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", *_SERVICES)


def checked_uri(of_study: str | None) -> str | None:
    """Return the tracking URI of the study file, else of MLflow's own variable; None where neither names one.

    Raises:
        BadInput: it names a plain folder, or a kind of store that MLflow does not know here; the key or the variable is
            said, and the remedy.
    """
    given = of_study or os.environ.get(VARIABLE)
    scheme = (given or "").partition(":")[0].lower()
    if not given or scheme in _SERVICES:
        return given or None
    if "://" in given and scheme != "file":
        # behind a "+" stands the driver of a database; packages may bring stores of their own to MLflow
        if scheme.partition("+")[0] not in _STORES and scheme not in entry_points(group="mlflow.tracking_store").names:
            raise BadInput(
                f"{'tracking.mlflow of the study' if of_study else f'the environment variable {VARIABLE}'} is "
                f"{shown(given)!r}: MLflow knows no {scheme}:// (allowed: sqlite:///FILE, postgresql://..., mysql://..., "
                "mssql://..., http(s)://...)"
            )
        return given
    where, remedy = "tracking.mlflow of the study", "leave the key out"
    if not of_study:
        where, remedy = f"the environment variable {VARIABLE}", f"`unset {VARIABLE}`"
    raise BadInput(
        f"{where} is {shown(given)!r}: a plain folder, which MLflow no longer takes (allowed are sqlite:///FILE, "
        f"postgresql://..., mysql://..., http(s)://...; or {remedy}: the runs then lie in mlflow.db of the output folder)"
    )


def check_artifacts(location: str, own: Path) -> None:
    """Check that a folder's own database keeps artifacts in that folder: somebody may have sent both.

    Args:
        location: of an experiment's or a run's artifacts, as the database says.
        own: the folder of the artifacts, in the output folder.

    Raises:
        ForeignPlace: it is elsewhere.
    """
    parts = urlsplit(location)
    path = Path(unquote(parts.path) if parts.scheme == "file" else location)
    inside = (parts.scheme, parts.netloc) in (("file", ""), ("", "")) and path.is_absolute()
    if not inside or not path.resolve().is_relative_to(own.resolve().parent):
        raise ForeignPlace(
            f"its {MLFLOW_DATABASE} keeps artifacts at {shown(location)}, outside of this folder, where nothing is written "
            f"unasked (allowed: another run, which brings a moved folder in line; {VARIABLE}; --set tracking.mlflow=X)"
        )


class ForeignPlace(Exception):
    """A database in an output folder names a place outside of it."""


def quieten_mlflow() -> None:
    """Switch off MLflow's telemetry and shorten its waits; must come before the first ``import mlflow``.

    What the user set for the waits is respected. The telemetry is off whatever they set.
    """
    os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", MLFLOW_DISABLE_AGENT_HINT="true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
    quieten_loggers()


def quieten_loggers() -> None:
    """Keep the creation of MLflow's tables off the terminal, and its tracebacks: `Tracker.problem` says it in a line."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    # of a statement that failed, as one does when a registered model is there already: its error says so, and is handled
    logging.getLogger("psycopg").setLevel(logging.ERROR)


def short_reason(error: Exception, most: int = 200) -> str:
    """Return on one line why MLflow cannot be spoken to; what its HTTP client says is long and names the cause last."""
    text = " ".join(masked(str(error), *map(os.environ.get, _SECRETS)).split()) or type(error).__name__
    for sign, cause in _CAUSES:
        found = re.search(sign, text)
        if found:
            return found.expand(cause)
    most = most if not isinstance(error, ForeignPlace) else max(most, len(text))
    return text if len(text) <= most else text[: most - 3] + "..."


@cache
def _user() -> str:
    """Return who runs this; containers may know no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"
