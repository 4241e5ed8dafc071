"""Several hosts on one machine: each with network, name, processes and temporary folder of its own, on one switch.

Linux namespaces, as root. Nothing of it is visible outside: the switch is a bridge in a namespace of its own, and no host
knows a way to anything but the others and itself. All of it, with every process on it, is gone when the process that made it
ends, however it ends; folders that a killed one left are removed by the next.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil

NET = "10.77.0"
TEMPORARY = Path("/tmp")  # noqa: S108  (what each host has one of its own of)
PREFIX = "pf-hosts-"
SECONDS = 60.0
"""What a host may take to be there; on an idle machine it takes a tenth of a second."""
ROOT = Path(__file__).resolve().parents[1]
_ENTER = [sys.executable, "-S", str(Path(__file__).with_name("hosts_enter.py"))]
_NAMESPACES = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--uts", "--mount", "--pid", "--fork"]
_NAMESPACES += ["--kill-child=KILL", "--mount-proc"]
# a login on a host, as Slurm makes one for a job, runs none of what the tester's own shells start with
# the first process of a host: what is to be seen under /tmp comes along, then /tmp is its own; it takes in orphans
_BOOT = """
hostname "$1"; own=$2; hosts=$3; shift 3
for each; do mkdir -p "$own$each" && mount --rbind "$each" "$own$each"; done
mount --bind "$hosts" /etc/hosts
for each in ~/.profile ~/.bash_profile ~/.bash_login ~/.bashrc; do [ ! -f "$each" ] || mount --bind /dev/null "$each"; done
mkdir -p "$own/tmp" && chmod 1777 "$own/tmp" && mount --rbind "$own/tmp" /tmp
ip link set lo up
echo up
trap : TERM INT
while :; do sleep 3600 & wait $!; done
"""


def unable() -> str:
    """Return why there can be no hosts on this machine, or an empty line."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "hosts of their own need root on Linux"
    missing = [tool for tool in ("ip", "tc", "nft", "unshare", "setpriv", "nsenter") if shutil.which(tool) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (Debian: iproute2 nftables util-linux)"
    bridge = ["sh", "-c", "ip link add switch0 type bridge && ip link add cable0 type veth peer name cable1"]
    tried = subprocess.run([*_NAMESPACES, *bridge], capture_output=True)
    return "" if tried.returncode == 0 else f"no namespaces with a bridge here: {tried.stderr.decode().strip()}"


def lacks_tbf() -> bool:
    """Return whether this kernel cannot hold traffic to a rate by ``tc tbf``; found by trying it."""
    script = "ip link set lo up && tc qdisc add dev lo root tbf rate 1mbit burst 16kb latency 200ms"
    return subprocess.run(["unshare", "--net", "sh", "-c", script], capture_output=True).returncode != 0


class Hosts:
    """Hosts by name; the first has the address 10.77.0.1 and so on, and every one knows the others by name."""

    def __init__(self, names: Sequence[str], seen: Sequence[Path] = ()) -> None:
        """Name the hosts, and folders below the temporary one that all of them are to see at the same path."""
        self.names = list(names)
        self._seen = list(seen)
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._first: dict[str, int] = {}

    def __enter__(self) -> Self:
        remove_left()
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=TEMPORARY))
        self._held = hold(self.folder)
        self.shared = self.folder / "shared"
        """A folder that every host sees at the same path."""
        self.shared.mkdir()
        lines = [f"{self.address(name)} {name}" for name in self.names]
        (self.folder / "hosts").write_text("\n".join(["127.0.0.1 localhost", *lines, ""]))
        try:
            self._boot("", [])  # the switch
            self._in("", "ip link add switch0 type bridge && ip link set switch0 up")
            for name in self.names:
                self.start(name)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for name in [*self._running]:
            self.power_off(name)
        shutil.rmtree(self.folder, ignore_errors=True)
        self._held.close()

    def address(self, name: str) -> str:
        """Return the address of a host."""
        return f"{NET}.{self.names.index(name) + 1}"

    def is_up(self, name: str) -> bool:
        """Return whether a host runs."""
        return name in self._running

    def start(self, name: str) -> None:
        """Start a host, again with an empty temporary folder, and plug its cable in."""
        also = [each for each in (*self._seen, ROOT, Path(sys.prefix).resolve()) if each.is_relative_to(TEMPORARY)]
        self._boot(name, [self.shared, *also])
        port, host = self._port(name), self._first[name]
        card = f"02:00:00:00:00:{self.names.index(name) + 1:02x}"  # a host that comes back has the card that it had
        self._in("", f"ip link del {port} 2>/dev/null || true")
        self._in("", f"ip link add {port} type veth peer name eth0 netns {host} address {card}")
        self._in("", f"ip link set {port} master switch0 up")
        self._in(name, f"ip address add {self.address(name)}/24 dev eth0 && ip link set eth0 up")

    def power_off(self, name: str) -> None:
        """``kill -9`` of a host and of everything on it, as when its power fails."""
        process = self._running.pop(name)
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
        first = self._first.pop(name)
        end = time.monotonic() + SECONDS
        while Path(f"/proc/{first}/ns/net").exists() and time.monotonic() < end:
            time.sleep(0.02)

    def processes(self, name: str) -> list[psutil.Process]:
        """Return what was started on a host and goes on there."""
        try:
            return psutil.Process(self._first[name]).children(recursive=True) if name in self._first else []
        except psutil.NoSuchProcess:
            return []

    def command(self, name: str, words: Sequence[str | Path]) -> list[str]:
        """Return the command line that runs a command on a host."""
        return [*_ENTER, str(self._first[name]), *map(str, words)]

    def cut(self, name: str) -> None:
        """Pull a host's cable out, at the switch."""
        self._in("", f"ip link set {self._port(name)} down")

    def mend(self, name: str) -> None:
        """Plug the cable in again, whole: nothing is lost on it, nothing slowed down."""
        self._in("", f"ip link set {self._port(name)} up; tc qdisc del dev {self._port(name)} root 2>/dev/null || true")
        self._in(name, "tc qdisc del dev eth0 root 2>/dev/null || true")
        for table in ("loss", "narrow"):
            self._in(name, f"nft delete table inet {table} 2>/dev/null || true")

    def lose_packets(self, name: str, percent: int) -> None:
        """Lose so many of the packets that come to a host and leave it."""
        self._drop(name, "loss", f"numgen random mod 100 < {percent}")

    def narrow(self, name: str, kilobits: int, queue: bool = True) -> None:
        """Let so many kilobits a second through a host's cable, each way.

        Args:
            name: the host.
            kilobits: per second.
            queue: what is too much waits (``tc tbf``), and is lost only where it has waited for 200 ms; False loses it at
                once (nftables), for kernels that have no ``tbf``.
        """
        if queue:
            shape = f"root tbf rate {kilobits}kbit burst 16kb latency 200ms"
            self._in("", f"tc qdisc add dev {self._port(name)} {shape}")
            self._in(name, f"tc qdisc add dev eth0 {shape}")
        else:
            self._drop(name, "narrow", f"limit rate over {max(1, kilobits // 8)} kbytes/second burst 16 kbytes")

    def _drop(self, name: str, table: str, which: str) -> None:
        """Have nftables drop some of what comes to a host and leaves it."""
        chains = "".join(
            f"chain {way} {{ type filter hook {way} priority 0; {sort} eth0 {which} drop; }}; "
            for way, sort in (("input", "iifname"), ("output", "oifname"))
        )
        self._in(name, f"nft 'table inet {table} {{ {chains} }}'")

    def _port(self, name: str) -> str:
        return f"port{self.names.index(name) + 1}"

    def _boot(self, name: str, seen: list[Path]) -> None:
        own = self.folder / (name or "switch")
        shutil.rmtree(own, ignore_errors=True)
        own.mkdir()
        boot = ["bash", "-c", _BOOT, "boot", name or "switch", str(own), str(self.folder / "hosts"), *map(str, seen)]
        process = subprocess.Popen([*_NAMESPACES, *boot], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self._running[name] = process
        said: IO[str] | None = process.stdout
        if said is None or said.readline().strip() != "up":
            raise RuntimeError(f"no host {name}: unshare ended with {process.wait()}")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        self._first[name] = int(children.read_text().split()[0])

    def _in(self, name: str, script: str) -> None:
        ran = subprocess.run(
            ["nsenter", f"--net=/proc/{self._first[name]}/ns/net", "sh", "-c", script], capture_output=True, text=True
        )
        if ran.returncode != 0:
            raise RuntimeError(f"{name or 'switch'}: {script}: {ran.stderr.strip()}")


def hold(folder: Path) -> IO[str]:
    """Hold a folder as long as the file that is returned is open, at the latest until this process ends."""
    held = (folder / "held").open("w")
    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return held


def remove_left() -> None:
    """Remove the folders of hosts whose maker was killed: those that nobody holds any more."""
    for folder in TEMPORARY.glob(f"{PREFIX}*"):
        try:
            if time.time() - folder.stat().st_mtime < SECONDS:
                continue  # perhaps one that is just made and not held yet
            hold(folder).close()
        except OSError:
            continue
        shutil.rmtree(folder, ignore_errors=True)
