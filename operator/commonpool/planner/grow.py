"""The sixth stage: what is idle goes to elastic work.

It grows only in pools where nobody waits who could use the room: who waits there and is stopped by his own
limits, or is larger than the pool, is not in the way. A workload that starts in this round is placed anew
as a whole at its larger size; one that runs gets further ranks. Order and quotas are those of all placing.
"""

from collections.abc import Iterable

from commonpool.model.elastic import may_grow
from commonpool.model.ids import PoolName
from commonpool.model.plan import Place
from commonpool.model.snapshot import Snapshot, Workload
from commonpool.planner.order import Queue, build_rank
from commonpool.planner.place import Draft


def find_growers(snapshot: Snapshot) -> list[Workload]:
    """Running elastic work that may become larger."""
    return [workload for workload in snapshot.workloads if may_grow(workload) and workload.resize is None and not workload.leaving]


def grow_all(draft: Draft, growers: Iterable[tuple[Workload, PoolName]], wanted: set[PoolName], now_at: int) -> list[Place]:
    """Give what is left over; pools in `wanted` are not idle. The placements of workloads that start stand for their first ones."""
    starts = [(start.workload, start.pool) for start in draft.starts.values()]
    todo = [(workload, pool) for workload, pool in (*starts, *growers) if pool not in wanted]
    pools = {workload.name: pool for workload, pool in todo}
    places: list[Place] = []
    while todo:
        queue = Queue(
            [(workload.tenant, workload) for workload, _ in todo if workload.tenant is not None],
            draft.tree,
            draft.shares,
            lambda workload: build_rank(workload, now_at, guaranteed=draft.is_guaranteed(workload, pools[workload.name])),
        )
        again: list[tuple[Workload, PoolName]] = []
        before = len(places)
        while (workload := queue.take()) is not None and workload.tenant is not None:
            pool = pools[workload.name]
            if workload.name in draft.starts:
                places += draft.extend(draft.starts[workload.name])
            elif draft.free_milli[pool] >= workload.shape.gpu_milli:
                outcome = draft.grow(workload, workload.tenant, pool)
                places += outcome.places
                if outcome.kept_back and not outcome.places:
                    again.append((workload, pool))
        todo = again if len(places) > before else []
    return places
