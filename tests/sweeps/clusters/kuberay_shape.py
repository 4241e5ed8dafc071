"""The shape of a KubeRay RayJob, as far as ours uses it: unknown and misspelt fields are refused.

From the published types of KubeRay 1.5 (ray-operator/apis/ray/v1: rayjob_types.go, raycluster_types.go) and of the core API
v1 of Kubernetes. What the API server fills in itself may be missing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
Quantity = Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")]
Count = Annotated[int, Field(ge=0)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Variable(Strict):
    name: str
    value: str


class Resources(Strict):
    requests: dict[str, Quantity]
    limits: dict[str, Quantity]


class Mount(Strict):
    name: Name
    mountPath: Annotated[str, StringConstraints(pattern="^/")]


class Exec(Strict):
    command: list[str]


class Handler(Strict):
    exec: Exec


class Lifecycle(Strict):
    preStop: Handler


class Container(Strict):
    name: Name
    image: str
    lifecycle: Lifecycle | None = None
    env: list[Variable] = []
    resources: Resources
    volumeMounts: list[Mount] = []


class Claim(Strict):
    claimName: str


class Volume(Strict):
    name: Name
    persistentVolumeClaim: Claim | None = None
    emptyDir: dict[str, Any] | None = None


class PodSecurity(Strict):
    runAsNonRoot: bool
    runAsUser: Count
    fsGroup: Count


class Pod(Strict):
    terminationGracePeriodSeconds: Count
    securityContext: PodSecurity
    containers: list[Container]
    volumes: list[Volume]


class Template(Strict):
    spec: Pod


class HeadGroup(Strict):
    rayStartParams: dict[str, str]
    template: Template


class WorkerGroup(Strict):
    groupName: Name
    replicas: Count
    minReplicas: Count
    maxReplicas: Count
    rayStartParams: dict[str, str]
    template: Template


class AuthOptions(Strict):
    mode: Literal["disabled", "token"]


class AutoscalerOptions(Strict):
    version: Literal["v1", "v2"]
    idleTimeoutSeconds: Count
    env: list[Variable] = []
    resources: Resources


class RayCluster(Strict):
    rayVersion: Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")]
    authOptions: AuthOptions
    enableInTreeAutoscaling: bool
    autoscalerOptions: AutoscalerOptions
    headGroupSpec: HeadGroup
    workerGroupSpecs: list[WorkerGroup]


class RayJobSpec(Strict):
    entrypoint: str
    shutdownAfterJobFinishes: bool
    ttlSecondsAfterFinished: Count
    backoffLimit: Count
    rayClusterSpec: RayCluster


class Metadata(Strict):
    name: Name


class RayJob(Strict):
    apiVersion: Literal["ray.io/v1"]
    kind: Literal["RayJob"]
    metadata: Metadata
    spec: RayJobSpec
