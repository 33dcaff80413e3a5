"""One reading: the snapshot, and what the writers need beside it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from commonpool.api.catalogue import MIG_RESOURCE_NAMES, RESOURCE_NAMES
from commonpool.kube.facts import PodView
from commonpool.kube.mirror import Mirror
from commonpool.kube.read.after import find_circular
from commonpool.kube.read.blocked import Surroundings, find_node_sizes
from commonpool.kube.read.bounds import DEFAULT_BOUNDS, Bounds
from commonpool.kube.read.fleet import Fleet, count_most_pods, read_fleet, with_facts
from commonpool.kube.read.needs import find_bound
from commonpool.kube.read.reach import Reaches
from commonpool.kube.read.runs import Run, collect_runs, read_pod_fact, with_promises
from commonpool.kube.read.stalls import START_SECONDS, find_late, find_stall
from commonpool.kube.read.strays import find_strays
from commonpool.kube.read.tenants import read_quotas, read_tenants
from commonpool.kube.read.workloads import read_workload
from commonpool.model.amounts import NOTHING, Amounts
from commonpool.model.ids import ChildKey, NodeName, TenantName
from commonpool.model.ledger import Standing, settle_rounds
from commonpool.model.rounds import Round
from commonpool.model.snapshot import Blocked, Node, Snapshot, Workload, build_snapshot


@dataclass(frozen=True, slots=True)
class World:
    """What was read."""

    snapshot: Snapshot
    fleet: Fleet
    runs: tuple[Run, ...]
    standing: Standing
    stalls: Mapping[ChildKey, str]
    """Who gives his places back in this round, because his pods cannot take them, and why: he would be promised the same again at once."""
    strays: Mapping[TenantName, Blocked]
    """Tenants with accelerators that no quota counts, because their pods are on nodes of no pool, and which."""
    late_at: int | None
    """When the next promise or object is overdue; None: none will be."""
    bounds: Bounds
    """By which its workloads were read."""


@dataclass(frozen=True, slots=True)
class Past:
    """What the operator remembers of earlier rounds, and how long it waits for pods."""

    refusals: Mapping[ChildKey, str] = field(default_factory=dict)
    """Children that the API has refused lately, and why: no place is kept for them."""
    stalls: Mapping[ChildKey, str] = field(default_factory=dict)
    """Children whose pods could not take their places lately, and why: they get none for a while."""
    start_seconds: int = START_SECONDS
    """So long a promise stands that no pod can take."""


@dataclass(frozen=True, slots=True)
class _Settled:
    """The workloads of the cluster with what they are owed."""

    runs: list[Run]
    standing: Standing
    pods: "_Sorted"
    stalls: dict[ChildKey, str]
    late_at: int | None


@dataclass(frozen=True, slots=True)
class _Sorted:
    """The pods of the cluster: workloads' by child, and what all others hold by node."""

    by_child: Mapping[ChildKey, list[PodView]]
    foreign: Mapping[NodeName, Amounts]


NO_PAST = Past()


def read_world(  # noqa: PLR0913 one argument a fact of the installation
    mirror: Mirror,
    *,
    now_at: int,
    epoch: int,
    past: Past = NO_PAST,
    uncounted: frozenset[str] = frozenset(),
    bounds: Bounds = DEFAULT_BOUNDS,
) -> World:
    """Freeze what the mirror knows now. O(nodes + pods + entries).

    `uncounted`: extended resources that the scheduler lets pods have without a promise.
    """
    fleet = read_fleet(mirror.pools, mirror.nodes)
    mirror.pool_nodes = frozenset(fleet.nodes)
    settled = _settle(mirror, fleet, past, now_at, epoch)
    runs, pods = settled.runs, settled.pods
    asked = list_accelerators(fleet)
    around = Surroundings(
        fleet=fleet,
        priorities={each.name: each for each in mirror.priorities},
        workloads={own.key: own for own in mirror.workloads},
        circular=find_circular(mirror.workloads),
        node_sizes=find_node_sizes(fleet),
        accelerators=asked,
        uncounted=uncounted,
        now_at=now_at,
        most_pods=count_most_pods(fleet),
        bounds=bounds,
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
    strays = find_strays(pods.by_child, fleet.nodes, asked, {run.child: run.tenant for run in runs})
    return World(snapshot, fleet, tuple(runs), settled.standing, settled.stalls, strays, settled.late_at, bounds)


def read_runs(mirror: Mirror, world: World, past: Past) -> list[Run]:
    """The runs with what they are owed now, in the instant of an earlier reading; cheaper than a whole one."""
    return _settle(mirror, world.fleet, past, world.snapshot.now_at, world.snapshot.epoch).runs


def _settle(mirror: Mirror, fleet: Fleet, past: Past, now_at: int, epoch: int) -> _Settled:
    asked = list_accelerators(fleet)
    tenants = {each.name: TenantName(each.tenant) for each in mirror.namespaces if each.tenant}
    pods = _sort_pods(mirror.pods, fleet, asked, tenants)
    found = collect_runs(mirror, pods.by_child, tenants, asked)
    runs = [_remember(run, past) for run in _find_reaches(found, mirror, fleet)]
    rounds = [_date(standing.round, now_at, epoch) for standing in mirror.rounds]
    owed = {line.child for each in rounds for line in each.lines}
    usable = {name for name, node in fleet.nodes.items() if node.schedulable}

    def settle(given_up: Mapping[ChildKey, int]) -> Standing:
        return settle_rounds(
            rounds,
            (read_pod_fact(pod) for child in owed for pod in pods.by_child.get(child, ())),
            {run.child for run in runs if run.child in owed and run.alive},
            usable,
            {run.child: wanted for run in runs if run.child in owed and (wanted := find_bound(run)) is not None},
            given_up,
        )

    standing = settle({})
    promised = with_promises(runs, standing.promises, mirror.rounds)
    stalled = {run.child: stall for run in promised if run.promises and (stall := find_stall(run, now_at, past.start_seconds))}
    if stalled:
        standing = settle(dict.fromkeys(stalled, now_at - past.start_seconds))
        promised = with_promises(runs, standing.promises, mirror.rounds)
    stalls = {child: stall.why.message for child, stall in stalled.items() if stall.pauses}
    late = find_late(promised, past.start_seconds)
    runs = [_judge(run, stalls, late, now_at) for run in promised]
    return _Settled(runs, standing, pods, stalls, min((at for at in late.values() if at > now_at), default=None))


def _date(round_: Round, now_at: int, epoch: int) -> Round:
    """What an earlier leader has promised is promised anew: in the meantime nobody may have let its pods come."""
    return round_ if round_.id.epoch == epoch else replace(round_, made_at=now_at)


def _find_reaches(runs: list[Run], mirror: Mirror, fleet: Fleet) -> list[Run]:
    if not any(run.native and run.child.kind == "Deployment" for run in runs):
        return runs
    reaches = Reaches(fleet, read_tenants(mirror.tenants), read_quotas(mirror.quotas, fleet.pools))
    return [_find_reach(run, reaches, fleet) if run.native and run.child.kind == "Deployment" else run for run in runs]


def _find_reach(run: Run, reaches: Reaches, fleet: Fleet) -> Run:
    if run.own is None or run.own.parsed is None or run.tenant is None:
        return run
    held = {fleet.nodes[pod.node].pool for pod in run.pods if pod.holds and pod.node is not None and pod.node in fleet.nodes}
    return replace(run, reach=reaches.find(run.own.parsed, run.tenant, held))


def _remember(run: Run, past: Past) -> Run:
    refusal, stall = past.refusals.get(run.child, ""), past.stalls.get(run.child, "")
    if refusal and run.native and run.made is not None and run.child.kind == "Deployment":
        return replace(run, refused_version=refusal, stall=stall)  # what serves goes on as it is
    return replace(run, refusal=refusal, stall=stall) if refusal or stall else run


def _judge(run: Run, stalls: Mapping[ChildKey, str], late: Mapping[ChildKey, int], now_at: int) -> Run:
    if run.child in stalls:
        return replace(run, stall=stalls[run.child])
    if late.get(run.child, now_at + 1) <= now_at and not run.promises:
        return replace(run, misses_pods=True)
    return run


_KNOWN = frozenset((*RESOURCE_NAMES, *MIG_RESOURCE_NAMES))


def list_accelerators(fleet: Fleet) -> frozenset[str]:
    """Which extended resources are accelerators: those of pools, and those that are known as such."""
    return fleet.resource_names | _KNOWN


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
