"""Where MLflow shows the runs of a study: the server that the study names, else the one that the README starts."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from dashboards.reading.study_folder import StudyFolder

LOCAL = "http://127.0.0.1:5000"
"""Where ``mlflow server`` of the README answers, on this machine only."""


def run_pages(study: StudyFolder) -> str:
    """Return what the address of a run's page begins with; its id follows. Empty where it would hold a password."""
    tracking = study.plain.get("tracking")
    named = str(tracking.get("mlflow") or "") if isinstance(tracking, Mapping) else ""
    base = named if named.startswith(("http://", "https://")) else LOCAL
    return "" if "@" in urlsplit(base).netloc or "***" in base else f"{base.rstrip('/')}/#/runs/"
