"""Connecting to a cluster: one line says why it lets nobody in, whatever Ray raises and its C++ part writes."""

from __future__ import annotations

import os
import re
import sys

import pytest

from sweeps.engine.connecting import NO_NODE, head_of_this_node, require_local_node, said_in_a_line
from sweeps.engine.quiet import silence


def refused(capfd: pytest.CaptureFixture[str], reason: str, native: str = "") -> str:
    """Return the line for what Ray 2.60 raises: an error that says nothing, from the one that says why."""
    with pytest.raises(ConnectionError) as raised, said_in_a_line("head:6379"):
        os.write(2, native.encode())
        try:
            raise RuntimeError(reason)
        except RuntimeError as error:
            raise ConnectionError("Failed to connect to Ray cluster at 10.0.0.1:6379") from error
    sys.stderr.write("after\n")
    assert capfd.readouterr().err == "after\n", "what C++ wrote stands in the line, and the terminal is the terminal again"
    assert "\n" not in str(raised.value)
    return str(raised.value).removeprefix("Ray at head:6379 lets nobody in: ")


def test_another_version_is_told_by_both_versions(capfd: pytest.CaptureFixture[str]) -> None:
    from ray._private.utils import check_version_info

    with pytest.raises(RuntimeError) as raised:  # as Ray itself words it
        check_version_info({"ray_version": "2.51.0", "python_version": "3.12.1"}, "node 10.0.0.2")
    line = refused(capfd, str(raised.value))
    here = ".".join(map(str, sys.version_info[:3]))
    assert line.startswith("it is Ray 2.51.0 with Python 3.12.1 there, and Ray ")
    assert line.endswith(f" with Python {here} here; install the same ones on every machine")


@pytest.mark.parametrize(
    ("reason", "native", "said"),
    [
        ("No node info found matching attributes: '' when trying to resolve node to connect to.", "", NO_NODE),
        ("", "W 1 gcs_client.cc:210: Unauthenticated: InvalidAuthToken\n", "the token is missing here, or it is an"),
        ("", "gcs_client.cc:210: TimedOut: Timed out while waiting for GCS to become\n", "something listens there"),
        ("RAY_AUTH_TOKEN_PATH cannot be opened: /x. Ensure that", "", "RAY_AUTH_TOKEN_PATH cannot be opened: /x; set"),
        ("out of luck. More advice", "", "out of luck"),
        ("", "", "RuntimeError"),
    ],
)
def test_a_refusal_is_one_line(capfd: pytest.CaptureFixture[str], reason: str, native: str, said: str) -> None:
    assert refused(capfd, reason, native).startswith(said)


def test_who_lacks_the_token_is_told_the_variables_that_ray_reads(capfd: pytest.CaptureFixture[str]) -> None:
    line = refused(capfd, "", "Unauthenticated: InvalidAuthToken\n")
    assert re.findall(r"RAY_AUTH_\w+", line) == ["RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"]


def test_a_machine_that_is_no_node_is_told_so_before_ray_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    silence()
    from ray._private import services

    monkeypatch.setattr(services, "find_node_ids", set)
    with pytest.raises(ConnectionError, match="^--address head:6379: this machine is no node of that cluster"):
        require_local_node("head:6379", seconds=0.0)


@pytest.mark.parametrize(
    ("last", "running", "said"),
    [
        ("10.0.0.1:6379", ["10.0.0.2:6379"], "10.0.0.1:6379"),
        (None, ["127.0.0.1:4711", "10.0.0.2:6379"], "10.0.0.2:6379"),  # started with a --temp-dir; and a sweep's own Ray
        (None, ["10.0.0.2:6379", "10.0.0.3:6379"], "name one of 10.0.0.2:6379, 10.0.0.3:6379"),
        (None, ["127.0.0.1:4711"], NO_NODE),
    ],
)
def test_auto_is_the_cluster_of_this_machine(
    monkeypatch: pytest.MonkeyPatch, last: str | None, running: list[str], said: str
) -> None:
    silence()
    from ray._private import services

    monkeypatch.setattr(services, "find_bootstrap_address", lambda folder: last)
    monkeypatch.setattr(services, "find_gcs_addresses", lambda: frozenset(running))
    try:
        assert head_of_this_node() == said
    except ConnectionError as error:
        assert str(error).startswith("--address auto: ") and str(error).endswith(said)
