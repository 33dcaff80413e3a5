"""The snapshot as it will be when a plan is carried out: what status, metrics and the next round build on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from commonpool.model.elastic import may_grow
from commonpool.model.ids import ANY_SEAT, NodeName, PoolName, Seat, WorkloadName
from commonpool.model.plan import Place, Plan, ScalePool, Shrink
from commonpool.model.snapshot import Holding, Node, Pool, Resize, Snapshot, Workload, build_snapshot


@dataclass(slots=True)
class _Changes:
    """What the plan says of one workload."""

    places: list[Place] = field(default_factory=list)
    shrink: Shrink | None = None
    evicted: bool = False


def assume_plan(snapshot: Snapshot, plan: Plan) -> Snapshot:
    """What is placed is promised, who shrinks or leaves has been told, nodes have been asked for."""
    changes: dict[WorkloadName, _Changes] = {}
    for place in plan.place:
        changes.setdefault(place.workload, _Changes()).places.append(place)
    for shrink in plan.shrink:
        changes.setdefault(shrink.workload, _Changes()).shrink = shrink
    for evict in plan.evict:
        changes.setdefault(evict.workload, _Changes()).evicted = True
    pools = _assume_pools(snapshot, plan)
    released = {name for scale in plan.scale for name in scale.release}
    if not changes and not released and pools == snapshot.pools:
        return snapshot
    return build_snapshot(
        now_at=snapshot.now_at,
        epoch=snapshot.epoch,
        number=snapshot.number,
        pools=pools,
        nodes=_assume_nodes(snapshot.nodes, released),
        tenants=snapshot.tenants,
        quotas=snapshot.quotas,
        workloads=(_assume(workload, changes.get(workload.name), snapshot.now_at) for workload in snapshot.workloads),
    )


def _assume_nodes(nodes: Iterable[Node], released: set[NodeName]) -> Iterable[Node]:
    return [replace(node, schedulable=False, releasing=True) if node.name in released else node for node in nodes]


def _assume_pools(snapshot: Snapshot, plan: Plan) -> tuple[Pool, ...]:
    scales = {scale.pool: scale for scale in plan.scale}
    return tuple(_assume_pool(pool, scales, plan.surplus, snapshot.now_at) for pool in snapshot.pools)


def _assume_pool(pool: Pool, scales: Mapping[PoolName, ScalePool], surplus: tuple[PoolName, ...], now_at: int) -> Pool:
    if pool.scaling is None:
        return pool
    wanted = scales[pool.name].nodes if pool.name in scales else pool.scaling.wanted_nodes
    since_at = (pool.scaling.surplus_since_at or now_at) if pool.name in surplus else 0
    return replace(pool, scaling=replace(pool.scaling, wanted_nodes=wanted, surplus_since_at=since_at))


def _assume(workload: Workload, changes: _Changes | None, now_at: int) -> Workload:
    if changes is None:
        return workload
    if changes.places:
        workload = _promise(workload, changes.places, now_at)
    if changes.evicted:
        return replace(workload, leaving=True, needs=(), needs_min=0, resize=None)
    if changes.shrink is None:
        return workload
    workload = replace(workload, resize=Resize(changes.shrink.keep, changes.shrink.by_at))
    return replace(workload, needs=(), needs_min=0) if workload.independent else workload  # the rest waits until the others have gone


def _promise(workload: Workload, places: list[Place], now_at: int) -> Workload:
    promised = [
        Holding(entry.node, place.pool, entry.seat, bound=False, amounts=place.shape) for place in places for entry in place.entries
    ]
    starts = not workload.begun
    settled = workload.elastic is not None and (starts or may_grow(workload))  # the next step is for when all its pods are there
    needs = () if settled else _take_seats(workload.needs, [holding.seat for holding in promised])
    return replace(
        workload,
        holdings=(*workload.holdings, *promised),
        needs=needs,
        needs_min=min(1, len(needs)),
        started_at=now_at if starts else workload.started_at,
    )


def _take_seats(needs: tuple[Seat, ...], seats: list[Seat]) -> tuple[Seat, ...]:
    named = {seat for seat in seats if seat != ANY_SEAT}
    unnamed = sum(seat == ANY_SEAT for seat in seats)
    left = []
    for need in needs:
        if need == ANY_SEAT and unnamed:
            unnamed -= 1
        elif need not in named:
            left.append(need)
    return tuple(left)
