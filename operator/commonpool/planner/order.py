"""The second stage: who is next.

In this order: workloads within their tenant's guarantee; what is overdue, the oldest first; higher
priority, smaller share, older, name. The share is the weighted dominant share (see `share`) compared along the
tenant tree: two workloads are compared at the two tenants right below the nearest
tenant above both, so a tenant's share is divided among those below it and not beside it
(hierarchical DRF: Bhattacharya et al., SoCC'13, section 3).

Shares grow while the round goes on, so the order is found step by step: each tenant has
a heap of what is below it, and a step touches only the heaps of one chain.

How old a workload is counts from when it could have run (`Workload.waits_since_at`): whoever keeps his work suspended, or has it
start later, parks no place at the head of the queue.

A workload that cannot be placed now does not stop smaller ones behind it, until it is overdue: then
room is kept for it (`heads`).
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from commonpool.model.ids import TenantName, WorkloadName
from commonpool.model.snapshot import Workload
from commonpool.planner.share import Shares
from commonpool.planner.tree import TenantTree

OVERDUE_SECONDS = 1800
"""What has waited longer goes before what has not: half an hour of backfill is the price of busy accelerators."""

Urgency: TypeAlias = tuple[bool, bool, int, str]
"""Not within the guarantee; not overdue; of what is overdue its age and name, of the rest minus the priority."""

Age: TypeAlias = tuple[int, WorkloadName]
Rank: TypeAlias = tuple[Urgency, Age]


def find_overdue_at(workload: Workload) -> int:
    """From when on it has waited for its start too long."""
    return workload.waits_since_at + OVERDUE_SECONDS + 1


def is_overdue(workload: Workload, now_at: int) -> bool:
    """Whether it has waited for its start too long."""
    return not workload.begun and now_at >= find_overdue_at(workload)


def build_rank(workload: Workload, now_at: int, *, guaranteed: bool) -> Rank:
    """Where a workload stands among those of its own tenant: unique."""
    age = (workload.waits_since_at, workload.name)
    if is_overdue(workload, now_at):
        return (not guaranteed, False, *age), age
    return (not guaranteed, True, -workload.priority, ""), age


@dataclass(slots=True)
class _Own:
    """What a tenant itself waits for: a heap by rank."""

    tenant: TenantName
    heap: list[tuple[Urgency, Age, Workload]] = field(default_factory=list)

    def share(self, shares: Shares) -> int:
        return shares.own_share(self.tenant)


@dataclass(slots=True)
class _Branch:
    """A tenant and all below it: a heap by the best of each branch. `Age` ends in a name that is in one branch only."""

    tenant: TenantName | None
    heap: "list[tuple[Urgency, int, Age, _Own | _Branch]]" = field(default_factory=list)

    def share(self, shares: Shares) -> int:
        return 0 if self.tenant is None else shares.share(self.tenant)


class Queue:
    """Gives the next workload each time, by the shares of that moment. `rank` is `build_rank` with what is known then."""

    def __init__(
        self, workloads: Iterable[tuple[TenantName, Workload]], tree: TenantTree, shares: Shares, rank: Callable[[Workload], Rank]
    ) -> None:
        self._shares = shares
        self._rank = rank
        self._root = _Branch(None)
        own: dict[TenantName, _Own] = {}
        for tenant, workload in workloads:
            urgency, age = rank(workload)
            own.setdefault(tenant, _Own(tenant)).heap.append((urgency, age, workload))
        branches: dict[TenantName, _Branch] = {}
        for tenant, line in sorted(own.items()):
            heapq.heapify(line.heap)
            for above in tree.chain(tenant):
                branches.setdefault(above, _Branch(above))
            self._push(branches[tenant], line)
        for tenant in sorted(branches, key=lambda name: (-len(tree.chain(name)), name)):
            parent = tree.parent(tenant)
            self._push(self._root if parent is None else branches[parent], branches[tenant])
        self._taken: list[tuple[_Branch, _Own | _Branch]] = []

    def take(self) -> Workload | None:
        """The next one, or None if no one is left. What the last one got must be in `shares` by now; O(depth x log n)."""
        while True:
            for branch, child in reversed(self._taken):
                self._push(branch, child)
            self._taken = []
            if not self._root.heap:
                return None
            at: _Own | _Branch = self._root
            while isinstance(at, _Branch):
                child = heapq.heappop(at.heap)[-1]
                self._taken.append((at, child))
                at = child
            urgency, _, workload = heapq.heappop(at.heap)
            now = self._rank(workload)
            if now[0] == urgency:
                return workload
            heapq.heappush(at.heap, (*now, workload))  # others under the same line used up the guarantee: once for each at most

    def _push(self, branch: _Branch, child: "_Own | _Branch") -> None:
        if child.heap:
            urgency, age = _best(child)
            heapq.heappush(branch.heap, (urgency, child.share(self._shares), age, child))


def _best(child: "_Own | _Branch") -> tuple[Urgency, Age]:
    if isinstance(child, _Own):
        return child.heap[0][0], child.heap[0][1]
    return child.heap[0][0], child.heap[0][2]
