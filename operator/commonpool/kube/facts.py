"""What the mirror keeps of each object: values that are equal as long as nothing that matters has changed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from commonpool.api.wishes import CHECKPOINTED_AT, MIN_RUNTIME_SECONDS, PLACEMENT_REQUIRED, TIER
from commonpool.kube import records
from commonpool.kube.identity import find_child
from commonpool.kube.kubelet import find_end, find_unstarted
from commonpool.kube.shapes import Extended, Shape, is_extended, parse_amounts, read_shape
from commonpool.model.ids import ChildKey, NodeName
from commonpool.model.names import (
    DELETION_COST_ANNOTATION,
    GROUP,
    HELD_ANNOTATION,
    LISTED_BY_ANNOTATION,
    RELEASED_ANNOTATION,
    REPLICAS_ANNOTATION,
    RESIZE_ANNOTATION,
    TEMPLATE_ANNOTATION,
    TENANT_LABEL,
)

_COUNT = re.compile("[0-9]{1,6}")
_FINISHED = frozenset({"Succeeded", "Failed"})
_WISHES = (TIER, MIN_RUNTIME_SECONDS, PLACEMENT_REQUIRED, CHECKPOINTED_AT)


@dataclass(frozen=True, slots=True)
class NodeFact:
    """A node of the cluster, of a pool or not."""

    name: NodeName
    labels: Mapping[str, str]
    cpu_milli: int
    memory_bytes: int
    pods: int
    allocatable: Extended
    capacity: Extended
    taints: tuple[records.Taint, ...]
    ready: bool
    unschedulable: bool
    released: bool = False
    """Cordoned by us, because it is to go."""


@dataclass(frozen=True, slots=True)
class PodView:
    """A pod that exists."""

    namespace: str
    name: str
    uid: str
    child: ChildKey
    rank: int
    owner_uid: str
    """Of its controller; empty for a bare pod."""
    node: NodeName | None
    shape: Shape
    phase: str
    ready: bool
    terminating: bool
    created_at: int
    priority: int | None
    priority_class: str
    wishes: tuple[tuple[str, str], ...]
    """Annotations by which its owner refines what he wants (`api.wishes`)."""
    signal: str = ""
    """What it has been told of a shrink, as it stands in its annotation; anybody may have changed it."""
    unstarted: str = ""
    """Why a container of it cannot start on its node, in its kubelet's words."""
    stuck: str = ""
    """Why the scheduler could not bind it when it tried last."""
    ending_seconds: int | None = None
    """How long it was given to end, once it is being deleted."""
    started_at: int = 0
    """When its kubelet took it, by that one's own word, in seconds since 1970; 0: it has not yet."""
    finished_at: int = 0
    """When the last of its containers ended, by the same word; 0: it runs, or nobody says. While it goes on, a container that has ended is
    started again or waits for the others: that is no news."""
    address: str = ""
    """Where it is reached; empty until it runs."""
    host_address: str = ""
    """Of its node; the same as `address` if it is in its node's network."""
    deletion_cost: str = ""
    """By which its ReplicaSet chooses who goes first, as it stands in its annotation."""

    @property
    def finished(self) -> bool:
        """It holds nothing any more."""
        return self.phase in _FINISHED

    @property
    def grace_seconds(self) -> int:
        """How long it may take to end: as it was told, or will be."""
        return self.shape.grace_seconds if self.ending_seconds is None else self.ending_seconds

    @property
    def holds(self) -> bool:
        """It takes room on its node."""
        return self.node is not None and not self.finished


@dataclass(frozen=True, slots=True)
class ChildFact:
    """A Job, Deployment, StatefulSet or ReplicaSet: what makes pods."""

    key: ChildKey
    uid: str
    generation: int
    owner_kind: str
    """Of its controller, `group/version/Kind`; empty if it has none."""
    owner_name: str
    owner_uid: str
    shape: Shape
    replicas: int
    """Pods that it runs at a time."""
    remaining: int
    """The same from here on: of a Job that is nearly done, fewer."""
    ranked: bool
    """Its pods have ranks from the start (an Indexed Job)."""
    suspended: bool
    held: bool
    """Suspended by our policy, not by its owner."""
    finished: bool
    failed: bool
    message: str
    """Why it failed."""
    terminating: bool
    created_at: int
    priority_class: str
    wishes: tuple[tuple[str, str], ...]
    """Annotations by which its owner refines what he wants (`api.wishes`)."""
    failing: bool = False
    """Of a Job: it will fail, and has none but pods that end."""
    ended_at: int = 0
    """Of a Job: when its controller said that it has ended, which it does when none of its pods is left or runs; 0: it has not."""
    obstacle: str = ""
    """Why its pods could not be made, where it says so itself."""
    asked: int | None = None
    """Of a service's Deployment: pods that were asked for when its `replicas` were written, those that only stand in for others not
    counted; None if it does not say."""
    version: str = ""
    """Of a service's Deployment: which template it was given."""
    surges: bool = True
    """Of a Deployment: whether a pod of a new version comes before one of the old goes."""

    @property
    def made_for(self) -> str:
        """The UID of the GPUWorkload whose child it says it is; empty if it says no such thing."""
        group, _, rest = self.owner_kind.partition("/")
        return self.owner_uid if group == GROUP and rest.rpartition("/")[2] == "GPUWorkload" else ""


@dataclass(frozen=True, slots=True)
class NamespaceFact:
    """A namespace and whose it is."""

    name: str
    tenant: str
    terminating: bool
    listed_by: str = ""
    """The Tenant whose spec.namespaces the label came from; empty: it was set by hand."""


@dataclass(frozen=True, slots=True)
class PriorityFact:
    """A PriorityClass."""

    name: str
    value: int
    is_default: bool


def read_node(node: records.Node) -> NodeFact:
    """What matters of a node; heartbeats do not."""
    allocatable, capacity = parse_amounts(node.status.allocatable), parse_amounts(node.status.capacity)
    return NodeFact(
        name=NodeName(node.metadata.name),
        labels=node.metadata.labels or {},
        cpu_milli=allocatable.get("cpu", 0),
        memory_bytes=allocatable.get("memory", 0),
        pods=allocatable.get("pods", 0),
        allocatable=_extended(allocatable),
        capacity=_extended(capacity),
        taints=tuple(node.spec.taints or ()),
        ready=_holds(node.status.conditions, "Ready"),
        unschedulable=node.spec.unschedulable or node.metadata.deletion_timestamp is not None,
        released=RELEASED_ANNOTATION in (node.metadata.annotations or {}),
    )


def read_pod(pod: records.Pod) -> PodView:
    """What matters of a pod."""
    child, rank = find_child(pod.metadata)
    owner = pod.metadata.controller
    return PodView(
        namespace=pod.metadata.namespace,
        name=pod.metadata.name,
        uid=pod.metadata.uid,
        child=child,
        rank=rank,
        owner_uid=owner.uid if owner else "",
        node=NodeName(pod.spec.node_name) if pod.spec.node_name else None,
        shape=read_shape(pod.spec),
        phase=pod.status.phase,
        ready=_holds(pod.status.conditions, "Ready"),
        terminating=pod.metadata.deletion_timestamp is not None,
        created_at=pod.metadata.created_at,
        priority=pod.spec.priority,
        priority_class=pod.spec.priority_class_name or "",
        wishes=_wishes(pod.metadata),
        signal=(pod.metadata.annotations or {}).get(RESIZE_ANNOTATION, ""),
        unstarted=find_unstarted(pod.status),
        stuck=_find_stuck(pod),
        ending_seconds=pod.metadata.deletion_grace_period_seconds,
        started_at=int(pod.status.start_time.timestamp()) if pod.status.start_time else 0,
        finished_at=find_end(pod) if pod.status.phase in _FINISHED else 0,
        address=pod.status.pod_ip,
        host_address=pod.status.host_ip,
        deletion_cost=(pod.metadata.annotations or {}).get(DELETION_COST_ANNOTATION, ""),
    )


def read_job(job: records.Job) -> ChildFact:
    """What matters of a Job."""
    spec = job.spec
    parallelism = 1 if spec.parallelism is None else spec.parallelism
    ends = [each for each in job.status.conditions or () if each.type in {"Complete", "Failed"} and each.status == "True"]
    failed = next((each for each in ends if each.type == "Failed"), None)
    fact = _child(
        "Job",
        job.metadata,
        spec.template,
        replicas=parallelism if spec.completions is None else min(parallelism, spec.completions),
        remaining=parallelism if spec.completions is None else min(parallelism, spec.completions - job.status.succeeded),
        ranked=spec.completion_mode == "Indexed",
        suspended=spec.suspend,
        finished=bool(ends),
        failed=_explain_failure(job, failed) if failed else None,
    )
    return replace(
        fact,
        failing=not ends and _holds(job.status.conditions, "FailureTarget"),
        ended_at=max((int(each.last_transition_time.timestamp()) for each in ends if each.last_transition_time), default=0),
    )


def read_scaled(kind: str, scaled: records.Scaled) -> ChildFact:
    """What matters of a Deployment, StatefulSet or ReplicaSet."""
    replicas = 1 if scaled.spec.replicas is None else scaled.spec.replicas
    failing = (each for each in scaled.status.conditions or () if each.type == "ReplicaFailure" and each.status == "True")
    annotations, rolling = scaled.metadata.annotations or {}, scaled.spec.strategy.rolling_update
    return replace(
        _child(kind, scaled.metadata, scaled.spec.template, replicas=replicas),
        obstacle=next((each.message for each in failing), ""),
        asked=parse_count(annotations.get(REPLICAS_ANNOTATION, "")),
        version=annotations.get(TEMPLATE_ANNOTATION, ""),
        surges=rolling is None or rolling.max_surge not in {0, "0%"},
    )


def read_namespace(namespace: records.Namespace) -> NamespaceFact:
    """What matters of a namespace."""
    metadata = namespace.metadata
    return NamespaceFact(
        name=metadata.name,
        tenant=(metadata.labels or {}).get(TENANT_LABEL, ""),
        terminating=metadata.deletion_timestamp is not None,
        listed_by=(metadata.annotations or {}).get(LISTED_BY_ANNOTATION, ""),
    )


def read_priority(priority: records.PriorityClass) -> PriorityFact:
    """What matters of a PriorityClass."""
    return PriorityFact(priority.metadata.name, priority.value, priority.global_default)


def _child(  # noqa: PLR0913 one argument a difference between the kinds
    kind: str,
    metadata: records.Metadata,
    template: records.Template,
    *,
    replicas: int,
    remaining: int | None = None,
    ranked: bool = False,
    suspended: bool = False,
    finished: bool = False,
    failed: str | None = None,
) -> ChildFact:
    owner = metadata.controller
    return ChildFact(
        key=ChildKey(kind, metadata.namespace, metadata.name),
        uid=metadata.uid,
        generation=metadata.generation,
        owner_kind=f"{owner.api_version}/{owner.kind}" if owner else "",
        owner_name=owner.name if owner else "",
        owner_uid=owner.uid if owner else "",
        shape=read_shape(template.spec),
        replicas=replicas,
        remaining=replicas if remaining is None else remaining,
        ranked=ranked,
        suspended=suspended,
        held=(metadata.annotations or {}).get(HELD_ANNOTATION) == "true",
        finished=finished,
        failed=failed is not None,
        message=failed or "",
        terminating=metadata.deletion_timestamp is not None,
        created_at=metadata.created_at,
        priority_class=template.spec.priority_class_name or "",
        wishes=_wishes(metadata),
    )


def parse_count(text: str) -> int | None:
    """A number of pods as an annotation says it, where anybody may have written; None if it is none."""
    return int(text) if _COUNT.fullmatch(text) else None


def _explain_failure(job: records.Job, failed: records.Condition) -> str:
    """In its own words, but for a time that is over: those name no time."""
    seconds = job.spec.active_deadline_seconds
    if failed.reason != "DeadlineExceeded" or seconds is None:
        return failed.message
    owner = job.metadata.controller
    ours = owner is not None and owner.api_version.partition("/")[0] == GROUP
    return f"its {'walltime' if ours else '`activeDeadlineSeconds`'} of {seconds} s is over"


def _find_stuck(pod: records.Pod) -> str:
    refused = (each for each in pod.status.conditions or () if each.type == "PodScheduled" and each.status == "False")
    return next((each.message for each in refused if each.reason in {"Unschedulable", "SchedulingGated"}), "")


def _wishes(metadata: records.Metadata) -> tuple[tuple[str, str], ...]:
    annotations = metadata.annotations
    return tuple((name, annotations[name]) for name in _WISHES if name in annotations) if annotations else ()


def _holds(conditions: Sequence[records.Condition] | None, kind: str) -> bool:
    return any(condition.type == kind and condition.status == "True" for condition in conditions or ())


def _extended(amounts: Mapping[str, int]) -> Extended:
    return tuple(sorted((name, amount) for name, amount in amounts.items() if is_extended(name)))
