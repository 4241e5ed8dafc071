"""Who may talk to our own Ray: whoever has its token, which is in no file, from this machine, by loopback."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sweeps.engine.access import LOOPBACK, close_token_file, on_loopback, token_of_its_own
from sweeps.engine.quiet import silence

pytestmark = pytest.mark.timeout(300)

SESSION = """
import json, os, stat, subprocess, sys
from pathlib import Path
import psutil
os.umask(0)
from sweeps.engine import session
from sweeps.engine.folder import RAYS, session_folder

NEIGHBOUR = '''
import sys
from ray._raylet import GcsClient
print("came in", len(GcsClient(address=sys.argv[1]).get_all_node_info(timeout=10)))
'''

seen = {"tokens": []}
def look():
    import ray
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    seen["listening"] = sorted({c.laddr.ip for p in family for c in p.net_connections(kind="inet") if c.status == "LISTEN"})
    seen["names"] = sorted({p.name() for p in family})
    token = os.environ["RAY_AUTH_TOKEN"]
    seen["tokens"].append(token)
    seen["mode"] = os.environ["RAY_AUTH_MODE"]
    seen["command lines"] = any(token in word for p in family for word in p.cmdline())
    places = [Path(os.environ["TMPDIR"]), Path.home()]
    files = [f for place in places for f in place.rglob("*") if f.is_file() and not f.is_symlink()]
    seen["files"] = [str(f) for f in files if token.encode() in f.read_bytes()]
    seen["modes"] = [oct(stat.S_IMODE(p.stat().st_mode)) for p in Path(os.environ["TMPDIR"]).iterdir()]
    sockets = list(Path(os.environ["TMPDIR"]).glob("*/*/*/sockets/*"))
    seen["sockets"] = max(len(str(s)) for s in sockets)
    ran = ray.get(ray.remote(lambda: os.getuid()).remote())
    seen["ours"] = ran == os.getuid()
    # the neighbour knows the port, and has a token of his own
    alone = {"PATH": os.environ["PATH"], "HOME": str(Path.home()), "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "f" * 64}
    command = [sys.executable, "-c", NEIGHBOUR, ray.get_runtime_context().gcs_address]
    if len(seen["tokens"]) > 1:
        return
    for who, with_token in (("neighbour", {}), ("owner", {"RAY_AUTH_TOKEN": token})):
        ran = subprocess.run(command, env={**alone, **with_token}, capture_output=True, text=True, timeout=120)
        seen[who] = ran.stdout + ran.stderr
    if os.geteuid() == 0:
        user = {"user": 65534, "group": 65534, "extra_groups": []}
        reads = [subprocess.run(["cat", f"/proc/{p.pid}/environ"], capture_output=True, **user) for p in family]
        seen["environments"] = [read.returncode for read in reads]

for _ in range(int(sys.argv[1])):
    with session.ray_session(address=None, cpus=1, gpus=None, environment={}):
        look()
seen["after"] = {k: v for k, v in os.environ.items() if k.startswith("RAY_AUTH")}
print(json.dumps(seen))
"""


@pytest.mark.slow
def test_our_ray_listens_on_loopback_and_its_token_is_in_no_file(tmp_path: Path) -> None:
    home, temporary = tmp_path / "home", Path(f"/tmp/t{os.getpid()}")
    home.mkdir()
    temporary.mkdir(mode=0o777)
    temporary.chmod(0o1777)
    given = {"HOME": str(home), "TMPDIR": str(temporary), "RAY_AUTH_MODE": "disabled", "RAY_AUTH_TOKEN": "a cluster's"}
    try:
        ran = subprocess.run(
            [sys.executable, "-c", SESSION, "2"], env={**os.environ, **given}, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        assert list(temporary.iterdir()) == []
    finally:
        temporary.rmdir()
    seen = json.loads(ran.stdout.splitlines()[-1])
    assert {"gcs_server", "raylet"} <= set(seen["names"])
    assert {each.removeprefix("::ffff:") for each in seen["listening"]} == {LOOPBACK}
    assert seen["mode"] == "token"
    assert len(set(seen["tokens"])) == 2, "each Ray has its own"
    assert all(len(token) == 64 for token in seen["tokens"])
    assert not seen["command lines"], "everybody reads those"
    assert seen["files"] == []
    assert not (home / ".ray" / "auth_token").exists()
    assert seen["modes"] == ["0o700"]
    assert seen["sockets"] <= 107
    assert seen["ours"]
    assert "came in 1" in seen["owner"]
    assert "came in" not in seen["neighbour"]
    assert "AuthenticationError" in seen["neighbour"] or "nauthenticated" in seen["neighbour"], seen["neighbour"]
    assert 0 not in seen.get("environments", [])
    assert seen["after"] == {"RAY_AUTH_MODE": "disabled", "RAY_AUTH_TOKEN": "a cluster's"}


def test_the_environment_is_as_before_also_after_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    silence()
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    with pytest.raises(RuntimeError), token_of_its_own():
        assert "RAY_AUTH_TOKEN_PATH" not in os.environ
        assert len(os.environ["RAY_AUTH_TOKEN"]) == 64
        raise RuntimeError
    assert "RAY_AUTH_TOKEN" not in os.environ
    assert os.environ["RAY_AUTH_TOKEN_PATH"] == str(tmp_path / "token")


def test_ray_mends_loopback_addresses_again_afterwards() -> None:
    from ray._private import services

    mend = services.resolve_ip_for_localhost
    with on_loopback() as options:
        assert services.resolve_ip_for_localhost(LOOPBACK) == LOOPBACK
        assert options["_node_ip_address"] == LOOPBACK
    assert services.resolve_ip_for_localhost is mend


def test_the_file_of_a_clusters_token_is_closed_and_nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    close_token_file()  # none there
    token = tmp_path / ".ray" / "auth_token"
    token.parent.mkdir()
    token.write_text("0" * 64)
    token.chmod(0o644)
    close_token_file()
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    other = tmp_path / "other"
    other.touch()
    other.chmod(0o644)
    token.unlink()
    token.symlink_to(other)
    close_token_file()
    assert stat.S_IMODE(other.stat().st_mode) == 0o644
