from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prune_core.base.description import FORMAT
from prune_core.base.errors import BadInput
from sweeps.engine import cluster_check
from sweeps.engine.session import cluster_address
from sweeps.folder.lock import driving
from sweeps.study.model import Study, load_study

GOOD = {"missing": None, "format": FORMAT, "sees": True}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            {"missing": "ModuleNotFoundError: No module named 'sweeps'"},
            "node 10.0.0.2: cannot import .*'sweeps'.* every node",
        ),
        ({"format": FORMAT - 1}, "node 10.0.0.2: another version of prunefront"),
        ({"sees": False}, "--out .*: node 10.0.0.2 does not see this folder"),
    ],
)
def test_a_node_that_cannot_do_the_work_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], said: str
) -> None:
    def asked(out: Path, since: float, study: Study) -> dict[str, dict[str, Any]]:
        return {"10.0.0.1": GOOD, "10.0.0.2": {**GOOD, **answer}}

    monkeypatch.setattr(cluster_check, "_asked", asked)
    with driving(tmp_path), pytest.raises(BadInput, match=said):
        cluster_check.check_nodes(tmp_path, load_study("smoke"))


@pytest.mark.parametrize(
    ("given", "address"),
    [
        (None, None),
        ("local", None),
        ("auto", "auto"),
        ("10.0.0.1:6379", "10.0.0.1:6379"),
        ("[fe80::1]:6379", "[fe80::1]:6379"),
    ],
)
def test_where_the_sweep_runs(given: str | None, address: str | None) -> None:
    assert cluster_address(given) == address


@pytest.mark.parametrize(
    "given", ["ray://head:10001", "head", "head:", "head:ray", "head:0", "head:65536", ":6379", "http://head:8265"]
)
def test_an_address_of_rays_client_or_without_a_port_is_refused(given: str) -> None:
    with pytest.raises(BadInput, match=f"^--address {given}: allowed are HOST:PORT"):
        cluster_address(given)


def test_a_variable_that_is_not_set_does_not_mean_this_machine() -> None:
    with pytest.raises(BadInput, match="^--address '': allowed are HOST:PORT"):
        cluster_address("")
