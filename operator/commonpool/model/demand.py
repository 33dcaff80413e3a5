"""How many workloads each tenant has, and what the waiting ones ask for."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from commonpool.model.ids import PoolName, TenantName
from commonpool.model.pools import PoolOrder
from commonpool.model.snapshot import Snapshot, Wish, Workload
from commonpool.model.usage import find_lineage


@dataclass(slots=True)
class Demand:
    """A tenant's workloads and those of all its descendants."""

    holding: int = 0
    """Workloads that hold a place."""
    waiting: int = 0
    """Workloads that hold none and want one."""
    asked: Counter[PoolName] = field(default_factory=Counter)
    """Thousandths of accelerators that pods without a place ask for, each in the pool that it would like best."""


NO_DEMAND = Demand()


def sum_demand(snapshot: Snapshot) -> Mapping[TenantName, Demand]:
    """Count the workloads of each tenant and of all its descendants. O(workloads * (depth + pools))."""
    lineage = find_lineage(snapshot.tenants)
    order = PoolOrder(snapshot.pools)
    sums = {tenant.name: Demand() for tenant in snapshot.tenants}
    for workload in snapshot.workloads:
        pool = find_favourite(workload, order) if workload.needs else None
        for tenant in lineage.get(workload.tenant, ()) if workload.tenant is not None else ():
            demand = sums[tenant]
            demand.holding += workload.begun
            demand.waiting += not workload.begun and bool(workload.needs)
            if pool is not None:
                demand.asked[pool] += len(workload.needs) * workload.shape.gpu_milli
    return sums


def find_favourite(workload: Workload, order: PoolOrder) -> PoolName | None:
    """The pool where it runs, else the one that the planner would try first were all open; None if no wish means any."""
    if workload.holdings:
        return workload.holdings[0].pool
    return next((choice.pool.name for choice in order.rank(workload.wishes or (Wish(),), workload.prefer)), None)
