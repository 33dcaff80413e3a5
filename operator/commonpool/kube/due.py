"""When the next round is due although nothing changes: only time can bring these."""

from commonpool.kube.read import World
from commonpool.model.plan import Plan


def find_next_due(world: World, plan: Plan, telling_at: int | None) -> int | None:
    """The next instant at which a plan may say something else, or something is told that was kept back; None if there is none."""
    now_at = world.snapshot.now_at
    if plan.shrink:
        return now_at  # what has just been told may be due at once
    instants = {int(run.status.resize.at.timestamp()) for run in world.runs if run.status.resize is not None}
    if world.late_at is not None:
        instants.add(world.late_at)
    for pool in world.snapshot.pools:
        if pool.scaling is not None and pool.name in plan.surplus:
            instants.add((pool.scaling.surplus_since_at or now_at) + pool.scaling.cooldown_seconds)
    if plan.hold:
        instants |= {each.started_at + each.min_runtime_seconds for each in world.snapshot.workloads if each.started_at}
    if telling_at is not None:
        instants.add(telling_at)
    return min((instant for instant in instants if instant > now_at), default=None)
