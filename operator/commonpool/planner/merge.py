"""Plans that follow each other, as one."""

from collections import Counter
from dataclasses import replace

from commonpool.model.plan import Hold, Plan
from commonpool.model.snapshot import Snapshot


def has_moves(plan: Plan) -> bool:
    """Whether it changes anything but what is told."""
    return bool(plan.place or plan.shrink or plan.evict or plan.scale)


def merge_plans(first: Plan, second: Plan) -> Plan:
    """What both do together. `second` was made over the result of `first`: what it says of waits and of surplus nodes is the newest."""
    placed = {place.workload for place in first.place}
    evicts = {evict.workload: evict for evict in (*first.evict, *second.evict)}
    shrinks = {shrink.workload: shrink for shrink in (*first.shrink, *second.shrink) if shrink.workload not in evicts}
    scales = {scale.pool: scale for scale in first.scale}
    for scale in second.scale:
        before = scales.get(scale.pool)
        scales[scale.pool] = replace(scale, release=before.release + scale.release) if before is not None else scale
    return replace(
        second,
        place=first.place + second.place,
        hold=tuple(hold for hold in second.hold if hold.workload not in placed),
        shrink=tuple(shrink for _, shrink in sorted(shrinks.items())),
        evict=tuple(evict for _, evict in sorted(evicts.items())),
        scale=tuple(scale for _, scale in sorted(scales.items())),
    )


def close_ranks(snapshot: Snapshot, holds: tuple[Hold, ...]) -> tuple[Hold, ...]:
    """The same waits, each tenant's queue counted from one: who was counted in the last pass may have been placed in an earlier one."""
    tenants = {workload.name: workload.tenant for workload in snapshot.workloads}
    queue: Counter[str | None] = Counter()
    positions = {}
    for hold in sorted((hold for hold in holds if hold.position), key=lambda hold: hold.position):
        queue[tenants[hold.workload]] += 1
        positions[hold.workload] = queue[tenants[hold.workload]]
    return tuple(replace(hold, position=positions[hold.workload]) if hold.position else hold for hold in holds)
