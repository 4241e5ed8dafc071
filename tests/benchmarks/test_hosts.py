"""Hosts of their own on one machine: what befalls their network, and that nothing of them stays."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.hosts import Hosts, unable

UNABLE = unable()
pytestmark = [
    pytest.mark.hosts,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(UNABLE), reason=UNABLE or "hosts can be made here"),
]


def test_everything_is_gone_after_a_kill(tmp_path: Path) -> None:
    script = "import sys, time\nfrom benchmarks.hosts import Hosts\n"
    script += "with Hosts(['here', 'there']) as hosts:\n    import subprocess\n"
    script += "    subprocess.Popen(hosts.command('there', ['sleep', '31415']), start_new_session=True)\n"
    script += "    print(hosts.folder, flush=True)\n    time.sleep(600)\n"
    root = Path(__file__).parents[2]
    maker = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=root)
    assert maker.stdout is not None
    folder = Path(maker.stdout.readline().strip())
    asleep = ["pgrep", "--full", "^sleep 31415$"]
    end = time.monotonic() + 60
    while subprocess.run(asleep, stdout=subprocess.DEVNULL).returncode != 0:
        assert time.monotonic() < end
        time.sleep(0.05)
    maker.kill()
    maker.wait()
    while subprocess.run(asleep, stdout=subprocess.DEVNULL).returncode == 0:
        assert time.monotonic() < end, "processes on a host outlive the maker of the host"
        time.sleep(0.05)
    os.utime(folder, (0, 0))  # as old as one that is surely left
    with Hosts(["next"]):
        assert not folder.exists()
    assert str(folder) not in Path("/proc/mounts").read_text()


def test_cables_lose_packets_are_cut_and_heal() -> None:
    listen = (
        "import socket; s = socket.create_server(('', 5000)); print('up', flush=True)\nwhile 1: s.accept()[0].send(b'hello')"
    )
    ask = "import socket; s = socket.create_connection(('there', 5000), timeout=2); assert s.recv(9) == b'hello'"
    with Hosts(["here", "there"]) as hosts:
        server = subprocess.Popen(hosts.command("there", [sys.executable, "-c", listen]), stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        assert server.stdout.readline() == "up\n"

        def answers() -> bool:
            asked = hosts.command("here", [sys.executable, "-c", ask])
            return subprocess.run(asked, stderr=subprocess.DEVNULL).returncode == 0

        assert answers()
        for harm in (lambda: hosts.cut("there"), lambda: hosts.lose_packets("there", 99)):
            harm()
            assert not answers()
            hosts.mend("there")
            assert answers()
        seen = subprocess.run(hosts.command("here", ["ip", "route"]), capture_output=True, text=True).stdout
        assert "default" not in seen, "no way leads out"
