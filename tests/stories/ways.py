"""The ways around the queue that a tenant's user may try, each with what the refusal says and an honest twin that passes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from tests.stories.manifests import GPU, POOL_TOLERATION, make_apps, make_cron_job, make_gpu_workload, make_job, make_pod, make_pod_spec

from commonpool.local.client import Manifest

EVERY_TAINT: Manifest = {"operator": "Exists"}
CLAIM: Manifest = {"resourceClaims": [{"name": "mine", "resourceClaimName": "mine"}]}
FORGED = {"app": "it", "commonpool.dev/tenant": "rival"}
DEVICE = {"deviceclass.resource.kubernetes.io/gpu": "1"}
INIT = [{"name": "init", "image": "registry.example/init:1", "resources": {"limits": GPU}}]


@dataclass(frozen=True)
class Way:
    """One way around the queue: what is refused, what the refusal says, and the honest twin."""

    name: str
    refused: Manifest
    says: str
    twin: Manifest
    elsewhere: bool = False
    """In a namespace that belongs to no tenant."""


def make_ways_of_a_pod(make: Callable[..., Manifest], at: str) -> Iterator[Way]:
    """Build what is refused the same in a pod and in every template; `at` is where the pod stands in it."""
    kind, spec = make()["kind"], f"{at}spec"

    def way(name: str, refused: Manifest, says: str, twin: Manifest) -> Way:
        return Way(f"{kind}: {name}", refused, says, twin)

    selected = make(GPU, nodeSelector={"kubernetes.io/hostname": "gpu-0001"})
    other_taint = make(tolerations=[{"key": "example.com/spare", "operator": "Exists"}])
    evicted_late = make(tolerations=[{"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}])
    yield way("a node of its own choice", make(GPU, nodeName="gpu-0001"), f"{spec}.nodeName `gpu-0001` would pass the queue by", selected)
    yield way("a node, without accelerators", make(nodeName="gpu-0001"), f"{spec}.nodeName `gpu-0001`", make())
    yield way("another scheduler", make(GPU, schedulerName="volcano"), f"{spec}.schedulerName `volcano`", make(schedulerName="volcano"))
    yield way(
        "the pool's scheduler without need", make(schedulerName="commonpool"), f"{spec}.schedulerName `commonpool` plans only", make()
    )
    yield way(
        "the pool's toleration without need", make(tolerations=[POOL_TOLERATION]), f"{spec}.tolerations: `commonpool.dev/pool`", make(GPU)
    )
    yield way("every taint tolerated", make(tolerations=[EVERY_TAINT]), f"{spec}.tolerations: `operator: Exists`", other_taint)
    yield way(
        "every NoSchedule tolerated",
        make(tolerations=[EVERY_TAINT | {"effect": "NoSchedule"}]),
        f"{spec}.tolerations: `operator: Exists`",
        evicted_late,
    )
    yield way(
        "none asked for, tolerated",
        make({"nvidia.com/gpu": "0"}, tolerations=[POOL_TOLERATION]),
        f"{spec}.tolerations",
        make({"nvidia.com/gpu": "0"}),
    )
    yield way(
        "a forged label",
        make(GPU, labels=FORGED),
        f"{at}metadata.labels: `commonpool.dev/tenant` is the pool's own",
        make(GPU, labels={"app": "it"}),
    )
    yield way(
        "a claim that nobody counts", make(**CLAIM), f"{spec}.resourceClaims: `mine` would take devices that nobody counts", make(GPU)
    )
    yield way("a device class as a resource", make(DEVICE), f"{spec}.containers: `deviceclass.resource.kubernetes.io/gpu`", make(GPU))
    yield way(
        "more accelerators than 64 bits",
        make({"nvidia.com/gpu": "18446744073709551624"}),
        f"{spec}.containers: no node has so much `nvidia.com/gpu`",
        make(GPU),
    )
    yield way(
        "a limit of cpu beyond all bounds",
        make(GPU | {"cpu": "1e400"}),
        f"{spec}.containers: no node has so much `cpu`",
        make(GPU | {"cpu": "999k", "memory": "256Ti", "ephemeral-storage": "20Ti"}),
    )
    yield way(
        "the cluster's own priority",
        make(GPU, priorityClassName="system-node-critical"),
        f"{spec}.priorityClassName `system-node-critical`",
        make(GPU),
    )
    yield way(
        "gone before its containers are",
        make(GPU, terminationGracePeriodSeconds=0),
        f"{spec}.terminationGracePeriodSeconds `0`",
        make(GPU, terminationGracePeriodSeconds=1),
    )


def make_kind(kind: str) -> Callable[..., Manifest]:
    return partial(make_apps, kind)


TRACKED = {"apiVersion": "batch/v1", "kind": "Job", "name": "other", "uid": "1"}
WORKLOAD_TEMPLATE = {"replicas": {"min": 1, "max": 1}}
OTHER_WAYS = (
    Way(
        "an accelerator that only an init container asks for",
        make_pod(schedulerName="volcano", initContainers=INIT),
        "spec.schedulerName `volcano`",
        make_pod(initContainers=INIT),
    ),
    Way(
        "GPUWorkload: it tracks what it likes",
        make_gpu_workload(tracked=TRACKED),
        "spec.tracked: only the operator tracks objects: leave out `Job other`",
        make_gpu_workload(),
    ),
    Way(
        "GPUWorkload: the cluster's own priority",
        make_gpu_workload(priorityClassName="system-cluster-critical"),
        "spec.priorityClassName `system-cluster-critical`",
        make_gpu_workload(priorityClassName="vision-high"),
    ),
    Way(
        "GPUWorkload: a forged label in its template",
        make_gpu_workload(training=WORKLOAD_TEMPLATE | {"template": {"metadata": {"labels": FORGED}, "spec": make_pod_spec()}}),
        "template.metadata.labels: `commonpool.dev/tenant`",
        make_gpu_workload(training=WORKLOAD_TEMPLATE | {"template": {"metadata": {"labels": {"app": "it"}}, "spec": make_pod_spec()}}),
    ),
    Way(
        "GPUWorkload: a claim in its template",
        make_gpu_workload(training=WORKLOAD_TEMPLATE | {"template": {"spec": make_pod_spec(**CLAIM)}}),
        "template.spec.resourceClaims: `mine`",
        make_gpu_workload(training=WORKLOAD_TEMPLATE | {"template": {"spec": make_pod_spec(nodeSelector={"zone": "a"})}}),
    ),
    Way(
        "elsewhere: the pool's toleration",
        make_pod(GPU, tolerations=[POOL_TOLERATION]),
        "spec.tolerations: `commonpool.dev/pool` opens accelerator nodes, and namespace `nobody-",
        make_pod(GPU),
        elsewhere=True,
    ),
    Way(
        "elsewhere: every taint tolerated",
        make_pod(tolerations=[EVERY_TAINT]),
        "spec.tolerations: `operator: Exists`",
        make_pod(tolerations=[EVERY_TAINT | {"effect": "NoExecute"}]),
        elsewhere=True,
    ),
    Way(
        "elsewhere: past the scheduler",
        make_pod(GPU, nodeName="gpu-0001"),
        "spec.nodeName `gpu-0001`",
        make_pod(nodeName="cpu-0001"),
        elsewhere=True,
    ),
)
WAYS = (
    *make_ways_of_a_pod(make_pod, ""),
    *make_ways_of_a_pod(make_job, "spec.template."),
    *make_ways_of_a_pod(make_cron_job, "spec.jobTemplate.spec.template."),
    *(
        way
        for kind in ("Deployment", "StatefulSet", "ReplicaSet", "DaemonSet")
        for way in make_ways_of_a_pod(make_kind(kind), "spec.template.")
    ),
    *OTHER_WAYS,
)
