"""When a plan may say something else although no fact changes: every instant that a stage compares with `now_at`.

Whoever carries plans out makes no other before a fact has changed or one of these has come. A stage that looks at the
clock adds its instant here; `tests/planner/test_due.py` has the law.
"""

from collections.abc import Iterator

from commonpool.model.plan import Plan
from commonpool.model.snapshot import Snapshot
from commonpool.planner.order import find_overdue_at


def find_next_due(snapshot: Snapshot, plan: Plan) -> int | None:
    """The next of these instants once `plan`, made over `snapshot`, has been carried out; None: time alone changes nothing."""
    return min((instant for instant in _list_instants(snapshot, plan) if instant > snapshot.now_at), default=None)


def _list_instants(snapshot: Snapshot, plan: Plan) -> Iterator[int]:
    for pool in snapshot.pools:
        if pool.scaling is not None and pool.name in plan.surplus:
            yield (pool.scaling.surplus_since_at or snapshot.now_at) + pool.scaling.cooldown_seconds
    if not plan.hold:
        return
    for workload in snapshot.workloads:
        if workload.begun:
            yield workload.free_at
        elif workload.needs and workload.blocked is None:
            yield workload.patient_until_at
            yield find_overdue_at(workload)
