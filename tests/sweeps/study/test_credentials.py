"""Credentials in a study file are refused before anything shows them, with the variables where they belong."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from prune_core.base.errors import BadInput
from sweeps.study.credentials import refuse_credentials
from sweeps.study.model import load_study

SECRET = "hunter2"
HOLDING = [
    f"https://me:{SECRET}@mlflow.lan",
    f"https://{SECRET}@mlflow.lan",
    f"http://me:p@{SECRET}/x?y@mlflow.lan:5000/a",
    f"http://me:{SECRET} with blanks@mlflow.lan",
    f"postgresql+psycopg://me:{SECRET}@db.lan/optuna",
    f"postgresql://db.lan/optuna?sslmode=require&password={SECRET}",
    f"postgresql://db.lan/optuna?user=me&PASS%57ORD={SECRET}",
    f"s3://key:{SECRET}/+@bucket/prefix",
]
KEYS = {
    "tracking.mlflow": "MLFLOW_TRACKING_PASSWORD",
    "tracking.optuna": "PGPASSWORD",
    "storage": "AWS_SECRET_ACCESS_KEY",
    "title": "environment",
    "tracking.tags.where": "environment",
    "data.options.source": "environment",
    "no.such.key": "environment",
}


@pytest.mark.parametrize("address", HOLDING)
@pytest.mark.parametrize(("key", "remedy"), KEYS.items())
def test_they_are_refused_with_the_remedy_and_not_shown(key: str, remedy: str, address: str) -> None:
    with pytest.raises(BadInput) as raised:
        load_study("smoke", [f"{key}={yaml.safe_dump(address, default_flow_style=True, width=999).splitlines()[0]}"])
    said = str(raised.value)
    assert f"{key}: an address with credentials" in said and remedy in said
    assert SECRET not in said and "\n" not in said


def test_in_the_file_in_a_list_and_in_a_key_too(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"tracking:\n  mlflow: https://me:{SECRET}@h\n", encoding="utf-8")
    with pytest.raises(BadInput, match="^mine.yaml: tracking.mlflow: an address with credentials") as raised:
        load_study(path)
    assert SECRET not in str(raised.value)
    for plain in ({"a": [1, {"b": HOLDING[0]}]}, {HOLDING[0]: 1}, HOLDING[0], {"tracking": HOLDING[1]}):
        with pytest.raises(BadInput) as raised:
            refuse_credentials(plain)
        assert SECRET not in str(raised.value)


@pytest.mark.parametrize("text", [f"tracking.mlflow {HOLDING[3]}", f"seeds.0.x={HOLDING[3]}", f"seeds.first={HOLDING[0]}"])
def test_an_override_that_goes_nowhere_does_not_show_them(text: str) -> None:
    with pytest.raises(BadInput, match="--set") as raised:
        load_study("smoke", [text])
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("key", "address"),
    [
        ("tracking.mlflow", "http://mlflow.lan:5000"),
        ("tracking.mlflow", "sqlite:////home/me@corp.lan/mlflow.db"),
        ("tracking.optuna", "postgresql+psycopg://user@db.lan/optuna"),
        ("storage", "s3://bucket/pre@fix?endpoint_override=minio.lan:9000&scheme=http"),
        ("title", "see https://example.org or ask me@example.org"),
    ],
)
def test_addresses_alone_are_taken(key: str, address: str) -> None:
    study = load_study("smoke", [f"{key}='{address}'"])
    section, _, name = key.rpartition(".")
    assert getattr(study.tracking if section else study, name) == address
