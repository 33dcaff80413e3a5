"""What stays free because it was promised and is not to be lent.

Of a guarantee, what is neither used nor lendable is *kept*: others may not take it. A
guarantee may be over several pools at once, so keeping looks at sets of pools: within
each set that some guarantee speaks of, what is free must cover what is kept for all
guarantees that can only be met inside the set.

Nothing is counted twice: what a tenant holds counts for all above it, so a subtree
keeps the larger of its own and what its branches keep; likewise a line over some pools
and the same tenant's line over part of them.

What comes out of one's own keeping takes nothing from others and is never refused here,
even where nodes are lost and no longer cover all that is kept; otherwise two guarantees
would wait for each other for ever.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from commonpool.model.ids import PoolName, TenantName
from commonpool.model.snapshot import QuotaLine
from commonpool.planner.tree import TenantTree

MICRO = 1000
"""From thousandths (amounts of a line) to millionths of its unit (milli-accelerators times thousandths of weight): exact."""


@dataclass(slots=True)
class LineState:
    """A quota line and what is held in it, in millionths of its unit."""

    line: QuotaLine
    weights: Mapping[PoolName, int]
    used: int = 0
    going: int = 0
    """Of `used`, what is on its way back."""

    @property
    def unlent(self) -> int:
        """How much of the guarantee nobody else may use."""
        return 0 if self.line.lendable is None else max(0, self.line.guaranteed - self.line.lendable) * MICRO

    def kept(self, pool: PoolName | None, gpu_milli: int) -> int:
        """What it keeps once so much more is held in `pool`."""
        return max(0, self.unlent - self.used - gpu_milli * (self.weights.get(pool, 0) if pool is not None else 0))


@dataclass(slots=True)
class _Claim:
    """A line inside a set of pools: what it keeps there, in the set's unit, and the same tenant's narrower claims under it."""

    state: LineState
    rate: tuple[int, int]
    under: list["_Claim"] = field(default_factory=list)

    def kept(self, pool: PoolName | None, gpu_milli: int) -> int:
        above, below = self.rate
        own = -(-self.state.kept(pool, gpu_milli) * above // below)
        return max(own, sum(claim.kept(pool, gpu_milli) for claim in self.under))


class PoolSet:
    """A set of pools with a unit, what is free in it and what is kept in it."""

    def __init__(self, weights: Mapping[PoolName, int], tree: TenantTree) -> None:
        self.weights = weights
        self.free = 0
        """Millionths of the set's unit."""
        self._tree = tree
        self._claims: dict[TenantName, list[_Claim]] = {}
        self._kept: dict[TenantName, int] = {}
        self._below: dict[TenantName, int] = {}
        self._total = 0

    @property
    def is_claimed(self) -> bool:
        """Whether anything can ever be kept in it."""
        return bool(self._claims)

    def claim(self, states: Iterable[LineState]) -> None:
        """Take in the lines that can only be met inside the set, before `free` and any use is known."""
        for state in sorted(states, key=lambda each: (len(each.weights), each.line.pools)):
            rate = _dearest_rate(self.weights, state.weights)
            if not state.unlent or rate is None or not state.weights.keys() <= self.weights.keys():
                continue
            siblings = self._claims.setdefault(state.line.tenant, [])
            inside = [claim for claim in siblings if claim.state.weights.keys() <= state.weights.keys()]
            siblings[:] = [claim for claim in siblings if claim not in inside] + [_Claim(state, rate, inside)]

    def settle(self) -> None:
        """Work out what is kept for the use that the lines now show; O(tenants x depth)."""
        self._kept, self._below, self._total = {}, {}, 0
        tenants = {above for tenant in self._claims for above in self._tree.chain(tenant)}
        for tenant in sorted(tenants, key=lambda name: (-len(self._tree.chain(name)), name)):
            kept = max(self._own(tenant), self._below.get(tenant, 0))
            self._kept[tenant] = kept
            parent = self._tree.parent(tenant)
            if parent is None:
                self._total += kept
            else:
                self._below[parent] = self._below.get(parent, 0) + kept

    def admits(self, chain: Sequence[TenantName], pool: PoolName, gpu_milli: int) -> bool:
        """Whether what is kept for others is still free after the request; O(depth)."""
        change = self._change(chain, pool, gpu_milli)
        before = self.free - self._total
        after = before - gpu_milli * self.weights[pool] - change
        return after >= min(0, before) or self._total + change == 0

    def kept_after(self, chain: Sequence[TenantName], pool: PoolName, gpu_milli: int) -> int:
        """All that would be kept once the request is granted."""
        return self._total + self._change(chain, pool, gpu_milli)

    def take(self, chain: Sequence[TenantName], pool: PoolName, gpu_milli: int) -> None:
        """Grant a request: call it before the lines count it."""
        self.free -= gpu_milli * self.weights[pool]
        change = 0
        for tenant in chain:
            below = self._below.get(tenant, 0) + change
            kept = max(self._own(tenant, pool, gpu_milli), below)
            change = kept - self._kept.get(tenant, 0)
            self._below[tenant], self._kept[tenant] = below, kept
        self._total += change

    def _change(self, chain: Sequence[TenantName], pool: PoolName, gpu_milli: int) -> int:
        change = 0
        for tenant in chain:
            kept = max(self._own(tenant, pool, gpu_milli), self._below.get(tenant, 0) + change)
            change = kept - self._kept.get(tenant, 0)
        return change

    def _own(self, tenant: TenantName, pool: PoolName | None = None, gpu_milli: int = 0) -> int:
        return sum(claim.kept(pool, gpu_milli) for claim in self._claims.get(tenant, ()))


def _dearest_rate(outer: Mapping[PoolName, int], inner: Mapping[PoolName, int]) -> tuple[int, int] | None:
    """The most that one unit of `inner` can cost in the unit of `outer`, as a fraction; None if no pool counts in `inner`."""
    rates = [(outer.get(pool, 0), weight) for pool, weight in sorted(inner.items()) if weight > 0]
    best: tuple[int, int] | None = None
    for above, below in rates:
        if best is None or above * best[1] > best[0] * below:
            best = (above, below)
    return best
