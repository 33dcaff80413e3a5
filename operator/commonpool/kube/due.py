"""When the next round is due although nothing changes: only time can bring these."""

from commonpool.kube.mirror import Mirror
from commonpool.kube.read import World
from commonpool.kube.serving import find_due
from commonpool.kube.takeback import read_statuses
from commonpool.model.plan import Plan

UNDONE_SECONDS = 5
"""When to look again at a shrink of which nothing could be told: a plan that cannot be carried out must not be made without end."""


def find_next_due(world: World, mirror: Mirror, plan: Plan, telling_at: int | None) -> int | None:
    """The next instant at which a plan may say something else, or something is told that was kept back; None if there is none.

    `world`: as it was planned from; `mirror`: after all that this round has written.
    """
    now_at = world.snapshot.now_at
    if plan.shrink and _has_told(world, mirror, plan):
        return now_at  # what has just been told may be due at once
    instants = {int(run.status.resize.at.timestamp()) for run in world.runs if run.status.resize is not None}
    if plan.shrink:
        instants.add(now_at + UNDONE_SECONDS)
    vacated = world.fleet.vacated
    instants |= {due_at for run in world.runs if run.child.kind == "Deployment" and (due_at := find_due(run, vacated, now_at)) is not None}
    if world.late_at is not None:
        instants.add(world.late_at)
    for pool in world.snapshot.pools:
        if pool.scaling is not None and pool.name in plan.surplus:
            instants.add((pool.scaling.surplus_since_at or now_at) + pool.scaling.cooldown_seconds)
    if plan.hold:
        instants |= {each.patient_until_at for each in world.snapshot.workloads if each.patient_until_at and not each.begun}
        instants |= {each.free_at for each in world.snapshot.workloads if each.started_at}
    if telling_at is not None:
        instants.add(telling_at)
    return min((instant for instant in instants if instant > now_at), default=None)


def _has_told(world: World, mirror: Mirror, plan: Plan) -> bool:
    """Whether this round has told anybody of a shrink."""
    statuses = read_statuses(mirror)
    shrinks = {shrink.workload for shrink in plan.shrink}
    told = ((run, statuses.get(run.name)) for run in world.runs if run.name in shrinks)
    return any(status is not None and status.resize is not None and status.resize != run.status.resize for run, status in told)
