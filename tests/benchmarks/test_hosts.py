"""Hosts of their own on one machine: what befalls their network, and that nothing of them stays."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.hosts import Hosts, lacks_tbf, unable

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


LISTEN = """
import socket
s = socket.create_server(('', 5000))
print('up', flush=True)
while 1:
    line = s.accept()[0]
    line.sendall(bytes(int(line.recv(9))))
    line.close()
"""
ASK = """
import socket, sys
s = socket.create_connection(('there', 5000), timeout=5)
s.sendall(sys.argv[1].encode())
got = 0
while piece := s.recv(65536):
    got += len(piece)
assert got == int(sys.argv[1])
"""


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    """Two hosts, of which one sends as many bytes as it is asked for."""
    with Hosts(["here", "there"]) as both:
        server = subprocess.Popen(both.command("there", [sys.executable, "-c", LISTEN]), stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        assert server.stdout.readline() == "up\n"
        yield both


def answers(hosts: Hosts, size: int = 5) -> bool:
    asked = hosts.command("here", [sys.executable, "-c", ASK, str(size)])
    return subprocess.run(asked, stderr=subprocess.DEVNULL).returncode == 0


def test_cables_lose_packets_are_cut_and_heal(hosts: Hosts) -> None:
    assert answers(hosts)
    for harm in (lambda: hosts.cut("there"), lambda: hosts.lose_packets("there", 99)):
        harm()
        assert not answers(hosts)
        hosts.mend("there")
        assert answers(hosts)
    seen = subprocess.run(hosts.command("here", ["ip", "route"]), capture_output=True, text=True).stdout
    assert "default" not in seen, "no way leads out"


@pytest.mark.parametrize(
    "queue",
    [pytest.param(True, marks=pytest.mark.skipif(not UNABLE and lacks_tbf(), reason="no `tc tbf` in this kernel")), False],
)
def test_a_narrow_cable_holds_what_comes_to_its_rate(hosts: Hosts, queue: bool) -> None:
    """No clock of ours says how fast a loaded machine is, but nothing makes it faster than the cable."""
    size, kilobits = 150_000, 400
    hosts.narrow("there", kilobits, queue)
    begun = time.monotonic()
    assert answers(hosts, size)
    took = time.monotonic() - begun
    hosts.mend("there")
    assert took > 0.5 * 8 * size / (1000 * kilobits), "half, since the first burst passes at once"
    assert answers(hosts, size)
