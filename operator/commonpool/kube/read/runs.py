"""What belongs together: a workload, the object that makes its pods, and its pods.

A workload is either a GPUWorkload of training, inference or hpc, whose child we make, or an
object that a tenant wrote as it is. The ledger counts the pods of the second sort from the
moment they exist, also while no GPUWorkload stands for the object yet (law 2).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from commonpool.api import GPUWorkload
from commonpool.api.workloadstatus import GPUWorkloadStatus
from commonpool.kube.children import find_child_key
from commonpool.kube.facts import ChildFact, PodView
from commonpool.kube.load import Load
from commonpool.kube.mirror import Mirror
from commonpool.kube.own import Own
from commonpool.kube.read.reach import Reach
from commonpool.kube.rounds import StandingRound
from commonpool.kube.tracking import find_tracked
from commonpool.model.ids import ChildKey, TenantName, WorkloadName
from commonpool.model.ledger import PodFact, Promise

NO_STATUS = GPUWorkloadStatus()


@dataclass(frozen=True, slots=True)
class Run:
    """One workload and all that there is of it."""

    name: WorkloadName
    child: ChildKey
    tenant: TenantName | None
    own: Own[GPUWorkload] | None
    """The GPUWorkload; None as long as nothing stands for an object that a tenant wrote."""
    made: ChildFact | None = None
    """The child as it exists, if it is really this workload's."""
    usurped: bool = False
    """An object of the child's name exists and is not its own: it has a run, and pods, of its own."""
    vacating: bool = False
    """That object is on its way out, deleted or left to the garbage collector."""
    pods: tuple[PodView, ...] = ()
    """By rank, then name."""
    promises: tuple[Promise, ...] = ()
    promised_at: int = 0
    """When the oldest Round that still names it was written, in seconds since 1970; 0: none does."""
    refusal: str = ""
    """Why the API has refused what would let its pods come; empty if it has not."""
    refused_version: str = ""
    """Of a service that runs: why the API has refused what its pods should be now."""
    stall: str = ""
    """Why it did not take the places that it was promised last, as long as it pauses for that."""
    misses_pods: bool = False
    """Its object has had time enough to make its pods, and has not."""
    reach: Reach | None = None
    """Of a service: how many pods it could ever have; None: nobody knows."""
    load: Load | None = None
    """How many pods a service should have for its load; None: nobody asked, or it has no target."""

    @property
    def native(self) -> bool:
        """Whether we make its child."""
        return self.own is not None and (self.own.parsed is None or self.own.parsed.spec.tracked is None)

    @property
    def independent(self) -> bool:
        """Whether each of its pods is of use without the others. Nobody knows that of a StatefulSet which another controller made."""
        if self.child.kind == "StatefulSet":
            return self.made is not None and not self.made.owner_kind
        return self.child.kind in {"Deployment", "ReplicaSet"}

    @property
    def finished(self) -> bool:
        """Whether it has ended for good, one way or the other."""
        if self.native and self.own is not None and self.own.outcome:
            return True
        if self.made is not None:
            return self.made.finished
        return self.child.kind == "Pod" and bool(self.pods) and all(pod.finished for pod in self.pods)

    @property
    def queued(self) -> bool:
        """Whether its object exists and waits, suspended by us."""
        return self.made is not None and self.made.key.kind == "Job" and self.made.suspended and self.made.held

    @property
    def leaving(self) -> bool:
        """Whether all that it holds is being given back: its Job was suspended by us, or it was evicted and all its pods are ending."""
        if self.queued:
            return any(pod.holds for pod in self.pods)
        status = self.status
        if status.last_eviction is None or (status.promised_at is not None and status.last_eviction.at < status.promised_at):
            return False
        holding = [pod for pod in self.pods if pod.holds]
        return bool(holding) and all(pod.terminating for pod in holding)

    @property
    def status(self) -> GPUWorkloadStatus:
        """What was told last."""
        parsed = self.own.parsed if self.own is not None else None
        return (parsed.status if parsed is not None else None) or NO_STATUS

    @property
    def told(self) -> bool:
        """Whether its status says anything yet."""
        return bool(self.status.conditions)

    @property
    def since_at(self) -> int:
        """Since when it has or had places, as Rounds and pods tell, in seconds since 1970; 0: they do not.

        Not before it existed itself: pods may be older than their GPUWorkload, and a tenant pays for none of that.
        """
        parsed = self.own.parsed if self.own is not None else None
        created = parsed.metadata.creation_timestamp if parsed is not None else None
        instants = (self.promised_at, *(pod.created_at for pod in self.pods if pod.node is not None))
        first_at = min((instant for instant in instants if instant), default=0)
        return max(first_at, int(created.timestamp())) if first_at and created is not None else first_at

    @property
    def alive(self) -> bool:
        """Whether a promise to it can still be kept."""
        if self.refusal or self.finished or self.tenant is None or (self.own is not None and self.own.terminating):
            return False
        if self.native:
            return not self.usurped
        if self.made is not None:
            return not self.made.terminating and (not self.made.suspended or self.made.held)
        return any(not pod.terminating and not pod.finished for pod in self.pods)


def collect_runs(
    mirror: Mirror, pods: Mapping[ChildKey, list[PodView]], tenants: Mapping[str, TenantName], asked: frozenset[str]
) -> list[Run]:
    """Every workload of the cluster once.

    `pods`: those that ask for an accelerator in a tenant's namespace, by child; `tenants`: by
    namespace; `asked`: the extended resources that are accelerators.
    """
    runs: dict[ChildKey, Run] = {}
    standing_for: dict[tuple[ChildKey, str], Own[GPUWorkload]] = {}
    for own in mirror.workloads:
        tracked = find_tracked(own.parsed) if own.parsed is not None else None
        if tracked is not None:
            standing_for.setdefault(tracked, own)
            continue
        child = find_child_key(own.parsed) if own.parsed is not None else None
        child = child or _no_child(own)
        if child not in runs:
            run = _native(mirror, own, child, tenants.get(own.key[0]), pods)
            runs[run.child] = run
    for made in _children(mirror):
        if made.key not in runs and made.key.namespace in tenants and any(name in asked for name, _ in made.shape.extended):
            runs[made.key] = _as_written(made.key, standing_for.get((made.key, made.uid)), tenants, pods, made)
    for child, members in pods.items():
        if child not in runs:
            uid = {"Pod": members[0].uid, "ReplicaSet": members[0].owner_uid}.get(child.kind, "")
            runs[child] = _as_written(child, standing_for.get((child, uid)), tenants, pods, None)
    return list(runs.values())


def _children(mirror: Mirror) -> Iterable[ChildFact]:
    for store in (mirror.jobs, mirror.deployments, mirror.stateful_sets):
        yield from store


def _native(
    mirror: Mirror, own: Own[GPUWorkload], child: ChildKey, tenant: TenantName | None, pods: Mapping[ChildKey, list[PodView]]
) -> Run:
    existing = mirror.find_child(child.kind, child.namespace, child.name)
    ours = existing is not None and existing.owner_uid == own.uid
    name = WorkloadName(f"{own.key[0]}/{own.key[1]}")
    if existing is not None and not ours:
        vacating = existing.terminating or _is_left(mirror, existing)
        return Run(name, _no_child(own), tenant, own, usurped=True, vacating=vacating)
    return Run(name, child, tenant, own, existing, pods=tuple(pods.get(child, ())), load=mirror.loads.get(own.uid))


def _is_left(mirror: Mirror, child: ChildFact) -> bool:
    """Whether it was made for a GPUWorkload that does not exist any more."""
    return bool(child.made_for) and all(own.uid != child.made_for for own in mirror.workloads)


def _no_child(own: Own[GPUWorkload]) -> ChildKey:
    """The key of a workload that has no child and no pods."""
    return ChildKey("GPUWorkload", *own.key)


def _as_written(
    child: ChildKey,
    own: Own[GPUWorkload] | None,
    tenants: Mapping[str, TenantName],
    pods: Mapping[ChildKey, list[PodView]],
    made: ChildFact | None,
) -> Run:
    name = f"{own.key[0]}/{own.key[1]}" if own else f"{child.namespace}/{child.kind}:{child.name}"  # a colon is in no object's name
    return Run(name=WorkloadName(name), child=child, tenant=tenants[child.namespace], own=own, made=made, pods=tuple(pods.get(child, ())))


def with_promises(runs: Iterable[Run], promises: Iterable[Promise], rounds: Iterable[StandingRound]) -> list[Run]:
    """The runs with what they are owed, and since when."""
    written: dict[ChildKey, int] = {}
    for standing in rounds:
        for line in standing.round.lines:
            written[line.child] = min(standing.round.made_at, written.get(line.child, standing.round.made_at))
    owed: defaultdict[ChildKey, list[Promise]] = defaultdict(list)
    for promise in promises:
        owed[promise.line.child].append(promise)
    return [
        replace(run, promises=tuple(owed[run.child]), promised_at=written.get(run.child, 0)) if run.child in owed else run for run in runs
    ]


def read_pod_fact(pod: PodView) -> PodFact:
    """A pod as the ledger sees it."""
    return PodFact(
        name=pod.name,
        child=pod.child,
        rank=pod.rank,
        node=pod.node,
        finished=pod.finished,
        terminating=pod.terminating,
    )
