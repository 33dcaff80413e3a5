"""Raw Kubernetes objects in domain words: what a test does not say has a sensible value."""

import json
from collections.abc import Mapping
from itertools import count
from typing import Any

from commonpool.kube.mirror import READERS, Mirror
from commonpool.kube.resources import (
    DEPLOYMENTS,
    JOBS,
    NAMESPACES,
    NODES,
    PODS,
    PRIORITY_CLASSES,
    ROUNDS,
    STATEFUL_SETS,
    Resource,
)
from commonpool.kube.rounds import build_round
from commonpool.model.names import API_VERSION, HELD_ANNOTATION, JOB_INDEX_LABEL, POOL_TAINT, TENANT_LABEL
from commonpool.model.rounds import Line, Round, RoundId

Body = dict[str, Any]
GPU = "nvidia.com/gpu"
NAMESPACE = "vision-dev"
BORN = "2026-11-22T12:00:00Z"
POOL_TAINTED = {"key": POOL_TAINT, "value": "h100", "effect": "NoSchedule"}

_versions = count(1)


def make_metadata(name: str, namespace: str = "", **more: Any) -> Body:  # noqa: ANN401
    fresh = str(next(_versions))
    plain = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "resourceVersion": fresh, "creationTimestamp": BORN}
    return {**{field: value for field, value in plain.items() if value}, **more}


def make_containers(gpus: int = 1, *, resource: str = GPU, cpu: str = "4", memory: str = "8Gi") -> list[Body]:
    extended = {resource: str(gpus)} if gpus else {}
    return [{"name": "main", "resources": {"requests": {"cpu": cpu, "memory": memory, **extended}, "limits": extended}}]


def node_body(name: str, *, gpus: int = 8, labels: Mapping[str, str] | None = None, taints: list[Body] | None = None, **spec: Any) -> Body:  # noqa: ANN401
    offered = {"cpu": "96", "memory": "1000Gi", "pods": "110", GPU: str(gpus)}
    return {
        "metadata": make_metadata(
            name, labels={"gpu": "h100", "topology.commonpool.dev/block": "b0", "kubernetes.io/hostname": name, **(labels or {})}
        ),
        "spec": {"taints": [POOL_TAINTED] if taints is None else taints, **spec},
        "status": {"allocatable": offered, "capacity": offered, "conditions": [{"type": "Ready", "status": "True"}]},
    }


def pod_body(
    name: str,
    *,
    job: str = "",
    rank: int | None = None,
    node: str = "",
    gpus: int = 1,
    phase: str = "Pending",
    namespace: str = NAMESPACE,
    **spec: Any,  # noqa: ANN401
) -> Body:
    owners = [{"apiVersion": "batch/v1", "kind": "Job", "name": job, "uid": f"uid-{job}", "controller": True}] if job else []
    labels = {JOB_INDEX_LABEL: str(rank)} if rank is not None else {}
    return {
        "metadata": make_metadata(name, namespace, ownerReferences=owners, labels=labels),
        "spec": {"containers": make_containers(gpus), **({"nodeName": node} if node else {}), **spec},
        "status": {"phase": "Running" if node and phase == "Pending" else phase},
    }


def service_pod_body(name: str, deployment: str, *, node: str = "", gpus: int = 1) -> Body:
    body = pod_body(name, node=node, gpus=gpus)
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{deployment}-7d4b9", "uid": "uid-rs", "controller": True}
    body["metadata"] |= {"ownerReferences": [owner], "labels": {"pod-template-hash": "7d4b9"}}
    return body


def job_body(
    name: str,
    *,
    pods: int = 2,
    gpus: int = 1,
    suspended: bool = False,
    held: bool = False,
    indexed: bool = True,
    owner_uid: str = "",
    done: str = "",
    **spec: Any,  # noqa: ANN401
) -> Body:
    owners = [{"apiVersion": API_VERSION, "kind": "GPUWorkload", "name": name, "uid": owner_uid, "controller": True}] if owner_uid else []
    return {
        "metadata": make_metadata(name, NAMESPACE, ownerReferences=owners, annotations={HELD_ANNOTATION: "true"} if held else {}),
        "spec": {
            "parallelism": pods,
            "completions": pods,
            "completionMode": "Indexed" if indexed else "NonIndexed",
            "suspend": suspended,
            "template": {"spec": {"containers": make_containers(gpus), **spec}},
        },
        "status": {"conditions": [{"type": done, "status": "True"}] if done else []},
    }


def deployment_body(name: str, *, replicas: int = 2, gpus: int = 1, owner_uid: str = "") -> Body:
    owners = [{"apiVersion": API_VERSION, "kind": "GPUWorkload", "name": name, "uid": owner_uid, "controller": True}] if owner_uid else []
    return {
        "metadata": make_metadata(name, NAMESPACE, ownerReferences=owners, annotations={"deployment.kubernetes.io/revision": "1"}),
        "spec": {"replicas": replicas, "template": {"spec": {"containers": make_containers(gpus)}}},
    }


def own_body(kind: str, name: str, spec: Body, *, namespace: str = "", generation: int = 1, **more: Any) -> Body:  # noqa: ANN401
    metadata = make_metadata(name, namespace, generation=generation, **more)
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {**metadata, "uid": f"uid-{kind}-{name}"}, "spec": spec}


def pool_body(name: str = "h100", **spec: Any) -> Body:  # noqa: ANN401
    return own_body("GPUPool", name, {"vendor": "nvidia", "model": "H100-SXM-80GB", "nodes": {"matchLabels": {"gpu": "h100"}}, **spec})


def workload_body(name: str, way: str, said: Body, *, gpus: int = 8, generation: int = 1, **spec: Any) -> Body:  # noqa: ANN401
    template = {"spec": {"containers": [{"name": "main", "image": "x", "resources": {"requests": {"cpu": "4", "memory": "8Gi"}}}]}}
    whole = {"accelerators": {"perReplica": gpus}, way: {"template": template, **said}, **spec}
    return own_body("GPUWorkload", name, whole, namespace=NAMESPACE, generation=generation)


def training_body(name: str = "pretrain", replicas: int = 2, **more: Any) -> Body:  # noqa: ANN401
    return workload_body(name, "training", {"replicas": {"min": replicas, "max": replicas}}, **more)


def inference_body(name: str = "chat", replicas: int = 3, **more: Any) -> Body:  # noqa: ANN401
    return workload_body(name, "inference", {"replicas": {"min": replicas, "max": replicas + 2}}, **more)


def hpc_body(name: str = "solver", nodes: int = 2, **said: Any) -> Body:  # noqa: ANN401
    return workload_body(name, "hpc", {"nodes": nodes, "walltimeSeconds": 600, **said})


def tracked_body(name: str, kind: str = "Job", *, uid: str = "", gpus: int = 1) -> Body:
    api_version = {"Job": "batch/v1", "Pod": "v1"}.get(kind, "apps/v1")
    tracked = {"apiVersion": api_version, "kind": kind, "name": name, "uid": uid or f"uid-{name}"}
    return own_body("GPUWorkload", name, {"accelerators": {"perReplica": gpus}, "tracked": tracked}, namespace=NAMESPACE)


PLURALS = {"GPUPool": "gpupools", "Tenant": "tenants", "GPUQuota": "gpuquotas", "GPUWorkload": "gpuworkloads"}


class FilledMirror(Mirror):
    """A mirror of four H100 nodes, a tenant and its namespace, and what a test puts beside them."""

    def __init__(self, nodes: int = 4) -> None:
        super().__init__()
        self.own(pool_body())
        self.own(own_body("Tenant", "vision", {}))
        self.see(NAMESPACES, {"metadata": make_metadata(NAMESPACE, labels={TENANT_LABEL: "vision"})})
        for index in range(nodes):
            self.see(NODES, node_body(f"gpu-{index}"))

    def see(self, resource: Resource, *bodies: Body) -> None:
        for body in bodies:
            self.learn(resource, json.dumps(body).encode())

    def pods_are(self, *bodies: Body) -> None:
        self.see(PODS, *bodies)

    def jobs_are(self, *bodies: Body) -> None:
        self.see(JOBS, *bodies)

    def deployments_are(self, *bodies: Body) -> None:
        self.see(DEPLOYMENTS, *bodies)

    def stateful_sets_are(self, *bodies: Body) -> None:
        self.see(STATEFUL_SETS, *bodies)

    def priority_is(self, name: str, value: int, *, default: bool = False) -> None:
        self.see(PRIORITY_CLASSES, {"metadata": make_metadata(name), "value": value, "globalDefault": default})

    def promised(self, *lines: Line, epoch: int = 1, number: int = 1) -> None:
        manifest = build_round(Round(RoundId(epoch, number, 1), tuple(lines)), 1)
        self.see(ROUNDS, {**manifest, "metadata": make_metadata(manifest["metadata"]["name"])})

    def own(self, *bodies: Body) -> None:
        for body in bodies:
            self.remember(PLURALS[body["kind"]], body, gone=False)


def read(resource: Resource, body: Body) -> Any:  # noqa: ANN401
    """What the mirror would keep of one object."""
    return READERS[resource].read(json.dumps(body).encode()).value
