"""When the next round is due although nothing changes: only time can bring these."""

from collections.abc import Collection, Iterator

from commonpool.kube.mirror import Mirror
from commonpool.kube.read import World
from commonpool.kube.read.blocked import find_start_at
from commonpool.kube.read.runs import Run
from commonpool.kube.serving import find_due
from commonpool.kube.takeback import read_statuses
from commonpool.model.ids import NodeName
from commonpool.model.plan import Plan
from commonpool.planner import due as planned

UNDONE_SECONDS = 5
"""When to look again at a shrink of which nothing could be told: a plan that cannot be carried out must not be made without end."""


def find_next_due(world: World, mirror: Mirror, plan: Plan) -> int | None:
    """The next instant at which a plan may say something else, or something that was planned can be done; None if there is none.

    `world`: as it was planned from; `mirror`: after all that this round has written.
    """
    now_at = world.snapshot.now_at
    if _has_told(world, mirror, plan):
        return now_at  # what has just been told may be due at once, and what was given back may be taken again
    instants = {planned.find_next_due(world.snapshot, plan), world.late_at}
    instants |= {instant for run in world.runs for instant in _list_own(run, world.fleet.vacated, now_at)}
    if plan.shrink:
        instants.add(now_at + UNDONE_SECONDS)
    return min((instant for instant in instants if instant is not None and instant > now_at), default=None)


def _list_own(run: Run, vacated: Collection[NodeName], now_at: int) -> Iterator[int | None]:
    if run.status.resize is not None:
        yield int(run.status.resize.at.timestamp())
    if run.child.kind == "Deployment":
        yield find_due(run, vacated, now_at)
    yield find_start_at(run)


def _has_told(world: World, mirror: Mirror, plan: Plan) -> bool:
    """Whether this round has told anybody of a shrink, or that one is over: a status rings no bell."""
    shrinks = {shrink.workload for shrink in plan.shrink}
    concerned = [run for run in world.runs if run.name in shrinks or run.status.resize is not None]
    statuses = read_statuses(mirror) if concerned else {}
    return any(run.name in statuses and statuses[run.name].resize != run.status.resize for run in concerned)
