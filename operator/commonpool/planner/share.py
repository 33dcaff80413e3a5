"""Who holds what while a round is being planned: running totals, and the share that follows from them.

The share of a tenant is the largest part of any one pool that it and those below it
hold: the dominant share of Ghodsi et al., "Dominant Resource Fairness" (NSDI'11,
section 4), with each pool as a resource; divided by the tenant's weight.
"""

from collections import defaultdict
from collections.abc import Mapping

from commonpool.model.ids import PoolName, TenantName
from commonpool.planner.tree import TenantTree

SHARE_UNIT = 1 << 40
"""A share of 1 in fixed point: fine enough to tell one milli-accelerator of a pool of a million apart."""


class Shares:
    """Milli-accelerators by tenant and pool, those of all below it included. It only grows."""

    def __init__(self, tree: TenantTree, capacity: Mapping[PoolName, int]) -> None:
        self._tree = tree
        self._capacity = capacity
        self._held: defaultdict[tuple[TenantName, PoolName], int] = defaultdict(int)
        self._own: defaultdict[tuple[TenantName, PoolName], int] = defaultdict(int)
        self._shares: defaultdict[TenantName, int] = defaultdict(int)
        self._own_shares: defaultdict[TenantName, int] = defaultdict(int)

    def add(self, tenant: TenantName, pool: PoolName, gpu_milli: int) -> None:
        """Count something that the tenant holds, for itself and all above it; O(depth)."""
        whole = max(1, self._capacity.get(pool, 0))
        for above in self._tree.chain(tenant):
            self._held[above, pool] += gpu_milli
            self._shares[above] = max(self._shares[above], self._held[above, pool] * SHARE_UNIT // whole)
        self._own[tenant, pool] += gpu_milli
        self._own_shares[tenant] = max(self._own_shares[tenant], self._own[tenant, pool] * SHARE_UNIT // whole)

    def share(self, tenant: TenantName) -> int:
        """The weighted dominant share of the tenant and all below it, in `SHARE_UNIT`."""
        return self._shares[tenant] // self._tree.weight(tenant)

    def own_share(self, tenant: TenantName) -> int:
        """The dominant share of what the tenant itself holds, without those below it."""
        return self._own_shares[tenant]
