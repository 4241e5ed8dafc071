"""Slurm as Debian has it, on hosts of one machine: a controller, where jobs are sent from, and nodes.

Each node is one of `benchmarks.hosts` and declares more processors than there are, and GPUs that it
does not have. Processes are told apart by the system's own list of them (``proctrack/linuxproc``).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.hosts import Hosts, unable

CONTROLLER = "login"
PROCESSORS = 16
"""What each node declares, as much as the shipped script asks for."""
REQUEUE_SECONDS = 15
"""Slurm begins a job that it has put back into its queue only when the credentials of the first run have expired."""
TOOLS = ("munged", "slurmctld", "slurmd", "sbatch")
_CONFIGURATION = """
ClusterName=prunefront
SlurmctldHost={controller}({address})
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire={requeue}
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
GresTypes=gpu
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
SchedulerParameters=batch_sched_delay=1,sched_min_interval=1000000,bf_interval=2
ReturnToService=2
SlurmdTimeout=30
KillWait=20
MessageTimeout=60
JobCompType=jobcomp/none
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def no_slurm() -> str:
    """Return why Slurm cannot be started here, or an empty line."""
    missing = [tool for tool in TOOLS if shutil.which(tool, path=_PATH) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (Debian: slurmctld slurmd slurm-client munge)"
    return unable()


class Slurm:
    """A cluster; `hosts` are the machines, with a folder that all see."""

    def __init__(self, nodes: Sequence[str] = ("node1", "node2"), gpus: int = 2, seen: Sequence[Path] = ()) -> None:
        self.nodes = list(nodes)
        self._gpus = gpus
        self.hosts = Hosts([CONTROLLER, *nodes], seen)
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self.hosts.__enter__()
        try:
            self._configure()
            self._daemon("munged", CONTROLLER, self._munged())
            self.until((self._folder / "munge" / "socket").exists, "munged")
            self.start_controller()
            for node in self.nodes:
                self.start_node(node)
            self.until(self._all_idle, "sinfo")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.hosts.__exit__(kind, error, trace)
        for process in self._daemons.values():
            process.wait()

    @property
    def shared(self) -> Path:
        """The folder that every host sees."""
        return self.hosts.shared

    def environment(self) -> dict[str, str]:
        """Return what Slurm's commands find in their environment."""
        return {**os.environ, "PATH": _PATH, "SLURM_CONF": str(self._folder / "slurm.conf")}

    def run(self, *words: str | Path, cwd: Path | None = None, **variables: str) -> str:
        """Run a command where jobs are sent from, and return what it prints.

        Raises:
            RuntimeError: it failed; with what it said.
        """
        return self.on(CONTROLLER, *words, cwd=cwd, **variables)

    def on(self, host: str, *words: str | Path, cwd: Path | None = None, **variables: str) -> str:
        """Run a command on a host, as `run` does where jobs are sent from."""
        command, environment = self.hosts.command(host, words), {**self.environment(), **variables}
        ran = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment)
        if ran.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, words))}: exit {ran.returncode}: {ran.stdout}{ran.stderr}")
        return ran.stdout

    def tell(self, job: str, key: str) -> str:
        """Return what Slurm says of a job under a key, such as ``JobState``; an empty line where it says nothing."""
        shown = self.run("scontrol", "show", "job", "--oneliner", job)
        return next((word.partition("=")[2] for word in shown.split() if word.startswith(f"{key}=")), "")

    def wait_for(self, job: str, *states: str, seconds: float = 600.0) -> str:
        """Wait until a job is in one of these states, and return which."""
        self.until(lambda: self.tell(job, "JobState") in states, f"job {job} to be {' or '.join(states)}", seconds)
        return self.tell(job, "JobState")

    def until(self, so: Callable[[], bool], what: str, seconds: float = 300.0) -> None:
        """Wait until something is so.

        Raises:
            TimeoutError: it was not, for so many seconds; with the last words of every daemon.
        """
        end = time.monotonic() + seconds
        while not so():
            if time.monotonic() > end:
                raise TimeoutError(f"waited {seconds:.0f} s for {what}\n{self.last_words()}")
            time.sleep(0.3)

    def start_controller(self) -> None:
        """Start the controller, again."""
        self._daemon("slurmctld", CONTROLLER, ["slurmctld", "-D"])

    def start_node(self, node: str) -> None:
        """Start a node's daemon, on a host that is up."""
        self._daemon(node, node, ["slurmd", "-D", "-N", node])

    def kill_daemon(self, name: str) -> None:
        """``kill -9`` of ``slurmctld``, or of the daemon of a node; what that has started goes on."""
        process = self._daemons.pop(name)
        process.kill()
        process.wait()

    def power_off(self, node: str) -> None:
        """``kill -9`` of a node with everything on it."""
        self.hosts.power_off(node)
        process = self._daemons.pop(node, None)
        if process is not None:
            process.wait()

    def power_on(self, node: str) -> None:
        """Start a node again."""
        self.hosts.start(node)
        self.start_node(node)

    @property
    def _folder(self) -> Path:
        return self.hosts.shared / "slurm"

    def _configure(self) -> None:
        for each in ("munge", "state", "spool"):
            (self._folder / each).mkdir(parents=True)
        key = self._folder / "munge" / "key"
        key.touch(0o400)
        key.chmod(0o600)
        key.write_bytes(os.urandom(128))
        nodes = [
            f"NodeName={node} NodeAddr={self.hosts.address(node)} CPUs={PROCESSORS} RealMemory=1000000 Gres=gpu:{self._gpus}"
            for node in self.nodes
        ]
        address = self.hosts.address(CONTROLLER)
        text = _CONFIGURATION.format(
            controller=CONTROLLER, address=address, folder=self._folder, requeue=REQUEUE_SECONDS, nodes="\n".join(nodes)
        )
        (self._folder / "slurm.conf").write_text(text)
        # files that are there on every machine, so that Slurm has something to hand out
        (self._folder / "gres.conf").write_text(f"AutoDetect=off\nName=gpu File=/dev/tty[0-{self._gpus - 1}]\n")

    def _munged(self) -> list[str]:
        place = self._folder / "munge"
        options = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        return ["munged", "--foreground", "--force", *(f"--{option}={place / name}" for option, name in options.items())]

    def _daemon(self, name: str, host: str, words: list[str]) -> None:
        with (self._folder / f"{name}.said").open("ab") as log:
            self._daemons[name] = subprocess.Popen(
                self.hosts.command(host, words), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment()
            )

    def _all_idle(self) -> bool:
        try:
            return self.run("sinfo", "--noheader", "--Node", "--format=%T").split() == ["idle"] * len(self.nodes)
        except RuntimeError:
            return False

    def last_words(self) -> str:
        """Return the last lines of every log."""
        logs = sorted([*self._folder.glob("*.log"), *self._folder.glob("*.said")])
        return "\n".join(f"{log.name}: {log.read_text(errors='replace')[-1500:]}" for log in logs)


_PATH = os.pathsep.join([str(Path(sys.executable).parent), "/usr/sbin", "/sbin", os.environ.get("PATH", os.defpath)])
