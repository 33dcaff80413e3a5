"""How many workloads each tenant has, and what the waiting ones ask for."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from commonpool.model.ids import PoolName, TenantName
from commonpool.model.snapshot import Pool, Snapshot, Wish, Workload
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
    sums = {tenant.name: Demand() for tenant in snapshot.tenants}
    for workload in snapshot.workloads:
        pool = find_favourite(workload, snapshot.pools) if workload.needs else None
        for tenant in lineage.get(workload.tenant, ()) if workload.tenant is not None else ():
            demand = sums[tenant]
            demand.holding += workload.begun
            demand.waiting += not workload.begun and bool(workload.needs)
            if pool is not None:
                demand.asked[pool] += len(workload.needs) * workload.shape.gpu_milli
    return sums


def find_favourite(workload: Workload, pools: tuple[Pool, ...]) -> PoolName | None:
    """The pool where it runs, else the first that its first wish allows; None if there is none."""
    if workload.holdings:
        return workload.holdings[0].pool
    wishes = workload.wishes or (Wish(),)
    return next((pool.name for wish in wishes for pool in pools if _suits(pool, wish)), None)


def _suits(pool: Pool, wish: Wish) -> bool:
    return (
        wish.pool in {None, pool.name}
        and wish.resource_name in {None, pool.resource_name}
        and pool.memory_bytes >= wish.memory_bytes
        and (wish.precision is None or any(precision == wish.precision for precision, _ in pool.speed_gflops))
    )
