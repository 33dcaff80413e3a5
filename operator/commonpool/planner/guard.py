"""What nobody may take: work inside a guarantee or inside its minimum run time.

Two questions, because elastic work is divisible and a gang is not. Pods beyond the least size may go as
long as their tenant keeps what it is guaranteed. A whole gang may go if its tenant holds more than that
and the gang itself is outside: of what a tenant holds, the guarantee covers first what ranks highest and
has run longest, as far as it goes.

Work of tier Guaranteed comes first in that order, and nothing at all is taken from what is covered. It was
placed so; where the tier was set later, or the guarantee was lowered, what is beyond is borrowed like any other.

A claim that is covered by a tenant's guarantee does not reach below that tenant, and lines above both
count the same before and after; they protect nobody from it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable

from commonpool.model.elastic import may_grow, split_places
from commonpool.model.ids import PoolName, TenantName, WorkloadName
from commonpool.model.snapshot import Snapshot, Workload
from commonpool.planner.place import GUARANTEED, Draft
from commonpool.planner.reserve import MICRO, LineState


class Guard:
    """Asked for one claim after the other; `Draft.quota` counts what is on its way back by then."""

    def __init__(self, snapshot: Snapshot, draft: Draft) -> None:
        self._now_at = snapshot.now_at
        self._draft = draft
        self._running = [each for each in snapshot.workloads if each.begun and not each.leaving]
        self._held: defaultdict[TenantName, list[Workload]] = defaultdict(list)
        for workload in self._running:
            for above in draft.tree.chain(workload.tenant) if workload.tenant is not None else ():
                self._held[above].append(workload)
        self._inside: dict[int, frozenset[WorkloadName]] = {}

    def may_be_asked(self, workload: Workload) -> bool:
        """Whether anything may be taken from it at all, by whomever. What starts in this very round is left alone."""
        return self._is_open(workload) and self.find_free_at(workload) <= self._now_at

    def may_be_asked_later(self, workload: Workload) -> bool:
        """Whether only that it has not run long enough keeps it from being asked."""
        return self._is_open(workload) and self.find_free_at(workload) > self._now_at

    def find_free_at(self, workload: Workload) -> int:
        """When its minimum run time, and the second in which it started, are over, or were."""
        return workload.free_at if workload.started_at else self._now_at + max(1, workload.min_runtime_seconds)

    def _is_open(self, workload: Workload) -> bool:
        return (
            workload.begun
            and not workload.leaving
            and workload.tenant is not None
            and not (workload.tier == GUARANTEED and self._is_covered(workload, workload.tenant))
        )

    def may_give(self, tenant: TenantName, pool: PoolName, gpu_milli: int, spared: Collection[TenantName]) -> bool:
        """Whether the tenant keeps its guarantees when it gives so much back. `spared`: the tenants whose lines count the claim as well."""
        return all(
            state.used - state.going - gpu_milli * state.weights[pool] >= state.line.guaranteed * MICRO
            for state in self._protecting(tenant, pool, spared)
        )

    def may_evict(self, workload: Workload, spared: Collection[TenantName]) -> bool:
        """Whether the workload is borrowed as a whole."""
        if workload.tenant is None:
            return False
        pools = sorted({holding.pool for holding in workload.holdings})
        return all(
            state.used - state.going > state.line.guaranteed * MICRO and workload.name not in self._find_inside(state)
            for pool in pools
            for state in self._protecting(workload.tenant, pool, spared)
        )

    def find_broken_inside(self) -> frozenset[WorkloadName]:
        """Work that has lost pods and that some guarantee keeps, whoever claims."""
        broken = (each for each in self._running if each.needs and not may_grow(each))
        return frozenset(each.name for each in broken if not self.may_evict(each, ()))

    def lost_work(self, workload: Workload) -> int:
        """Milli-accelerator-seconds since the last checkpoint."""
        since_at = max(workload.started_at, workload.checkpointed_at) or self._now_at
        return max(0, self._now_at - since_at) * sum(holding.amounts.gpu_milli for holding in workload.holdings)

    def _is_covered(self, workload: Workload, tenant: TenantName) -> bool:
        """Whether a guarantee has room for all that it holds, by the lines by which it would be placed."""
        return all(
            any(workload.name in self._find_inside(state) for state in self._draft.quota.list_nearest(tenant, pool))
            for pool in {holding.pool for holding in workload.holdings}
        )

    def _protecting(self, tenant: TenantName, pool: PoolName, spared: Collection[TenantName]) -> Iterable[LineState]:
        return [state for state in self._draft.quota.guarantees(tenant, pool) if state.line.tenant not in spared]

    def _find_inside(self, state: LineState) -> frozenset[WorkloadName]:
        known = self._inside.get(id(state))
        if known is None:
            known = self._inside[id(state)] = frozenset(self._fill(state))
        return known

    def _fill(self, state: LineState) -> Iterable[WorkloadName]:
        left = state.line.guaranteed * MICRO
        for workload in sorted(self._held[state.line.tenant], key=_rank):
            cost = sum(holding.amounts.gpu_milli * state.weights.get(holding.pool, 0) for holding in split_places(workload)[0])
            if cost <= left:
                left -= cost
                yield workload.name


def _rank(workload: Workload) -> tuple[bool, int, int, str]:
    return (workload.tier != GUARANTEED, -workload.priority, workload.started_at, workload.name)
