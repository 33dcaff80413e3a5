"""The whole cluster at one instant, and the laws that hold at every instant.

All kinds are listed at one and the same resourceVersion, so that nothing is seen twice or not at all
while it changes. What is promised is read by the operator's own reading; what is bound is summed
up here a second time, from the pods as they are.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from commonpool.kube.mirror import READERS, Mirror
from commonpool.kube.read import World, read_world
from commonpool.kube.read.needs import count_wanted
from commonpool.kube.resources import LEASES, PODS, ROUNDS, Resource
from commonpool.kube.survey import OWN
from commonpool.local.client import Client, Manifest
from commonpool.model.names import LEASE_NAME, SCHEDULER_NAME, SYSTEM_NAMESPACE, TENANT_LABEL
from commonpool.model.usage import sum_usage

ACCELERATORS = frozenset({"nvidia.com/gpu"})


@dataclass(frozen=True, slots=True)
class Instant:
    """What there was, as it is and as the operator reads it."""

    world: World
    items: dict[str, list[Manifest]]
    """By the plural of the kind."""

    @property
    def epoch(self) -> int:
        """Of who leads, or led last."""
        return next((int(lease["spec"]["leaseTransitions"]) for lease in self.items["leases"]), 0)

    def pods(self) -> list[Manifest]:
        """Pods with a node that hold accelerators there."""
        return [pod for pod in self.items["pods"] if pod["spec"].get("nodeName") and count_accelerators(pod) and not is_finished(pod)]


def read_instant(client: Client) -> Instant:
    pods = client.get(PODS.path())
    version = pods["metadata"]["resourceVersion"]
    items, mirror = {"pods": pods["items"]}, Mirror()
    for resource in (*READERS, *OWN):
        if resource is not PODS:
            items[resource.plural] = client.request("GET", resource.path(), query=_at(version))["items"]
        for item in items[resource.plural]:
            _tell(mirror, resource, item)
    leases = client.request("GET", LEASES.path(SYSTEM_NAMESPACE), query=_at(version))["items"]
    items["leases"] = [lease for lease in leases if lease["metadata"]["name"] == LEASE_NAME]
    world = read_world(mirror, now_at=int(time.time()), epoch=0)  # noqa: TID251 - only start times depend on it
    return Instant(world, items)


def _at(version: str) -> dict[str, str]:
    return {"resourceVersion": version, "resourceVersionMatch": "Exact"}


def _tell(mirror: Mirror, resource: Resource, item: Manifest) -> None:
    body = {"apiVersion": resource.api_version, "kind": resource.kind, **item}
    if resource in READERS:
        mirror.learn(resource, json.dumps(body).encode())
    else:
        mirror.remember(resource.plural, body, gone=False)


def count_accelerators(pod: Manifest) -> int:
    containers = pod["spec"]["containers"]
    return sum(
        int(amount)
        for container in containers
        for name, amount in container.get("resources", {}).get("requests", {}).items()
        if name in ACCELERATORS
    )


def is_finished(pod: Manifest) -> bool:
    return pod.get("status", {}).get("phase") in {"Succeeded", "Failed"}


def count_at_once(job_spec: Manifest) -> int:
    """The pods that a Job runs side by side when it begins."""
    return int(min(job_spec["parallelism"], job_spec.get("completions", job_spec["parallelism"])))


def find_breaches(instant: Instant, before: Instant | None = None) -> list[str]:
    """What breaks a law now, in words; empty if nothing does. `before`: an earlier instant, for the laws about what may follow what."""
    late = _late_promises(before, instant) if before is not None else ()
    return [*_overfull_nodes(instant), *_uncounted_pods(instant), *_exceeded_quotas(instant), *_torn_gangs(instant), *late]


def _late_promises(before: Instant, instant: Instant) -> Iterator[str]:
    """Fencing: once an epoch has begun, nothing is written in an earlier one, and it never ends for an earlier one."""
    if instant.epoch < before.epoch:
        yield f"fencing: epoch {instant.epoch} after epoch {before.epoch}"
    known = {round_["metadata"]["uid"] for round_ in before.items[ROUNDS.plural]}
    for round_ in instant.items[ROUNDS.plural]:
        if round_["metadata"]["uid"] not in known and round_["spec"]["epoch"] < before.epoch:
            yield f"fencing: Round `{round_['metadata']['name']}` of epoch {round_['spec']['epoch']} was written in epoch {before.epoch}"


def _overfull_nodes(instant: Instant) -> Iterator[str]:
    """Law 1."""
    bound = Counter[str]()
    for pod in instant.pods():
        bound[pod["spec"]["nodeName"]] += count_accelerators(pod)
    for node in instant.items["nodes"]:
        name, has = node["metadata"]["name"], sum(int(node["status"]["allocatable"].get(each, 0)) for each in ACCELERATORS)
        if bound[name] > has:
            yield f"law 1: the pods on `{name}` hold {bound[name]} accelerators, it has {has}"
    taken = {node.name: node.foreign for node in instant.world.snapshot.nodes}
    for workload in instant.world.snapshot.workloads:
        for holding in workload.holdings:
            if holding.node in taken:
                taken[holding.node] += holding.amounts
    for model in instant.world.snapshot.nodes:
        if any(has < wants for has, wants in zip(model.capacity.vector, taken[model.name].vector, strict=True)):
            yield f"law 1: `{model.name}` has {model.capacity} and {taken[model.name]} are promised or taken"


def _uncounted_pods(instant: Instant) -> Iterator[str]:
    """Law 2: usage is bound pods and promises, no accelerator of a tenant is taken beside the pool."""
    tenants = {each["metadata"]["name"]: each["metadata"].get("labels", {}).get(TENANT_LABEL) for each in instant.items["namespaces"]}
    bound = Counter[str]()
    for pod in instant.pods():
        tenant = tenants.get(pod["metadata"]["namespace"])
        if tenant:
            bound[tenant] += (accelerators := count_accelerators(pod))
            if accelerators and pod["spec"]["schedulerName"] != SCHEDULER_NAME:
                yield f"law 2: pod `{pod['metadata']['name']}` of `{tenant}` came by `{pod['spec']['schedulerName']}`"
    counted = Counter[str]()
    for (name, _), use in sum_usage(instant.world.snapshot).tenants.items():
        counted[name] += use.bound // 1000
    if +bound != +counted:
        yield f"law 2: tenants' pods hold {dict(bound)}, the ledger says {dict(counted)}"


def _exceeded_quotas(instant: Instant) -> Iterator[str]:
    """Law 2."""
    for line, use in sum_usage(instant.world.snapshot).lines.items():
        if line.limit is not None and use.used > line.limit:
            yield f"law 2: `{line.tenant}` holds {use.used} of {line.pools}, its limit is {line.limit}"
        if line.borrowable is not None and use.borrowed > line.borrowable:
            yield f"law 2: `{line.tenant}` borrows {use.borrowed} of {line.pools}, it may borrow {line.borrowable}"


def _torn_gangs(instant: Instant) -> Iterator[str]:
    """Law 3, of gangs that have neither begun to end nor to be deleted."""
    wanted = {(job["metadata"]["namespace"], job["metadata"]["name"]): count_at_once(job["spec"]) for job in instant.items["jobs"]}
    for run in instant.world.runs:
        if run.child.kind != "Job" or not run.alive or run.leaving or any(pod.finished or pod.terminating for pod in run.pods):
            continue
        places = len(run.promises) + sum(pod.node is not None for pod in run.pods)
        least = wanted.get((run.child.namespace, run.child.name), count_wanted(run))  # its Job may not exist yet
        if run.status.resize is not None:  # of what is given back the promises go first, then its Job becomes smaller
            least = min(least, run.status.resize.replicas)
        if 0 < places < least:
            yield f"law 3: {places} of {least} pods of `{run.child.path}` have places"
