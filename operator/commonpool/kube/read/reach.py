"""How many pods of a service quotas and pools could ever give: more of them would only wait.

A bound and no promise: it counts accelerators, not how they lie on nodes, and nothing that others hold.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from commonpool.api import GPUWorkload
from commonpool.kube.read.choices import read_choices
from commonpool.kube.read.fleet import Fleet
from commonpool.model.amounts import GPU_MILLI
from commonpool.model.ids import PoolName, TenantName
from commonpool.model.pools import PoolOrder
from commonpool.model.snapshot import Pool, Prefer, QuotaLine, Tenant
from commonpool.model.usage import find_lineage

GUARANTEED = "Guaranteed"
QUOTA_SAYS = "the quota of your tenant, or of one above it, allows no more"
POOL_SAYS = "there are no more accelerators for it in any pool"


@dataclass(frozen=True, slots=True)
class Reach:
    """At most so many pods, and what says so."""

    pods: int
    why: str


class Reaches:
    """Asked for one service after the other: what they share is summed once."""

    def __init__(self, fleet: Fleet, tenants: Iterable[Tenant], lines: Iterable[QuotaLine]) -> None:
        self._order = PoolOrder(fleet.pools.values())
        self._milli = _sum_pools(fleet)
        self._lineage = find_lineage(tenants)
        self._lines: dict[tuple[TenantName, PoolName], list[QuotaLine]] = {}
        for line in lines:
            for pool in line.pools:
                self._lines.setdefault((line.tenant, pool), []).append(line)

    def find(self, workload: GPUWorkload, tenant: TenantName, held: Collection[PoolName]) -> Reach | None:
        """The most that one of its pools could give, at least a pod; None if no pool would do. `held`: where it has begun, if it has."""
        choices = self._order.rank(read_choices(workload), Prefer.LIST_ORDER)
        reaches = [self._judge(workload, tenant, choice.pool) for choice in choices if not held or choice.pool.name in held]
        best = max(reaches, key=lambda reach: reach.pods, default=None)
        return best if best is None or best.pods else Reach(1, best.why)

    def _judge(self, workload: GPUWorkload, tenant: TenantName, pool: Pool) -> Reach:
        pod_milli = workload.spec.accelerators.per_replica * GPU_MILLI
        best = Reach(self._milli[pool.name] // pod_milli, POOL_SAYS)
        for above in self._lineage.get(tenant, (tenant,)):
            for line in self._lines.get((above, pool.name), ()):
                weight = line.weights_milli[line.pools.index(pool.name)]
                most = _find_most(line, guaranteed=workload.spec.tier == GUARANTEED and above == tenant)
                if most is not None and weight and most * GPU_MILLI // (pod_milli * weight) < best.pods:
                    best = Reach(most * GPU_MILLI // (pod_milli * weight), QUOTA_SAYS)
        return best


def _find_most(line: QuotaLine, *, guaranteed: bool) -> int | None:
    """What may be held by a line, in thousandths of its unit; `guaranteed`: by work that never borrows."""
    borrowing = None if line.borrowable is None else line.guaranteed + line.borrowable
    bounds = [most for most in (line.limit, borrowing, line.guaranteed if guaranteed else None) if most is not None]
    return min(bounds, default=None)


def _sum_pools(fleet: Fleet) -> Mapping[PoolName, int]:
    """Accelerators that are in each pool or may come, in thousandths."""
    there: Counter[PoolName] = Counter()
    for node in fleet.nodes.values():
        there[node.pool] += node.capacity.gpu_milli
    to_come = {
        pool.name: pool.scaling.most_nodes * pool.scaling.node.gpu_milli for pool in fleet.pools.values() if pool.scaling is not None
    }
    return {name: max(there[name], to_come.get(name, 0)) for name in fleet.pools}
