"""Nothing leaves the machine: a whole sweep in a network of its own, whose only way out counts every packet."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SCRIPT = """
set -e
ip link set lo up
ip link add out type veth peer name sink
echo 1 >/proc/sys/net/ipv6/conf/out/disable_ipv6
echo 1 >/proc/sys/net/ipv6/conf/sink/disable_ipv6
ip link set out arp off
ip link set sink up
ip addr add 192.0.2.2/24 dev out
ip link set out up
ip route add default dev out
sent() { awk '$1 == "out:" {print $11}' /proc/net/dev; }
before=$(sent)
"$@" >log 2>&1 || { cat log; exit 1; }
during=$(sent)
# the counter counts: one packet to an address outside must show
"$0" -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("198.51.100.1", 9))'
echo "packets $((during - before)) $(( $(sent) - during ))"
"""


def test_a_whole_sweep_sends_no_packet(tmp_path: Path) -> None:
    unshare, ip = shutil.which("unshare"), shutil.which("ip", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if unshare is None or ip is None:
        pytest.skip("needs unshare and ip to make a network of its own")
    if subprocess.run([unshare, "--net", "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("may not make a network of its own here")
    command = [sys.executable, "-m", "dashboards", "run", "smoke", "--out", str(tmp_path / "smoke"), "--set", "seeds=[0]"]
    # the network card is a pair of virtual ones inside the namespace: nothing that this test sends reaches a real one
    ran = subprocess.run(
        [unshare, "--net", "bash", "-c", SCRIPT, sys.executable, *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    swept, probe = ran.stdout.split("packets ")[1].split()
    assert int(probe) == 1, "the counter does not count"
    assert int(swept) == 0, f"{swept} packets left for somewhere else"
