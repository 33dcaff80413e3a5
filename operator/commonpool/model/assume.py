"""The snapshot as it will be when a plan is carried out: what status, metrics and the next round build on."""

from dataclasses import replace

from commonpool.model.ids import ANY_SEAT, Seat, WorkloadName
from commonpool.model.plan import Place, Plan
from commonpool.model.snapshot import Holding, Snapshot, Workload, build_snapshot


def assume_plan(snapshot: Snapshot, plan: Plan) -> Snapshot:
    """Turn each placement of the plan into outstanding promises of its workload."""
    placed: dict[WorkloadName, list[Place]] = {}
    for place in plan.place:
        placed.setdefault(place.workload, []).append(place)
    if not placed:
        return snapshot
    return build_snapshot(
        now_at=snapshot.now_at,
        epoch=snapshot.epoch,
        number=snapshot.number,
        pools=snapshot.pools,
        nodes=snapshot.nodes,
        tenants=snapshot.tenants,
        quotas=snapshot.quotas,
        workloads=(_assume(workload, placed.get(workload.name, [])) for workload in snapshot.workloads),
    )


def _assume(workload: Workload, places: list[Place]) -> Workload:
    if not places:
        return workload
    promised = [
        Holding(entry.node, place.pool, entry.seat, bound=False, amounts=place.shape) for place in places for entry in place.entries
    ]
    needs = _take_seats(workload.needs, [holding.seat for holding in promised])
    return replace(workload, holdings=(*workload.holdings, *promised), needs=needs, needs_min=min(1, len(needs)))


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
