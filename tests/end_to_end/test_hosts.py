"""A Ray cluster on hosts with addresses of their own, tokens on, its head known by name only; and what befalls a network."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.chaos_hosts import HEAD, PORT, WORKERS, SeveralHosts
from benchmarks.chaos_sweep import named
from benchmarks.hosts import Hosts, lacks_netem, unable
from tests.end_to_end.running import comparable, finished, wait_for

UNABLE = unable()
pytestmark = [
    pytest.mark.hosts,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(UNABLE), reason=UNABLE or "hosts can be made here"),
]
DONE_SECONDS = 600.0


@pytest.fixture
def place(tmp_path: Path) -> Iterator[SeveralHosts]:
    with SeveralHosts(tmp_path / "place") as there:
        yield there


def begin(place: SeveralHosts, out: Path) -> subprocess.Popen[str]:
    """Start the driver beside the head."""
    environment = {**os.environ, **place.environment()}
    with (place.folder / "log").open("w") as log:
        command = place.command("smoke", out)
        return subprocess.Popen(command, stdout=log, stderr=log, text=True, start_new_session=True, env=environment)


def training(place: SeveralHosts, host: str) -> bool:
    return any(named(each, "ray::Implicit") for each in place.hosts.processes(host))


def test_lost_packets_and_a_narrow_link_change_no_record(place: SeveralHosts, undisturbed: Path) -> None:
    first, second = WORKERS
    place.hosts.lose_packets(first, 10)
    place.hosts.narrow(second, "2mbit")
    out = place.folder / "runs" / "smoke"
    process = begin(place, out)
    assert place.options() == ["--address", f"{HEAD}:{PORT}"]
    wait_for(lambda: training(place, first) and training(place, second), process, DONE_SECONDS)
    assert process.wait(timeout=DONE_SECONDS) == 0, (place.folder / "log").read_text()
    pd.testing.assert_frame_equal(comparable(out), comparable(undisturbed))


def test_a_node_cut_off_for_half_a_minute_and_one_that_never_comes_back_change_no_record(
    place: SeveralHosts, undisturbed: Path
) -> None:
    first, second = WORKERS
    out = place.folder / "runs" / "smoke"
    process = begin(place, out)
    wait_for(lambda: training(place, first) and training(place, second) and bool(finished(out)), process, DONE_SECONDS)
    place.hosts.cut(first)
    cut = time.monotonic()
    place.hosts.power_off(second)  # for good: nothing starts it again
    wait_for(lambda: time.monotonic() - cut > 30.0, process)  # nobody is left to finish the study
    place.hosts.mend(first)

    def back() -> bool:  # what a site's own supervision does where Ray gave the node up
        place.gone.add(second)
        place.mend()
        return process.poll() is not None

    end = time.monotonic() + DONE_SECONDS
    while not back():
        assert time.monotonic() < end, (place.folder / "log").read_text()
        time.sleep(1.0)
    assert process.returncode == 0, (place.folder / "log").read_text()
    pd.testing.assert_frame_equal(comparable(out), comparable(undisturbed))


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


@pytest.mark.skipif(
    lacks_netem() if not UNABLE else True, reason="this kernel has no netem (lost packets: nftables does it)"
)
def test_packets_that_come_late_and_twice_change_no_record(place: SeveralHosts, undisturbed: Path) -> None:
    delay = "tc qdisc add dev eth0 root netem delay 40ms 20ms duplicate 2% reorder 10%"
    for name in WORKERS:
        subprocess.run(place.hosts.command(name, ["sh", "-c", delay]), check=True)
    out = place.folder / "runs" / "smoke"
    process = begin(place, out)
    assert process.wait(timeout=DONE_SECONDS) == 0, (place.folder / "log").read_text()
    pd.testing.assert_frame_equal(comparable(out), comparable(undisturbed))
