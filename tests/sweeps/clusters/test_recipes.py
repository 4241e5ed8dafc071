"""The cluster files, as far as they can be checked without a cluster; test_slurm.py and test_kubernetes.py hold two."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sweeps.cli.group import cli

CLUSTERS = Path(__file__).parents[3] / "sweeps" / "clusters"
SCRIPTS = sorted([*CLUSTERS.glob("*.sh"), *CLUSTERS.glob("*.sbatch")])


def understood(command: str) -> dict[str, Any]:
    """Return what our own command line makes of a command, without running it."""
    words = shlex.split(command)
    assert words[:2] == ["prunefront", "run"]
    parameters: dict[str, Any] = cli.commands["run"].make_context("run", words[2:]).params
    return parameters


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shell_scripts_pass_shellcheck(script: Path) -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    if not shellcheck.exists():
        pytest.skip("shellcheck is not installed (make install-dev)")
    checked = subprocess.run([shellcheck, script], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_ray_accepts_the_cluster_file_and_starts_its_workers() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = yaml.safe_load((CLUSTERS / "ray-cluster.yaml").read_text())
    config["provider"].update(head_ip="192.0.2.1", worker_ips=["192.0.2.2"])
    prepared = prepare_config(config)
    validate_config(prepared)
    assert prepared["available_node_types"]["local.cluster.node"]["min_workers"] == 1
    head, worker = (config[f"{who}_start_ray_commands"][-1] for who in ("head", "worker"))
    # the head starts the workers, from the configuration that `ray up` lays there; Ray's newer autoscaler counts the head as
    # the first worker of a cluster of this kind (seen in Ray 2.60), so that with one worker none would start
    assert "--autoscaling-config=~/ray_bootstrap_config.yaml" in head
    assert "RAY_enable_autoscaler_v2=0" in head
    for command in (head, worker):
        assert "RAY_AUTH_MODE=token" in command
        assert "--disable-usage-stats" in command
        assert 'PATH="REPOSITORY/.venv/bin:$PATH"' in command


def test_submitting_hands_the_whole_command_to_the_cluster_with_its_token(tmp_path: Path) -> None:
    ray = tmp_path / "ray"
    ray.write_text(f'#!/usr/bin/env bash\necho "$RAY_AUTH_MODE$(printf " %q" "$@")" >>{tmp_path}/log\n')
    ray.chmod(0o755)
    command = ["bash", str(CLUSTERS / "submit.sh"), "paper", "/shared/you/runs/paper", "--set", "seeds=[0, 1]"]
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(command, check=True, env=environment)
    first, second = (tmp_path / "log").read_text().splitlines()
    assert first == "token get-auth-token --generate"
    assert second.startswith("token job submit --address http://127.0.0.1:8265 --no-wait -- ")
    parameters = understood(second.split(" -- ", 1)[1])
    assert parameters["study"] == "paper"
    assert parameters["out"] == Path("/shared/you/runs/paper")
    assert parameters["address"] == "auto"
    assert parameters["overrides"] == ("seeds=[0, 1]",)
    said = subprocess.run(command[:3], env=environment, capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (2, "usage: submit.sh STUDY OUT [options of prunefront run]\n")


def test_the_image_gets_no_environment_no_run_and_no_address_with_a_token() -> None:
    left_out = {
        line for line in (CLUSTERS.parents[1] / ".dockerignore").read_text().splitlines() if line[:1] not in ("", "#")
    }
    assert {".venv", "runs", ".git/config", "**/.env", "**/auth_token", "**/*.pem"} <= left_out
    assert not {".git", "requirements.lock", "sweeps", "**/*"} & left_out, "git says which commit a record comes from"
    docker = (CLUSTERS / "Dockerfile").read_text()
    assert "COPY . /opt/prunefront" in docker, "the whole of the folder goes in"
