"""A tracking URI that MLflow no longer takes is refused with the name of what says it, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from prune_core.base.errors import BadInput
from sweeps.tracking.place import checked_uri
from sweeps.tracking.tracker import Tracker

FOLDERS = [
    "mlruns",
    "./mlruns",
    "/data/mlruns",
    "file:mlruns",
    "file:./mlruns",
    "file:///data/mlruns",
    "FILE:///data/mlruns",
]


@pytest.mark.parametrize("uri", FOLDERS)
def test_the_variable_or_the_key_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(BadInput) as caught:
        Tracker("mine", tmp_path, None, None, {})
    said = str(caught.value)
    assert "environment variable MLFLOW_TRACKING_URI" in said and repr(uri) in said and "`unset MLFLOW_TRACKING_URI`" in said
    assert "sqlite:///FILE" in said and "\n" not in said
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://fine")
    with pytest.raises(BadInput, match="tracking.mlflow of the study") as caught:
        Tracker("mine", tmp_path, uri, None, {})
    assert "MLFLOW_TRACKING_URI" not in str(caught.value)


@pytest.mark.parametrize(
    "uri", ["http://h:5000", "https://h", "sqlite:///x.db", "postgresql+psycopg://u:p@h/d", "databricks", "databricks://p"]
)
def test_what_mlflow_takes(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert checked_uri(None) == uri
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    assert checked_uri(None) is None
