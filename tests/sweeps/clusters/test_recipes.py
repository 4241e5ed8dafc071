"""The cluster files, as far as they can be checked without the cluster; the Slurm script runs in test_slurm.py."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from sweeps.cli.group import cli
from sweeps.engine.node import node_options
from tests.sweeps.clusters.kuberay_shape import HeadGroup, RayJob, WorkerGroup

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


def test_the_ray_job_has_the_shape_of_the_published_types() -> None:
    job = RayJob.model_validate(yaml.safe_load((CLUSTERS / "kuberay-rayjob.yaml").read_text()))
    cluster = job.spec.rayClusterSpec
    assert cluster.authOptions.mode == "token"
    assert cluster.rayVersion == metadata.version("ray"), "KubeRay chooses its commands by it"
    groups: list[HeadGroup | WorkerGroup] = [cluster.headGroupSpec, *cluster.workerGroupSpecs]
    for pod in (group.template.spec for group in groups):
        volumes = {volume.name for volume in pod.volumes}
        for container in pod.containers:
            assert {mount.name for mount in container.volumeMounts} == volumes
            assert container.resources.requests == container.resources.limits
            assert {"RAY_USAGE_STATS_ENABLED", "PRUNEFRONT_CACHE"} <= {variable.name for variable in container.env}
    for group in cluster.workerGroupSpecs:
        assert group.minReplicas <= group.replicas <= group.maxReplicas
        (container,) = group.template.spec.containers
        assert container.lifecycle is not None
        shell, _, command = container.lifecycle.preStop.exec.command
        assert shell == "/bin/bash", "the address is in the environment of the container, which KubeRay makes"
        words = shlex.split(command)
        assert words[:3] == ["python", "-m", "sweeps.engine.node"]
        chosen = node_options().parse_args(words[3:])
        assert (chosen.leave, chosen.address) == (True, "$RAY_ADDRESS")
        assert chosen.seconds + 15 <= group.template.spec.terminationGracePeriodSeconds, "before Kubernetes kills the pod"
    parameters = understood(job.spec.entrypoint)
    assert parameters["address"] == "auto"
    assert str(parameters["out"]).startswith("/runs/")


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


@pytest.mark.parametrize(("waiting", "nodes"), [(0, 1), (1, 1), (5, 5), (32, 8)])
def test_the_ray_job_grows_with_the_trials_that_wait(waiting: int, nodes: int) -> None:
    from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr
    from ray.autoscaler.v2.instance_manager.config import AutoscalingConfig
    from ray.autoscaler.v2.scheduler import ResourceDemandScheduler, SchedulingRequest
    from ray.autoscaler.v2.utils import ResourceRequestUtil
    from ray.core.generated.autoscaler_pb2 import GangResourceRequest

    cluster = yaml.safe_load((CLUSTERS / "kuberay-rayjob.yaml").read_text())["spec"]["rayClusterSpec"]
    assert cluster["enableInTreeAutoscaling"] is True
    # what Ray's own autoscaler makes of the file, and of so many trials that have no node
    config = AutoscalingConfig(
        _derive_autoscaling_config_from_ray_cr({"metadata": {"name": "sweep", "namespace": "default"}, "spec": cluster})
    )
    trial = GangResourceRequest(requests=[ResourceRequestUtil.make({"CPU": 1.0, "GPU": 1.0})])
    asked = SchedulingRequest(
        disable_launch_config_check=True,
        node_type_configs=config.get_node_type_configs(),
        max_num_nodes=config.get_max_num_nodes(),
        gang_resource_requests=[trial] * waiting,
    )
    silent = SimpleNamespace(log_cluster_scheduling_update=lambda *_, **__: None)
    launched = ResourceDemandScheduler(silent).schedule(asked).to_launch
    assert [(each.instance_type, each.count) for each in launched] == [("gpu", nodes)]
