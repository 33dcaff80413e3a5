"""What nobody may take: work inside a guarantee or inside its minimum run time.

Of what a tenant holds, the guarantee covers first what ranks highest and has run longest, as far as it goes: a gang
as a whole or not at all, elastic work its least size and then pod by pod, independent pods one by one.

Three questions, because elastic work is divisible, and a gang is not. Pods beyond the least size may go as
long as their tenant keeps what it is guaranteed. A whole gang may go if its tenant holds more than that
and the gang itself is outside. An independent pod is like a gang of one: also one that the guarantee covers in part is
borrowed, and one that it covers stays.

Work of tier Guaranteed comes first in that order, and nothing at all is taken from what is covered. It was
placed so; where the tier was set later, or the guarantee was lowered, what is beyond is borrowed like any other.

A claim that is covered by a tenant's guarantee does not reach below that tenant, and lines above both
count the same before and after; they protect nobody from it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace

from commonpool.model.elastic import may_grow, sort_places, split_places
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
        self._inside: dict[int, dict[WorkloadName, int]] = {}
        self._lines: dict[tuple[WorkloadName, frozenset[TenantName]], list[LineState]] = {}

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
        """Whether the workload is borrowed as a whole: none of its pods is inside."""
        return workload.tenant is not None and self.borrows(workload, spared) and self.count_inside(workload, spared) == 0

    def borrows(self, workload: Workload, spared: Collection[TenantName]) -> bool:
        """Whether its tenant holds more than it is guaranteed, by every line, without what is on its way back."""
        return all(state.used - state.going > state.line.guaranteed * MICRO for state in self._protecting_all(workload, spared))

    def count_inside(self, workload: Workload, spared: Collection[TenantName]) -> int:
        """How many of its pods, those first that stay longest, a guarantee covers."""
        return max((self._find_inside(state).get(workload.name, 0) for state in self._protecting_all(workload, spared)), default=0)

    def find_broken_inside(self) -> frozenset[WorkloadName]:
        """Gangs that have lost pods and that some guarantee keeps, whoever claims."""
        broken = (each for each in self._running if each.needs and not may_grow(each) and not each.independent)
        return frozenset(each.name for each in broken if not self.may_evict(each, ()))

    def lost_work(self, workload: Workload) -> int:
        """Milli-accelerator-seconds since the last checkpoint."""
        since_at = max(workload.started_at, workload.checkpointed_at) or self._now_at
        return max(0, self._now_at - since_at) * sum(holding.amounts.gpu_milli for holding in workload.holdings)

    def _is_covered(self, workload: Workload, tenant: TenantName) -> bool:
        """Whether a guarantee has room for all that it holds, by the lines by which it would be placed."""
        return all(
            any(
                self._find_inside(state).get(workload.name) == len(split_places(workload)[0])
                for state in self._draft.quota.list_nearest(tenant, pool)
            )
            for pool in {holding.pool for holding in workload.holdings}
        )

    def _protecting(self, tenant: TenantName, pool: PoolName, spared: Collection[TenantName]) -> Iterable[LineState]:
        return [state for state in self._draft.quota.guarantees(tenant, pool) if state.line.tenant not in spared]

    def _protecting_all(self, workload: Workload, spared: Collection[TenantName]) -> Iterable[LineState]:
        """By the lines of every pool where it holds something."""
        if workload.tenant is None:
            return []
        key = (workload.name, frozenset(spared))
        if key not in self._lines:
            pools = sorted({holding.pool for holding in workload.holdings})
            self._lines[key] = [state for pool in pools for state in self._protecting(workload.tenant, pool, spared)]
        return self._lines[key]

    def _find_inside(self, state: LineState) -> dict[WorkloadName, int]:
        """How many pods of each workload the line's guarantee covers."""
        known = self._inside.get(id(state))
        if known is None:
            known = self._inside[id(state)] = {}
            left = state.line.guaranteed * MICRO
            for workload in sorted(self._held[state.line.tenant], key=_rank):
                known[workload.name], left = _fill(workload, state, left)
        return known


def _fill(workload: Workload, state: LineState, left: int) -> tuple[int, int]:
    """How many of its pods so much covers, and what is left then."""
    places = sort_places(replace(workload, holdings=split_places(workload)[0]))
    costs = [holding.amounts.gpu_milli * state.weights.get(holding.pool, 0) for holding in places]
    together = 1 if workload.independent else len(costs) if workload.elastic is None else min(workload.elastic.least, len(costs))
    inside, cost = together, sum(costs[:together])
    if not costs or cost > left:
        return 0, left
    for each in costs[together:]:
        if cost + each > left:
            break
        inside, cost = inside + 1, cost + each
    return inside, left - cost


def _rank(workload: Workload) -> tuple[bool, int, int, str]:
    return (workload.tier != GUARANTEED, -workload.priority, workload.started_at, workload.name)
