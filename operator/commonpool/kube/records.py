"""The few fields of Kubernetes' own kinds that commonpool reads, decoded straight from bytes.

Everything else in an object is skipped by the decoder, which is what makes a pod event cheap.
"""

from datetime import datetime
from typing import Any

import msgspec

Quantities = dict[str, str | int]


class Struct(msgspec.Struct, rename="camel", gc=False):
    """Field names as the API writes them; unknown ones are skipped."""


class Owner(Struct):
    """An owner reference."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False


class Metadata(Struct):
    """What every object has."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    deletion_grace_period_seconds: int | None = None
    owner_references: list[Owner] | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None

    @property
    def created_at(self) -> int:
        """Seconds since 1970."""
        return int(self.creation_timestamp.timestamp()) if self.creation_timestamp else 0

    @property
    def controller(self) -> Owner | None:
        """The one owner that manages it."""
        return next((owner for owner in self.owner_references or () if owner.controller), None)


class Condition(Struct):
    """A condition without its times: a heartbeat is no change."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""


class Resources(Struct):
    """What a container, or a pod as a whole, asks for."""

    requests: Quantities | None = None
    limits: Quantities | None = None


class Port(Struct):
    """A container's port."""

    host_port: int = 0


class Container(Struct):
    """A container's share in its pod's request."""

    name: str = ""
    resources: Resources | None = None
    restart_policy: str | None = None
    ports: list[Port] | None = None


class NodeAffinity(Struct):
    """Which nodes."""

    required: dict[str, Any] | None = msgspec.field(default=None, name="requiredDuringSchedulingIgnoredDuringExecution")


class PodAffinity(Struct):
    """Near to, or far from, which pods."""

    required: list[dict[str, Any]] | None = msgspec.field(default=None, name="requiredDuringSchedulingIgnoredDuringExecution")


class Affinity(Struct):
    """What the planner does not honour yet, so that it can be told."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAffinity | None = None


class Spread(Struct):
    """A topology spread constraint."""

    when_unsatisfiable: str = ""


class PodSpec(Struct):
    """A pod's wishes, of a pod that exists or of a template."""

    containers: list[Container] = msgspec.field(default_factory=list)
    init_containers: list[Container] | None = None
    overhead: Quantities | None = None
    resources: Resources | None = None
    node_name: str | None = None
    node_selector: dict[str, str] | None = None
    priority: int | None = None
    priority_class_name: str | None = None
    affinity: Affinity | None = None
    topology_spread_constraints: list[Spread] | None = None
    resource_claims: list[dict[str, Any]] | None = None
    termination_grace_period_seconds: int | None = None


class Waiting(Struct):
    """Why a container does not run yet."""

    reason: str = ""
    message: str = ""


class Terminated(Struct):
    """How a container ended."""

    finished_at: datetime | None = None


class ContainerState(Struct):
    """Whether a container runs."""

    waiting: Waiting | None = None
    running: dict[str, Any] | None = None
    terminated: Terminated | None = None


class ContainerStatus(Struct):
    """How far a container is."""

    name: str = ""
    state: ContainerState = msgspec.field(default_factory=ContainerState)
    last_state: ContainerState = msgspec.field(default_factory=ContainerState)


class PodStatus(Struct):
    """How far a pod is."""

    phase: str = ""
    pod_ip: str = msgspec.field(default="", name="podIP")
    host_ip: str = msgspec.field(default="", name="hostIP")
    conditions: list[Condition] | None = None
    start_time: datetime | None = None
    container_statuses: list[ContainerStatus] | None = None
    init_container_statuses: list[ContainerStatus] | None = None


class Pod(Struct):
    """A pod."""

    metadata: Metadata
    spec: PodSpec
    status: PodStatus = msgspec.field(default_factory=PodStatus)


class Template(Struct):
    """A pod template."""

    spec: PodSpec
    metadata: Metadata = msgspec.field(default_factory=Metadata)


class JobSpec(Struct):
    """How a Job runs its pods."""

    template: Template
    active_deadline_seconds: int | None = None
    parallelism: int | None = None
    completions: int | None = None
    completion_mode: str | None = None
    suspend: bool = False


class JobCondition(Condition):
    """A condition with its time: none of a Job's is renewed."""

    last_transition_time: datetime | None = None


class JobStatus(Struct):
    """How far a Job is."""

    conditions: list[JobCondition] | None = None
    succeeded: int = 0


class Job(Struct):
    """A Job."""

    metadata: Metadata
    spec: JobSpec
    status: JobStatus = msgspec.field(default_factory=JobStatus)


class RollingUpdate(Struct):
    """How many pods more there may be while a new version comes."""

    max_surge: int | str | None = None


class Strategy(Struct):
    """How a new version of a Deployment comes."""

    rolling_update: RollingUpdate | None = None


class ScaledSpec(Struct):
    """How a Deployment, StatefulSet or ReplicaSet runs its pods."""

    template: Template
    replicas: int | None = None
    strategy: Strategy = msgspec.field(default_factory=Strategy)


class ScaledStatus(Struct):
    """What hinders it."""

    conditions: list[Condition] | None = None


class Scaled(Struct):
    """A Deployment, StatefulSet or ReplicaSet."""

    metadata: Metadata
    spec: ScaledSpec
    status: ScaledStatus = msgspec.field(default_factory=ScaledStatus)


class Taint(Struct):
    """A node's taint without its time."""

    key: str = ""
    value: str = ""
    effect: str = ""


class NodeSpec(Struct):
    """What an administrator, or a controller, says about a node."""

    unschedulable: bool = False
    taints: list[Taint] | None = None


class NodeStatus(Struct):
    """What a node says about itself."""

    allocatable: Quantities = msgspec.field(default_factory=dict)
    capacity: Quantities = msgspec.field(default_factory=dict)
    conditions: list[Condition] | None = None


class Node(Struct):
    """A node."""

    metadata: Metadata
    spec: NodeSpec = msgspec.field(default_factory=NodeSpec)
    status: NodeStatus = msgspec.field(default_factory=NodeStatus)


class Namespace(Struct):
    """A namespace."""

    metadata: Metadata


class PriorityClass(Struct):
    """A priority's name."""

    metadata: Metadata
    value: int = 0
    global_default: bool = False


class RoundGang(Struct):
    """A line of a Round."""

    workload: str
    kind: str
    tenant: str
    pool: str
    nodes: str
    request: str
    why: str
    ranks: str = ""
    pods: str = ""


class RoundSpec(Struct):
    """A part of a planning round."""

    epoch: int
    number: int
    part: int
    parts: int
    gangs: list[RoundGang]


class Round(Struct):
    """A Round as it stands in the cluster."""

    metadata: Metadata
    spec: RoundSpec


class ListMetadata(Struct):
    """Where a list, or a bookmark, stands."""

    resource_version: str = ""
    continue_: str | None = msgspec.field(default=None, name="continue")


class Page(Struct):
    """One page of a list, its items not yet decoded."""

    metadata: ListMetadata
    items: list[msgspec.Raw] | None = None


class Change(Struct):
    """One line of a watch, its object not yet decoded."""

    type: str
    object: msgspec.Raw


class Named(Struct):
    """Any object, by its name alone."""

    metadata: Metadata


class Bookmark(Struct):
    """How far a watch has come."""

    metadata: ListMetadata
