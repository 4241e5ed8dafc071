"""The Slurm script as a job of a real Slurm (Debian's daemons, two nodes), with stand-ins for ray and prunefront.

What is Slurm's is real here: how many tasks a step gets, signals, limits, queues, arrays. Real sweeps in such jobs are in
`tests/end_to_end/test_slurm.py`.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.slurm_cluster import PROCESSORS, Slurm, no_slurm

ROOT = Path(__file__).parents[3]
SCRIPT = "sweeps/clusters/slurm.sbatch"
UNABLE = no_slurm()
pytestmark = [
    pytest.mark.hosts,
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(bool(UNABLE), reason=UNABLE or "Slurm is here"),
]
STAND_INS = {
    "python": """
case "$*" in
  *token_hex*) echo 0123456789abcdef ;;
  *get_node_ip_address*) hostname -i ;;
  *sweeps.engine.node*) while [ "$1" != -- ]; do shift; done; shift; exec "$@" ;;
esac""",
    "ray": """
echo "$(hostname): ray $* gpu=$CUDA_VISIBLE_DEVICES"
case "$*" in *--block*) trap 'exit 0' TERM; touch "$OUT/../up-$SLURM_JOB_ID-$(hostname)" ;; *) exit 0 ;; esac
while :; do sleep 0.1; done""",
    # once a Ray is on every node it runs for ever, but not when it is started for the third time
    "prunefront": """
[ "$1" = run ] || exit 0
until [ "$(ls "$4/.."/up-"$SLURM_JOB_ID"-* | wc -l)" = "$SLURM_JOB_NUM_NODES" ]; do sleep 0.1; done
echo "$(hostname): prunefront $*"
echo started >>"$4/started"
[ "$(wc -l <"$4/started")" -lt "${RUNS:-3}" ] || exit 0
trap 'echo "driver ends"; exit 130' TERM
while :; do sleep 0.1; done""",
}


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    """Four nodes, as the guide has them, and a repository with the stand-ins in its ``.venv``."""
    with Slurm([f"node{number}" for number in range(1, 5)]) as cluster:
        repository(cluster).mkdir()
        (repository(cluster) / "sweeps").symlink_to(ROOT / "sweeps")
        for name, text in STAND_INS.items():
            path = repository(cluster) / ".venv" / "bin" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"#!/usr/bin/env bash{text}\n")
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        yield cluster


def repository(slurm: Slurm) -> Path:
    return slurm.shared / "prunefront"


def send(slurm: Slurm, *options: str, study: str, out: Path, runs: int = 3, after: tuple[str, ...] = ()) -> str:
    """Send the job as the guide says; return its number."""
    given = f"--export=ALL,RUNS={runs},STUDY={study},OUT={out}"
    words = ["--parsable", "--nodes=2", f"--output={slurm.shared / 'said-%j'}", *options, given, SCRIPT, *after]
    return slurm.run("sbatch", *words, cwd=repository(slurm)).strip()


def said(slurm: Slurm, job: str) -> list[str]:
    return (slurm.shared / f"said-{job}").read_text().splitlines()


def started(slurm: Slurm, out: Path, times: int) -> None:
    """Wait until the driver was started so often."""
    book = out / "started"
    slurm.until(lambda: book.exists() and book.read_text().count("started") >= times, f"start {times} of the driver")


def left(slurm: Slurm) -> list[str]:
    """Return what jobs have left on the nodes: folders, and processes."""
    look = "ls -d /tmp/pf-slurm-* 2>/dev/null; ps -eo args | grep -E '[.]venv/bin'; true"
    return [line for node in slurm.nodes for line in slurm.on(node, "sh", "-c", look).splitlines()]


def test_slurm_hands_out_names_processors_and_gpus(slurm: Slurm) -> None:
    show = "echo $(hostname) $SLURMD_NODENAME $SLURM_CPUS_ON_NODE $CUDA_VISIBLE_DEVICES"
    asked = ["--nodes=2", "--ntasks-per-node=1", f"--cpus-per-task={PROCESSORS}", "--gpus-per-task=1"]
    given = slurm.run("srun", *asked, "sh", "-c", show).splitlines()
    assert sorted(given) == [f"node{number} node{number} {PROCESSORS} 0" for number in (1, 2)]


def test_sigterm_before_the_limit_then_back_into_the_queue_then_preempted(slurm: Slurm) -> None:
    out = slurm.shared / "runs" / "smoke"
    job = send(slurm, "--time=60", study="smoke", out=out)
    started(slurm, out, 1)
    assert slurm.tell(job, "NodeList") == "node[1-2]", "the first of all that are idle"
    assert slurm.tell(job, "TresPerTask") == "gres:gpu:1"
    # so that the two minutes before the limit, at which the script asks for SIGTERM, begin now
    minutes, _ = map(int, slurm.run("squeue", "--noheader", "--format=%M", f"--job={job}").strip().split(":"))
    slurm.run("scontrol", "update", f"JobId={job}", f"TimeLimit={minutes + 2}")
    assert slurm.wait_for(job, "FAILED", "TIMEOUT", "COMPLETED") == "FAILED"
    assert slurm.tell(job, "ExitCode") == "143:0", "SIGTERM has ended it, and not the limit"
    lines = said(slurm, job)
    address = slurm.hosts.address("node1")
    port = 20000 + int(job)
    (head,) = (line for line in lines if "ray start --head" in line)
    assert head.startswith(f"node1: ray start --head --node-ip-address={address} --port={port} ")
    assert f"--num-cpus={PROCESSORS} " in head
    (worker,) = (line for line in lines if "ray start --address" in line)
    assert worker.startswith(f"node2: ray start --address={address}:{port} --num-cpus={PROCESSORS} ")
    assert head.endswith("gpu=0")
    assert worker.endswith("gpu=0")
    assert f"node1: prunefront run smoke --out {out} --address {address}:{port}" in lines
    assert "driver ends" in lines
    assert left(slurm) == []
    assert not list(out.glob(".ray-token-*"))

    slurm.run("scontrol", "requeue", job)  # what a second `sbatch` does, under the same number
    slurm.run("scontrol", "update", f"JobId={job}", "TimeLimit=60")
    started(slurm, out, 2)
    slurm.run("scontrol", "requeue", job)  # as a preemption does: SIGTERM to all of it at once
    assert slurm.wait_for(job, "COMPLETED", "FAILED", "TIMEOUT") == "COMPLETED"
    assert slurm.tell(job, "Restarts") == "2"
    assert (out / "started").read_text().count("started") == 3
    assert left(slurm) == []
    assert not list(out.glob(".ray-token-*"))


def test_an_array_runs_each_study_in_a_folder_of_its_own(slurm: Slurm) -> None:
    runs = slurm.shared / "array"
    options = ("--set", "seeds=[0, 1]")
    half = f"--cpus-per-task={PROCESSORS // 2}"  # so that two jobs share the nodes
    job = send(slurm, half, "--array=0-2", study="smoke ./mine.yaml", out=runs, runs=1, after=options)
    states = [slurm.wait_for(f"{job}_{number}", "COMPLETED", "FAILED", "TIMEOUT") for number in range(3)]
    assert states == ["COMPLETED", "COMPLETED", "FAILED"]
    numbers = [slurm.tell(f"{job}_{number}", "JobId") for number in range(3)]
    for number, study, folder in ((0, "smoke", "smoke"), (1, "./mine.yaml", "mine")):
        (driver,) = (line for line in said(slurm, numbers[number]) if ": prunefront run" in line)
        assert re.search(rf": prunefront run {study} --out {runs / folder} --address \S+ --set seeds=\[0, 1\]$", driver)
    assert any("no study number 2 among: smoke ./mine.yaml" in line for line in said(slurm, numbers[2]))
    assert left(slurm) == []


def test_the_commands_of_the_guide_as_they_stand_there(slurm: Slurm) -> None:
    guide = (ROOT / "docs" / "clusters.md").read_text().split("## Slurm")[1].split("\n## ")[0]
    blocks = re.findall(r"```bash\n(.*?)```", guide, flags=re.DOTALL)
    runs = slurm.shared / "guide"
    begun = int(slurm.run("sbatch", "--parsable", "--wrap=true", cwd=slurm.shared))
    for block in blocks:
        typed = block.replace("/shared/you/runs", str(runs))
        path = f"{repository(slurm) / '.venv' / 'bin'}:{slurm.environment()['PATH']}"
        slurm.run("bash", "-euc", typed, cwd=repository(slurm), RUNS="1", PATH=path)
    slurm.until(lambda: not slurm.run("squeue", "--noheader").strip(), "the end of every job", seconds=600)
    shown = slurm.run("scontrol", "show", "job", "--oneliner").splitlines()
    states = {(number := re.search(r"JobId=(\d+)", line)) and int(number[1]): line for line in shown}
    sent = {number: line for number, line in states.items() if number and number > begun}
    assert len(sent) == 6, "one, three in line, and two of an array"
    assert all("JobState=COMPLETED" in line for line in sent.values()), slurm.last_words()
    assert (runs / "paper" / "started").read_text().count("started") == 5
    assert (runs / "quickstart" / "started").read_text().count("started") == 1
    said = (repository(slurm) / f"slurm-{begun + 1}.out").read_text()
    assert [len(re.findall(f"^node{number}: ray start", said, flags=re.MULTILINE)) for number in range(1, 5)] == [1] * 4
    with pytest.raises(RuntimeError, match="Requested node configuration is not available"):
        slurm.run("sbatch", "--gpus-per-task=3", SCRIPT, cwd=repository(slurm))
    assert left(slurm) == []
