"""Objects that tenants wrote as they are, each with a GPUWorkload that stands for it.

Level-triggered: given what exists, it says what should be made, changed and removed, and
nothing once that is so. A tracked object is known by its UID, never by its name
alone; the GPUWorkload is owned by it and goes with it.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from commonpool.api import GPUWorkload
from commonpool.api.wishes import parse_wishes
from commonpool.kube.children import find_child_key
from commonpool.kube.facts import ChildFact, PodView
from commonpool.kube.shapes import Shape
from commonpool.kube.writes import Manifest, Verb, Write
from commonpool.model.ids import ChildKey
from commonpool.model.names import API_VERSION

API_VERSIONS: Mapping[str, str] = {
    "Job": "batch/v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Pod": "v1",
}
"""The kinds that are tracked."""
MOST_PER_REPLICA = 1024
LONGEST_NAME = 253

Identity = tuple[ChildKey, str]
"""Name and UID. A pod says itself whose it is, so that the UID alone is no proof."""


@dataclass(frozen=True, slots=True)
class Trackable:
    """An object that runs pods, or a pod that runs by itself."""

    key: ChildKey
    uid: str
    shape: Shape
    priority_class: str
    wishes: tuple[tuple[str, str], ...]
    created_at: int
    owner: ChildKey | None
    """Its controller, if that is of our kinds or one that we track."""
    owner_uid: str
    over: bool
    """It has finished or is being deleted: not worth beginning with."""

    @property
    def identity(self) -> Identity:
        """What a GPUWorkload says of the object that it stands for."""
        return self.key, self.uid


def find_tracked(workload: GPUWorkload) -> Identity | None:
    """The object that a GPUWorkload stands for; None if it stands for itself."""
    key, tracked = find_child_key(workload), workload.spec.tracked
    return (key, tracked.uid) if tracked is not None and key is not None else None


def read_trackables(children: Iterable[ChildFact], pods: Iterable[PodView]) -> list[Trackable]:
    """What could be tracked: every child object, every pod that is its own workload, every ReplicaSet without a Deployment."""
    found = [
        Trackable(
            key=child.key,
            uid=child.uid,
            shape=child.shape,
            priority_class=child.priority_class,
            wishes=child.wishes,
            created_at=child.created_at,
            owner=_read_owner(child),
            owner_uid=child.owner_uid,
            over=child.finished or child.terminating,
        )
        for child in children
    ]
    return found + [_read_pods(members) for members in _group_pods(pods)]


def _read_owner(child: ChildFact) -> ChildKey | None:
    if not child.owner_uid:
        return None
    kind = child.owner_kind.rpartition("/")[2]
    is_ours = bool(child.made_for) or kind != "GPUWorkload"
    return ChildKey(kind if is_ours else child.owner_kind, child.key.namespace, child.owner_name)


def _group_pods(pods: Iterable[PodView]) -> Iterable[list[PodView]]:
    """Pods that stand for themselves, and those of a ReplicaSet, which is known by its pods only."""
    groups: defaultdict[str, list[PodView]] = defaultdict(list)
    for pod in pods:
        if pod.child.kind in {"Pod", "ReplicaSet"}:
            groups[pod.uid if pod.child.kind == "Pod" else pod.owner_uid].append(pod)
    return groups.values()


def _read_pods(pods: list[PodView]) -> Trackable:
    first = min(pods, key=lambda pod: (pod.finished or pod.terminating, pod.created_at, pod.name))
    return Trackable(
        key=first.child,
        uid=first.uid if first.child.kind == "Pod" else first.owner_uid,
        shape=first.shape,
        priority_class=first.priority_class,
        wishes=first.wishes,
        created_at=first.created_at,
        owner=None,
        owner_uid=first.owner_uid,
        over=first.finished or first.terminating,
    )


def plan_tracking(
    objects: Iterable[Trackable], workloads: Iterable[GPUWorkload], namespaces: Collection[str], resources: Collection[str]
) -> list[Write]:
    """The writes after which each object that asks for one of `resources` in a tenant's namespace has one GPUWorkload.

    `objects` and `workloads` must be all there are; `namespaces`: those of tenants. Stable
    whatever the order in which they come: the oldest object gets the plain name.
    """
    known = sorted(objects, key=lambda each: (each.created_at, each.key, each.uid))
    existing = list(workloads)
    keys = {each.key for each in known}
    made_by = {each.metadata.uid: find_child_key(each) if each.spec.tracked is None else None for each in existing}
    asking = {
        each.identity: (each, resource)
        for each in known
        if each.key.namespace in namespaces
        and (resource := next((name for name, _ in each.shape.extended if name in resources), None)) is not None
        and not _belongs_to_another(each, made_by, keys)
    }
    kept, surplus = _tell_apart(existing, {each.identity for each in known}, asking)
    taken: defaultdict[str, set[str]] = defaultdict(set)
    for workload in existing:
        taken[workload.metadata.namespace or ""].add(workload.metadata.name)
    writes = [Write(Verb.DELETE, _identify(workload)) for workload in surplus]
    for identity, (each, resource) in asking.items():
        spec = _build_spec(each, resource)
        if identity in kept:
            if (change := _find_change(kept[identity], spec)) is not None:
                writes.append(Write(Verb.PATCH, {**_identify(kept[identity]), "spec": change}))
        elif not each.over:
            name = _choose_name(each, taken[each.key.namespace])
            taken[each.key.namespace].add(name)
            writes.append(Write(Verb.CREATE, _build_workload(each, name, spec)))
    return writes


def _belongs_to_another(each: Trackable, made_by: Mapping[str | None, ChildKey | None], keys: Collection[ChildKey]) -> bool:
    """Whether its pods count as somebody else's.

    An owner reference is only a claim: it is believed where the owner really makes such an object. A GPUWorkload that does not exist
    any more is believed too: the garbage collector removes what refers to it, and until then nothing lets it have a place.
    """
    if each.owner is None:
        return False
    if each.owner.kind == "GPUWorkload":
        return made_by.get(each.owner_uid, each.key) == each.key
    return each.key.kind == "ReplicaSet" and each.owner.kind == "Deployment" and each.owner in keys


def _tell_apart(
    workloads: Iterable[GPUWorkload], known: Collection[Identity], asking: Collection[Identity]
) -> tuple[dict[Identity, GPUWorkload], list[GPUWorkload]]:
    """Tracking that stands, by its object, and tracking that should go: a second one, or one for an object that no longer asks.

    One whose object is not known is left to the garbage collector.
    """
    kept: dict[Identity, GPUWorkload] = {}
    surplus = []
    for workload in workloads:
        identity = find_tracked(workload)
        if identity is None or identity not in known:
            continue
        rival = kept.get(identity)
        if identity not in asking:
            surplus.append(workload)
        elif rival is None:
            kept[identity] = workload
        else:
            kept[identity], younger = sorted((rival, workload), key=_age)
            surplus.append(younger)
    return kept, sorted(surplus, key=lambda each: (each.metadata.namespace or "", each.metadata.name))


def _age(workload: GPUWorkload) -> tuple[str, str]:
    return str(workload.metadata.creation_timestamp or ""), workload.metadata.name


def _build_spec(each: Trackable, resource: str) -> Manifest:
    wishes = parse_wishes(dict(each.wishes))
    spec: Manifest = {
        "accelerators": {"perReplica": min(each.shape.count(resource), MOST_PER_REPLICA)},
        "tier": wishes.tier or "Standard",
        "tracked": {"apiVersion": API_VERSIONS[each.key.kind], "kind": each.key.kind, "name": each.key.name, "uid": each.uid},
    }
    if wishes.placement_required:
        spec["placement"] = {"required": wishes.placement_required}
    if each.priority_class:
        spec["priorityClassName"] = each.priority_class
    return spec


def _find_change(workload: GPUWorkload, wanted: Manifest) -> Manifest | None:
    """The merge patch of spec that makes it so; None if it is so."""
    spec = workload.spec
    now: Manifest = {
        "accelerators": {"perReplica": spec.accelerators.per_replica},
        "tier": spec.tier,
        "placement": {"required": spec.placement.required} if spec.placement is not None else None,
        "priorityClassName": spec.priority_class_name,
    }
    return {field: wanted.get(field) for field, value in now.items() if value != wanted.get(field)} or None


def _choose_name(each: Trackable, taken: Collection[str]) -> str:
    """The object's own name; if that is taken, with its kind; if that is taken too, with a part of its UID's hash."""
    with_kind = f"{each.key.name}-{each.key.kind.lower()}"[:LONGEST_NAME]
    ending = f"-{hashlib.sha256(each.uid.encode()).hexdigest()[:8]}"
    with_hash = f"{with_kind[: LONGEST_NAME - len(ending)].rstrip('.-')}{ending}"
    return next((name for name in (each.key.name, with_kind) if name not in taken), with_hash)


def _build_workload(each: Trackable, name: str, spec: Manifest) -> Manifest:
    return {
        "apiVersion": API_VERSION,
        "kind": "GPUWorkload",
        "metadata": {"name": name, "namespace": each.key.namespace, "ownerReferences": [{**spec["tracked"], "blockOwnerDeletion": False}]},
        "spec": spec,
    }


def _identify(workload: GPUWorkload) -> Manifest:
    metadata = workload.metadata
    return {
        "apiVersion": API_VERSION,
        "kind": "GPUWorkload",
        "metadata": {"name": metadata.name, "namespace": metadata.namespace, "uid": metadata.uid},
    }
