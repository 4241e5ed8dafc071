"""The cluster files, as far as they can be checked without the cluster."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

CLUSTERS = Path(__file__).parents[2] / "sweeps" / "clusters"
SCRIPTS = sorted([*CLUSTERS.glob("*.sh"), *CLUSTERS.glob("*.sbatch")])


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shell_scripts_pass_shellcheck(script: Path) -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    if not shellcheck.exists():
        pytest.skip("shellcheck is not installed (make install-dev)")
    checked = subprocess.run([shellcheck, script], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_ray_accepts_the_cluster_file() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = yaml.safe_load((CLUSTERS / "ray-cluster.yaml").read_text())
    config["provider"].update(head_ip="192.0.2.1", worker_ips=["192.0.2.2"])
    validate_config(prepare_config(config))
    assert all("RAY_AUTH_MODE=token" in line for key in ("head_start_ray_commands", "worker_start_ray_commands")
               for line in config[key] if "ray start" in line)


def test_the_ray_job_asks_for_token_authentication_and_mounts_the_runs_everywhere() -> None:
    job = yaml.safe_load((CLUSTERS / "kuberay-rayjob.yaml").read_text())
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["authOptions"] == {"mode": "token"}
    pods = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    for pod in (group["template"]["spec"] for group in pods):
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in pod["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} == volumes
            assert container["resources"]["requests"] == container["resources"]["limits"]
    out = job["spec"]["entrypoint"].split("--out ")[1].split()[0]
    mount = cluster["headGroupSpec"]["template"]["spec"]["containers"][0]["volumeMounts"][0]["mountPath"]
    assert out.startswith(mount + "/")


def test_the_slurm_script_says_what_is_missing() -> None:
    script = ["bash", CLUSTERS / "slurm.sbatch"]
    said = subprocess.run(script, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"})
    assert said.returncode != 0
    assert "name a study" in said.stderr
