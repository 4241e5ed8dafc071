"""The Slurm script, run for real with stand-ins for srun, scontrol, ray and prunefront."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "sweeps" / "clusters" / "slurm.sbatch"

STAND_INS = {
    "bin/scontrol": "printf 'node%s\\n' $(seq 64)",
    # what runs on other nodes runs here, once
    "bin/srun": """
echo "srun $(echo "$*" | tr -d '\n')" >>"$LOG"
while [[ $1 == --* ]]; do shift; done
exec "$@"
""",
    "venv/bin/python": """
case "$*" in
  *token_hex*) echo 0123456789abcdef ;;
  *get_node_ip_address*) echo 10.0.0.1 ;;
  *sweeps.engine.node*) echo "node $*" >>"$LOG"; while [ "$1" != -- ]; do shift; done; shift; exec "$@" ;;
esac
""",
    "venv/bin/ray": """
echo "ray $* token=$(cat "$RAY_AUTH_TOKEN_PATH") mode=$RAY_AUTH_MODE" >>"$LOG"
case "$*" in *--block*) trap 'echo "ray ends" >>"$LOG"; exit 0' TERM; while :; do sleep 0.1; done ;; esac
""",
    "venv/bin/prunefront": """
echo "prunefront $* token=$(cat "$RAY_AUTH_TOKEN_PATH") step=$SRUN_CPUS_PER_TASK" >>"$LOG"
stat -c 'token file %a' "$RAY_AUTH_TOKEN_PATH" >>"$LOG"
until [ "$(grep -c '^ray start' "$LOG")" = 2 ]; do sleep 0.05; done
[ "$STUDY" = endless ] || exit "${STATUS:-0}"
trap 'echo "driver ends" >>"$LOG"; exit 130' TERM
echo "driver is up" >>"$LOG"
while :; do sleep 0.1; done
""",
}


@pytest.fixture
def job(tmp_path: Path) -> dict[str, str]:
    """The environment of a job on 64 nodes, with the stand-ins in place."""
    for name, text in STAND_INS.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/usr/bin/env bash\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
        "LOG": f"{tmp_path}/log",
        "VENV": f"{tmp_path}/venv",
        "STUDY": "smoke",
        "OUT": f"{tmp_path}/runs/smoke",
        "SLURM_JOB_ID": "123456",
        "SLURM_JOB_NODELIST": "node[1-64]",
        "SLURM_JOB_NUM_NODES": "64",
        "SLURM_CPUS_PER_TASK": "16",
    }


@pytest.mark.parametrize("status", [0, 1, 130])
def test_head_workers_and_driver_start_in_order_with_one_token_and_the_status_is_the_drivers(
    job: dict[str, str], status: int
) -> None:
    ran = subprocess.run(["bash", SCRIPT], env={**job, "STATUS": str(status)}, capture_output=True, text=True, timeout=60)
    assert ran.returncode == status, ran.stderr
    said = Path(job["LOG"]).read_text().splitlines()
    (head,) = (line for line in said if line.startswith("ray start --head"))
    assert "--node-ip-address=10.0.0.1 --port=23456" in head
    assert "--num-cpus=16" in head
    assert "--disable-usage-stats" in head
    assert "ray health-check --address 10.0.0.1:23456 token=0123456789abcdef mode=token" in said
    assert any(line.startswith("srun --overlap --nodes=63 --ntasks=63 --ntasks-per-node=1 --exclude=node1") for line in said)
    (worker,) = (line for line in said if line.startswith("ray start --address=10.0.0.1:23456"))
    assert any(line.startswith("node -m sweeps.engine.node --address 10.0.0.1:23456 --seconds 60 -- ") for line in said)
    assert head.endswith("token=0123456789abcdef mode=token")
    assert worker.endswith("token=0123456789abcdef mode=token")
    driver = f"prunefront run smoke --out {job['OUT']} --address 10.0.0.1:23456 token=0123456789abcdef step=16"
    assert driver in said
    assert "token file 600" in said
    assert said.count("ray ends") == 2
    made = next(line for line in said if " mkdir " in line)
    assert made.startswith("srun --overlap --nodes=64 --ntasks=64 --ntasks-per-node=1 bash -c ")
    folder = made.split()[-1]
    assert re.fullmatch(r"/tmp/pf-slurm-123456-\w{10}", folder)
    assert f"--temp-dir={folder}/r " in head
    assert said.index(made) < said.index(head)
    assert said[-1] == f"srun --overlap --nodes=64 --ntasks=64 --ntasks-per-node=1 rm -rf {folder}"
    assert not Path(folder).exists()
    assert list(Path(job["OUT"]).iterdir()) == [], "the token must not stay"


def test_asked_to_stop_it_asks_the_driver_waits_for_it_and_cleans_up(job: dict[str, str]) -> None:
    process = subprocess.Popen(["bash", SCRIPT], env={**job, "STUDY": "endless"}, stdout=subprocess.DEVNULL)
    log = Path(job["LOG"])
    end = time.monotonic() + 60
    while not (log.exists() and "driver is up" in log.read_text()):
        assert time.monotonic() < end, "the driver did not start"
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 143
    said = log.read_text().splitlines()
    assert said.index("driver ends") < said.index("ray ends"), "the driver needs its Ray until its trials have stopped"
    assert list(Path(job["OUT"]).iterdir()) == []


def test_two_jobs_of_one_number_have_folders_of_their_own(job: dict[str, str]) -> None:
    for number in range(2):
        subprocess.run(["bash", SCRIPT], env={**job, "STATUS": "0"}, check=True, timeout=60)
        Path(job["LOG"]).rename(f"{job['LOG']}-{number}")
    folders = {re.search(r"/tmp/pf-slurm-\w+-\w+", Path(f"{job['LOG']}-{n}").read_text())[0] for n in range(2)}  # type: ignore[index]
    assert len(folders) == 2


def test_a_folder_that_somebody_laid_in_wait_is_not_used(job: dict[str, str], tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    (trap / "thesis").mkdir(parents=True)
    mktemp = tmp_path / "bin" / "mktemp"
    mktemp.write_text(f'#!/usr/bin/env bash\n[ "$1" = -u ] && echo {tmp_path}/link || exec /usr/bin/mktemp "$@"\n')
    mktemp.chmod(0o755)
    (tmp_path / "link").symlink_to(trap)
    ran = subprocess.run(["bash", SCRIPT], env=job, capture_output=True, text=True, timeout=60)
    assert ran.returncode != 0
    assert "ray start" not in Path(job["LOG"]).read_text()
    assert (trap / "thesis").is_dir()
    assert list(Path(job["OUT"]).iterdir()) == [], "the token must not stay"


def test_what_an_earlier_run_of_the_job_left_is_removed_and_what_is_held_stays(job: dict[str, str], tmp_path: Path) -> None:
    job["SLURM_JOB_ID"] = f"9{os.getpid()}"
    left, held = (Path(f"/tmp/pf-slurm-{job['SLURM_JOB_ID']}-{name}") for name in ("left", "held"))
    link = Path(f"/tmp/pf-slurm-{job['SLURM_JOB_ID']}-link")
    try:
        (left / "r").mkdir(parents=True)
        held.mkdir()
        link.symlink_to(tmp_path)
        token = Path(job["OUT"]) / f".ray-token-{job['SLURM_JOB_ID']}-earlier"
        token.parent.mkdir(parents=True)
        token.touch()
        with subprocess.Popen(["flock", held, "sh", "-c", "echo held; read -r end"], stdin=-1, stdout=-1) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            subprocess.run(["bash", SCRIPT], env={**job, "STATUS": "0"}, check=True, timeout=60)
            assert not left.exists()
            assert held.is_dir()
            assert link.is_symlink()
            assert not token.exists()
            holder.communicate(b"end\n")
    finally:
        link.unlink(missing_ok=True)
        for folder in (left, held):
            shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize(("number", "study", "folder"), [("0", "paper", "paper"), ("1", "./mine.yaml", "mine")])
def test_an_array_takes_the_study_of_its_number_and_a_folder_of_its_own(
    job: dict[str, str], number: str, study: str, folder: str
) -> None:
    job |= {"SLURM_ARRAY_TASK_ID": number, "STUDY": "paper ./mine.yaml"}
    ran = subprocess.run(["bash", SCRIPT, "--set", "seeds=[0, 1]"], env=job, capture_output=True, text=True, timeout=60)
    out = Path(job["OUT"]) / folder
    assert ran.returncode == 0, ran.stderr
    (driver,) = (line for line in Path(job["LOG"]).read_text().splitlines() if line.startswith("prunefront"))
    assert driver.startswith(f"prunefront run {study} --out {out} ")
    assert " --set seeds=[0, 1] " in driver
    job["SLURM_ARRAY_TASK_ID"] = "7"
    ran = subprocess.run(["bash", SCRIPT], env=job, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, len(ran.stderr.splitlines())) == (2, 1)
    assert "no study number 7 among: " in ran.stderr


def test_a_node_that_does_not_see_the_output_folder_ends_the_job(job: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "bin" / "sleep").write_text("#!/bin/sh\n")  # as if time had passed
    (tmp_path / "bin" / "sleep").chmod(0o755)
    elsewhere = "case $* in *mkdir*) RAY_AUTH_TOKEN_PATH=$RAY_AUTH_TOKEN_PATH-not ;; esac"
    srun = tmp_path / "bin" / "srun"
    srun.write_text(srun.read_text().replace("exec", f"{elsewhere}\nexec"))
    ran = subprocess.run(["bash", SCRIPT], env=job, capture_output=True, text=True, timeout=60)
    node = os.uname().nodename
    said = f"slurm.sbatch: node {node} does not see {job['OUT']}; OUT is a folder that every node sees\n"
    assert (ran.returncode, ran.stderr) == (2, said)
    assert "ray start" not in Path(job["LOG"]).read_text()
    assert list(Path(job["OUT"]).iterdir()) == [], "the token must not stay"


@pytest.mark.parametrize(
    ("missing", "said"), [("STUDY", "name a study"), ("OUT", "name an output folder"), ("VENV", "no .*/bin/ray")]
)
def test_it_says_what_is_missing(job: dict[str, str], missing: str, said: str, tmp_path: Path) -> None:
    del job[missing]
    ran = subprocess.run(["bash", SCRIPT], env=job, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode != 0
    assert len(ran.stderr.splitlines()) == 1
    assert re.search(said, ran.stderr), ran.stderr


@pytest.mark.parametrize("works", [True, False])
def test_mps_starts_before_ray_where_it_is_asked_for_and_ends_with_the_job(
    job: dict[str, str], tmp_path: Path, works: bool
) -> None:
    control = tmp_path / "bin" / "nvidia-cuda-mps-control"
    answer = (
        f'read -r word || true; echo "mps ${{1:-$word}} $(basename "$CUDA_MPS_PIPE_DIRECTORY")" >>"$LOG"; exit {not works:d}'
    )
    control.write_text(f"#!/usr/bin/env bash\n{answer}\n")
    control.chmod(control.stat().st_mode | stat.S_IXUSR)
    ran = subprocess.run(
        ["bash", SCRIPT], env={**job, "MPS": "1"}, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )
    assert ran.returncode == 0, ran.stderr
    said = Path(job["LOG"]).read_text().splitlines()
    ray = next(number for number, line in enumerate(said) if line.startswith("ray start"))
    assert said.index("mps -d mps") < ray < said.index("mps quit mps")
    assert ("MPS does not start" in ran.stderr) is not works
    Path(job["LOG"]).unlink()
    subprocess.run(["bash", SCRIPT], env=job, capture_output=True, timeout=60, check=True)
    assert "mps -d" not in Path(job["LOG"]).read_text()
