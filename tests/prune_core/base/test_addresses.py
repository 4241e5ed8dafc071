"""No password of an address is shown, whatever it is made of."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from prune_core.base.addresses import has_credentials, masked, masked_plain, shown, speaks_of_credentials

SECRET = "hunter2"
NASTY = st.text(st.sampled_from("@:/?#&=;%+'\"\\$ ~!*()[]{}<>|^`,.-_aZ0\u00e9\u202e\n\t"), max_size=8)
"""Around the secret: what separates the parts of addresses, quotes, blanks, and letters."""
SCHEMES = st.sampled_from(
    ["http", "https", "postgresql", "postgresql+psycopg", "mysql+pymysql", "s3", "gs", "databricks", "HTTPS"]
)


@given(
    SCHEMES,
    NASTY,
    NASTY,
    st.sampled_from(["me:", ":", "", "m@e:", "a b:"]),
    st.sampled_from(["", "/db", ":5000/a/b", "/x?y=1"]),
)
@example("postgresql", "p@ss", "", "me:", "/db")
@example("https", "", "", "", "/mlflow")
@example("https", "to/", "ken", "", "")
def test_who_logs_in_is_never_shown(scheme: str, before: str, after: str, user: str, tail: str) -> None:
    address = f"{scheme}://{user}{before}{SECRET}{after}@mlflow.lan{tail}"
    assert SECRET not in shown(address) or (not user and scheme in ("s3", "gs"))  # there it is a bucket
    if user:
        assert has_credentials(address)
        assert SECRET not in masked(f"MLflow at {address!r} says no: {before}{SECRET}{after}; {address}", address)


@given(
    SCHEMES,
    NASTY,
    NASTY,
    st.sampled_from(["password", "PASSWORD", "pass%77ord", "sslpassword", "token", "X-Amz-Signature", "pwd"]),
)
def test_what_is_secret_in_a_query_is_never_shown(scheme: str, before: str, after: str, key: str) -> None:
    address = f"{scheme}://db.lan/optuna?sslmode=require&{key}={before}{SECRET}{after}&x=1"
    assert SECRET not in shown(address)
    assert SECRET not in masked(f"cannot connect to {address}", address)
    assert has_credentials(address)


@given(SCHEMES, st.text(st.characters(exclude_categories=["Z", "C"]), max_size=8))
def test_also_where_nobody_knows_that_there_is_an_address(scheme: str, around: str) -> None:
    text = (
        f"Traceback: ('{scheme}://me:{around}{SECRET}{around}@host/x', 'nothing') and {scheme}://h/?token={around}{SECRET}"
    )
    assert SECRET not in masked(text)
    assert masked(masked(text)) == masked(text)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql+psycopg://me:secret@db.lan:5432/optuna", "postgresql+psycopg://***@db.lan:5432/optuna"),
        ("postgresql://me:p@ss/w?rd@db.lan/optuna", "postgresql://***"),
        ("postgresql://me:p@ss/word@db.lan/optuna", "postgresql://***@db.lan/optuna"),
        ("https://TOKEN@mlflow.lan/x?y=1", "https://***@mlflow.lan/x?y=1"),
        ("https://mlflow.lan/x?y=1&api_key=2&z=3", "https://mlflow.lan/x?y=1&api_key=***"),
        ("user:pass@host", "***@host"),
    ],
)
def test_the_rest_can_still_be_read(address: str, expected: str) -> None:
    assert shown(address) == expected
    assert has_credentials(address)


@pytest.mark.parametrize(
    "address",
    [
        "sqlite:////home/me@corp.lan/runs/mlflow.db",
        "file:///home/me@corp.lan/archive",
        "http://127.0.0.1:5000",
        "https://mlflow.lan:5000/path?a=b#c",
        "s3://bucket/prefix?endpoint_override=minio.lan:9000&scheme=http&region=us-east-1",
        "s3://bucket/pre@fix",
        "gs://bucket/prefix",
        "databricks://profile",
        "databricks",
        "/home/me@corp.lan/x",
    ],
)
def test_what_is_no_secret_stays(address: str) -> None:
    assert shown(address) == address
    assert masked(f"at {address!r}: no", address) == f"at {address!r}: no"
    assert not has_credentials(address)


def test_a_database_user_alone_is_no_secret_and_is_not_shown_either() -> None:
    assert not has_credentials("postgresql+psycopg://user@db.lan/optuna")
    assert shown("postgresql://user@db.lan/optuna") == "postgresql://***@db.lan/optuna"
    assert has_credentials("http://user@mlflow.lan")
    assert not has_credentials("gs://anonymous@bucket/x")
    assert has_credentials("gs://anonymous@x:y@bucket/x")


def test_plain_data_and_texts() -> None:
    address = "https://me:hunter2@h/"
    plain = {"tracking": {"mlflow": address, "n": 1, "none": None}, "list": [address, 2.5], address: True}
    said = "https://***@h/"
    assert masked_plain(plain) == {"tracking": {"mlflow": said, "n": 1, "none": None}, "list": [said, 2.5], said: True}
    assert speaks_of_credentials(f"see {address}.")
    assert not speaks_of_credentials("see https://example.org/ or mail me@example.org")
