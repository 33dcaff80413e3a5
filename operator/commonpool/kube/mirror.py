"""What the operator knows of the cluster, and whether anything has changed that a plan may depend on.

Kubernetes' own kinds and Rounds come through reflectors; the kinds that people write are
handed in by whoever watches them (`remember`). Answers to our own writes are put into the
same stores (`learn`, `forget`), so that the next round builds on them before the watch does.
"""

import asyncio
from collections.abc import Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from commonpool.kube import facts, records
from commonpool.kube.client import Client
from commonpool.kube.facts import ChildFact, NamespaceFact, NodeFact, PodView, PriorityFact
from commonpool.kube.load import Load
from commonpool.kube.own import Own, read_own
from commonpool.kube.reflector import Reader, Reflector, parse_version
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
    read_key,
)
from commonpool.kube.rounds import StandingRound, read_round
from commonpool.kube.store import Store

if TYPE_CHECKING:
    from commonpool.api import GPUPool, GPUQuota, GPUWorkload, Tenant
    from commonpool.model.ids import NodeName

READERS: dict[Resource, Reader[Any]] = {
    NODES: Reader(records.Node, facts.read_node),
    PODS: Reader(records.Pod, facts.read_pod),
    NAMESPACES: Reader(records.Namespace, facts.read_namespace),
    PRIORITY_CLASSES: Reader(records.PriorityClass, facts.read_priority),
    JOBS: Reader(records.Job, facts.read_job),
    DEPLOYMENTS: Reader(records.Scaled, partial(facts.read_scaled, "Deployment")),
    STATEFUL_SETS: Reader(records.Scaled, partial(facts.read_scaled, "StatefulSet")),
    ROUNDS: Reader(records.Round, read_round),
}


MOST_DEPARTED = 10_000
"""Who stands by counts nobody and forgets the oldest."""


class Mirror:
    """The stores, one a kind, and `dirty`: set by every change that a plan may depend on, cleared by who plans."""

    def __init__(self) -> None:
        self.dirty = asyncio.Event()
        self.stirred = asyncio.Event()
        """The same for pods that only do what they were promised to: it must be told and booked, but nobody waits for a decision."""
        self.pool_nodes: frozenset[NodeName] = frozenset()
        """Nodes of some pool, as of the last reading: pods there matter even if they ask for no accelerator."""
        self.nodes: Store[NodeFact] = Store(self._touch)
        self.pods: Store[PodView] = Store(self._touch_pod)
        self.departed: dict[str, PodView] = {}
        """Pods that had begun and are gone, by UID, as they were last, until what they used is counted (`settle`)."""
        self.namespaces: Store[NamespaceFact] = Store(self._touch)
        self.priorities: Store[PriorityFact] = Store(self._touch)
        self.jobs: Store[ChildFact] = Store(self._touch)
        self.deployments: Store[ChildFact] = Store(self._touch)
        self.stateful_sets: Store[ChildFact] = Store(self._touch)
        self.rounds: Store[StandingRound] = Store(self._touch)
        self.loads: Mapping[str, Load] = {}
        """How many pods each service should have, by the UID of its GPUWorkload; see `follow`."""
        self.pools: Store[Own[GPUPool]] = Store(self._touch)
        self.tenants: Store[Own[Tenant]] = Store(self._touch)
        self.quotas: Store[Own[GPUQuota]] = Store(self._touch)
        self.workloads: Store[Own[GPUWorkload]] = Store(self._touch)
        self._by_resource: dict[Resource, Store[Any]] = {
            NODES: self.nodes,
            PODS: self.pods,
            NAMESPACES: self.namespaces,
            PRIORITY_CLASSES: self.priorities,
            JOBS: self.jobs,
            DEPLOYMENTS: self.deployments,
            STATEFUL_SETS: self.stateful_sets,
            ROUNDS: self.rounds,
        }
        self._by_plural: dict[str, Store[Any]] = {
            "gpupools": self.pools,
            "tenants": self.tenants,
            "gpuquotas": self.quotas,
            "gpuworkloads": self.workloads,
        }
        self._highest_number = 0

    def build_reflectors(self, client: Client) -> list[Reflector[Any]]:
        """One for each kind that is not handed in; to be run side by side, all synced before the first reading."""
        return [Reflector(client, resource, READERS[resource], store) for resource, store in self._by_resource.items()]

    def remember(self, plural: str, body: Mapping[str, Any], gone: bool) -> None:  # noqa: FBT001 the face that kopf's handlers call
        """Note one of our own objects, or its end. What an answer to our own write has shown already is not read again: that is dear."""
        store, metadata = self._by_plural[plural], body["metadata"]
        key, uid = read_key(body), str(metadata.get("uid") or "")
        if gone:
            store.drop(key, uid)
        elif not store.knows(key, uid, parse_version(str(metadata.get("resourceVersion") or ""))):
            store.put(read_own(plural, body))

    def retain(self, plural: str, uids: Collection[str], version: int) -> None:
        """Drop what a list of all UIDs as of `version` lacks: a delete that the watcher missed shows here."""
        store = self._by_plural[plural]
        for seen in [seen for seen in store.seen() if seen.version <= version and seen.uid not in uids]:
            store.drop(seen.key, seen.uid)

    def learn(self, resource: Resource, body: bytes) -> None:
        """Note what the apiserver answered to our own write."""
        if resource in self._by_resource:
            self._by_resource[resource].put(READERS[resource].read(body))

    def forget(self, resource: Resource, namespace: str, name: str, uid: str) -> None:
        """Note that we deleted an object."""
        if resource in self._by_resource:
            self._by_resource[resource].bury((namespace, name), uid)

    def follow(self, loads: Mapping[str, Load]) -> None:
        """Note the services' loads as they were read last."""
        if loads != self.loads:
            self.loads = dict(loads)
            self.dirty.set()

    def find_child(self, kind: str, namespace: str, name: str) -> ChildFact | None:
        """The object that makes a workload's pods."""
        stores = {"Job": self.jobs, "Deployment": self.deployments, "StatefulSet": self.stateful_sets}
        return stores[kind].find(namespace, name) if kind in stores else None

    @property
    def next_number(self) -> int:
        """Of the next Round: above all that were ever seen."""
        known = (standing.round.id.number for standing in self.rounds)
        self._highest_number = max((self._highest_number, *known))
        return self._highest_number + 1

    def _touch(self, _old: object, _new: object) -> None:
        self.dirty.set()

    def settle(self, uid: str) -> None:
        """Forget a pod that is gone."""
        self.departed.pop(uid, None)

    def _touch_pod(self, old: PodView | None, new: PodView | None) -> None:
        if old is not None and old.started_at and old.shape.extended and (new is None or new.uid != old.uid):
            self.departed[old.uid] = old
            if len(self.departed) > MOST_DEPARTED:
                del self.departed[next(iter(self.departed))]
        for pod in (old, new):
            if pod is not None and (pod.shape.extended or pod.node in self.pool_nodes):
                (self.stirred if _is_under_way(old, new) else self.dirty).set()


def _is_under_way(old: PodView | None, new: PodView | None) -> bool:
    """Whether a pod lives on, or is one of a Job's, which are made when they have their places: neither room nor need has changed."""
    if new is None or new.finished or new.terminating:
        return False
    return old is not None or new.child.kind == "Job"
