"""One reading: the snapshot, and what the writers need beside it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from commonpool.api.catalogue import RESOURCE_NAMES
from commonpool.kube.facts import PodView
from commonpool.kube.mirror import Mirror
from commonpool.kube.read.blocked import Surroundings, find_node_sizes
from commonpool.kube.read.fleet import Fleet, read_fleet, with_facts
from commonpool.kube.read.needs import find_bound
from commonpool.kube.read.runs import Run, collect_runs, read_pod_fact, with_promises
from commonpool.kube.read.tenants import read_quotas, read_tenants
from commonpool.kube.read.workloads import read_workload
from commonpool.model.amounts import NOTHING, Amounts
from commonpool.model.ids import ChildKey, NodeName, TenantName
from commonpool.model.ledger import Standing, settle_rounds
from commonpool.model.snapshot import Node, Snapshot, Workload, build_snapshot


@dataclass(frozen=True, slots=True)
class World:
    """What was read."""

    snapshot: Snapshot
    fleet: Fleet
    runs: tuple[Run, ...]
    standing: Standing


@dataclass(frozen=True, slots=True)
class _Sorted:
    """The pods of the cluster: workloads' by child, and what all others hold by node."""

    by_child: Mapping[ChildKey, list[PodView]]
    foreign: Mapping[NodeName, Amounts]


def read_world(
    mirror: Mirror, *, now_at: int, epoch: int, refusals: Mapping[ChildKey, str] | None = None, uncounted: frozenset[str] = frozenset()
) -> World:
    """Freeze what the mirror knows now. O(nodes + pods + entries).

    `refusals`: children that the API has refused lately, and why: no place is kept for them.
    `uncounted`: extended resources that the scheduler lets pods have without a promise.
    """
    fleet = read_fleet(mirror.pools, mirror.nodes)
    mirror.pool_nodes = frozenset(fleet.nodes)
    runs, standing, pods = _settle(mirror, fleet, refusals or {})
    asked = list_accelerators(fleet)
    around = Surroundings(
        fleet=fleet,
        tenants={own.key[1]: own for own in mirror.tenants},
        priorities={each.name: each for each in mirror.priorities},
        workloads={own.key: own for own in mirror.workloads},
        node_sizes=find_node_sizes(fleet),
        accelerators=asked,
        uncounted=uncounted,
        now_at=now_at,
    )
    workloads = [workload for run in runs if _counts(run, workload := read_workload(run, around, asked))]
    snapshot = build_snapshot(
        now_at=now_at,
        epoch=epoch,
        number=mirror.next_number,
        pools=fleet.pools.values(),
        nodes=_finish_nodes(fleet, pods.foreign, workloads),
        tenants=read_tenants(mirror.tenants),
        quotas=read_quotas(mirror.quotas, fleet.pools),
        workloads=workloads,
    )
    return World(snapshot, fleet, tuple(runs), standing)


def read_runs(mirror: Mirror, fleet: Fleet, refusals: Mapping[ChildKey, str]) -> list[Run]:
    """The runs with what they are owed now; cheaper than a whole reading."""
    return _settle(mirror, fleet, refusals)[0]


def _settle(mirror: Mirror, fleet: Fleet, refusals: Mapping[ChildKey, str]) -> tuple[list[Run], Standing, _Sorted]:
    asked = list_accelerators(fleet)
    tenants = {each.name: TenantName(each.tenant) for each in mirror.namespaces if each.tenant}
    pods = _sort_pods(mirror.pods, fleet, asked, tenants)
    found = collect_runs(mirror, pods.by_child, tenants, asked)
    runs = [replace(run, refusal=refusals[run.child]) if run.child in refusals else run for run in found]
    rounds = [standing.round for standing in mirror.rounds]
    owed = {line.child for each in rounds for line in each.lines}
    standing = settle_rounds(
        rounds,
        (read_pod_fact(pod) for child in owed for pod in pods.by_child.get(child, ())),
        {run.child for run in runs if run.child in owed and run.alive},
        {name for name, node in fleet.nodes.items() if node.schedulable},
        {run.child: wanted for run in runs if run.child in owed and (wanted := find_bound(run)) is not None},
    )
    return with_promises(runs, standing.promises, mirror.rounds), standing, pods


def list_accelerators(fleet: Fleet) -> frozenset[str]:
    """Which extended resources are accelerators: those of pools, and those that are known as such."""
    return fleet.resource_names | frozenset(RESOURCE_NAMES)


def _sort_pods(pods: Iterable[PodView], fleet: Fleet, asked: frozenset[str], tenants: Mapping[str, TenantName]) -> _Sorted:
    by_child: defaultdict[ChildKey, list[PodView]] = defaultdict(list)
    foreign: defaultdict[NodeName, Amounts] = defaultdict(Amounts)
    for pod in pods:
        if pod.shape.extended and pod.namespace in tenants and any(name in asked for name, _ in pod.shape.extended):
            by_child[pod.child].append(pod)
        elif pod.node is not None and pod.node in fleet.nodes and not pod.finished:
            foreign[pod.node] += pod.shape.amounts(fleet.resource_on(pod.node))
    for members in by_child.values():
        members.sort(key=lambda pod: (pod.rank, pod.name))
    return _Sorted(by_child, foreign)


def _counts(run: Run, workload: Workload) -> bool:
    """What nothing stands for, and holds nothing, is not there."""
    return run.own is not None or bool(workload.holdings)


def _finish_nodes(fleet: Fleet, foreign: Mapping[NodeName, Amounts], workloads: Iterable[Workload]) -> list[Node]:
    selected = frozenset(key for workload in workloads if workload.needs for key, _ in workload.node_selector)
    return [with_facts(node, foreign.get(name, NOTHING), fleet.facts[name].labels, selected) for name, node in fleet.nodes.items()]
