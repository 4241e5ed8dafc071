"""The RayJob against what KubeRay and Kubernetes publish, and Ray's own autoscaler on it. No Kubernetes cluster is met."""

from __future__ import annotations

import copy
import json
import shlex
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from sweeps.cli.group import cli
from sweeps.engine.node import node_options

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "tests" / "fixtures" / "kuberay_rayjob.schema.json").read_text())
KUBERNETES = "1.34"


@pytest.fixture
def job() -> dict[str, Any]:
    """The RayJob, filled in as the guide says."""
    text = (ROOT / "sweeps" / "clusters" / "kuberay-rayjob.yaml").read_text()
    text = text.replace("IMAGE", "registry.lan/you/prunefront").replace("CLAIM", "your-volume")
    filled: dict[str, Any] = yaml.safe_load(text)
    return filled


def pods(job: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the pods that KubeRay makes of a RayJob, as objects of Kubernetes."""
    cluster = job["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, **group["template"]} for group in groups]


def refused(job: dict[str, Any]) -> list[str]:
    """Return what KubeRay's types and Kubernetes' own do not take."""
    wrong = [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(job)]
    options = job["spec"]["rayClusterSpec"].get("autoscalerOptions", {})
    beside = {"name": "autoscaler", "image": "ray", **{key: options[key] for key in ("env", "resources") if key in options}}
    autoscaler = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": {"containers": [beside]}}
    for pod in [*pods(job), autoscaler]:
        try:
            kubernetes_validate.validate(pod, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as error:
            wrong.append(error.message)
    return wrong


def test_kuberay_and_kubernetes_take_the_ray_job(job: dict[str, Any]) -> None:
    assert refused(job) == []


@pytest.mark.parametrize(
    ("place", "key", "value"),
    [
        (("spec",), "backoffLimits", 3),
        (("spec", "rayClusterSpec"), "enableInTreeAutoscaler", True),
        (("spec", "rayClusterSpec", "authOptions"), "mode", "password"),
        (("spec", "rayClusterSpec", "workerGroupSpecs", 0), "minReplicas", "1"),
        (("spec", "rayClusterSpec", "workerGroupSpecs", 0, "rayStartParams"), "num-cpus", 0),
        (("spec", "rayClusterSpec", "workerGroupSpecs", 0, "template", "spec"), "terminationGracePeriod", 120),
        (("spec", "rayClusterSpec", "headGroupSpec", "template", "spec", "containers", 0), "volumeMount", []),
        (("spec", "rayClusterSpec", "headGroupSpec", "template", "spec", "securityContext"), "runAsUser", "runner"),
        (("spec", "rayClusterSpec", "autoscalerOptions", "resources"), "limit", {}),
    ],
)
def test_a_misspelt_or_mistyped_field_would_be_found(
    job: dict[str, Any], place: tuple[Any, ...], key: str, value: Any
) -> None:
    wrong = copy.deepcopy(job)
    inside: Any = wrong
    for step in place:
        inside = inside[step]
    inside[key] = value
    assert len(refused(wrong)) == 1


def test_what_the_file_promises(job: dict[str, Any]) -> None:
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["authOptions"]["mode"] == "token"
    assert cluster["rayVersion"] == metadata.version("ray"), "KubeRay chooses its commands by it"
    for pod in pods(job):
        volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
        (container,) = pod["spec"]["containers"]
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes
        assert container["resources"]["requests"] == container["resources"]["limits"]
        assert {"RAY_USAGE_STATS_ENABLED", "PRUNEFRONT_CACHE"} <= {variable["name"] for variable in container["env"]}
    for group in cluster["workerGroupSpecs"]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
        pod = group["template"]["spec"]
        shell, _, command = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
        assert shell == "/bin/bash", "the address is in the environment of the container, which KubeRay makes"
        words = shlex.split(command)
        assert words[:3] == ["python", "-m", "sweeps.engine.node"]
        chosen = node_options().parse_args(words[3:])
        assert (chosen.leave, chosen.address) == (True, "$RAY_ADDRESS")
        assert chosen.seconds + 15 <= pod["terminationGracePeriodSeconds"], "before Kubernetes kills the pod"
    words = shlex.split(job["spec"]["entrypoint"])
    assert words[:2] == ["prunefront", "run"]
    parameters = cli.commands["run"].make_context("run", words[2:]).params
    assert parameters["address"] == "auto"
    assert str(parameters["out"]).startswith("/runs/")


@pytest.mark.parametrize(("waiting", "nodes"), [(0, 1), (1, 1), (5, 5), (32, 8)])
def test_the_ray_job_grows_with_the_trials_that_wait(job: dict[str, Any], waiting: int, nodes: int) -> None:
    from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr
    from ray.autoscaler.v2.instance_manager.config import AutoscalingConfig
    from ray.autoscaler.v2.scheduler import ResourceDemandScheduler, SchedulingRequest
    from ray.autoscaler.v2.utils import ResourceRequestUtil
    from ray.core.generated.autoscaler_pb2 import GangResourceRequest

    cluster = job["spec"]["rayClusterSpec"]
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
