"""Backfill with one reservation a pool: why no gang waits for ever behind a stream of smaller ones.

What has waited longer than `order.OVERDUE_SECONDS` goes before all else of its class, oldest first. The
first such workload that finds no room in a pool becomes its *head*: nodes that could hold it if they
were empty are set aside, and nothing that comes after it in the order may use what becomes free there.

Which nodes: those with most room now, in the domain where that comes to most; for work with segments or a spread those that an empty
pool would give it. They are chosen anew each
round and that is safe: room on chosen nodes only grows, for nobody else enters them, so a choice is
only ever changed for a better one, and that ends. Then the running work there ends, and the head starts.
(EASY backfill: Lifka, "The ANL/IBM SP scheduling system", JSSPP'95; without run times nobody may jump ahead on the head's own nodes.)
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from commonpool.engine.protocol import ANYWHERE
from commonpool.engine.vectors import count_pods
from commonpool.model.ids import PoolName, TenantName
from commonpool.model.snapshot import Snapshot, Workload
from commonpool.planner.fleet import domain_at
from commonpool.planner.layout import find_layout, least
from commonpool.planner.place import Draft
from commonpool.planner.quota import Quota
from commonpool.planner.site import build_site
from commonpool.planner.size import EmptyPool


class Heads:
    """The heads of a round."""

    def __init__(self, snapshot: Snapshot, draft: Draft, sizes: EmptyPool) -> None:
        self._snapshot = snapshot
        self._draft = draft
        self._sizes = sizes
        self._headed: set[PoolName] = set()
        self._bare: Quota | None = None

    def keep_room(self, workload: Workload, tenant: TenantName, pools: Iterable[PoolName]) -> None:
        """Make an overdue workload the head of the first of its pools that has none yet and could ever take it."""
        for pool in pools:
            if pool in self._headed or not self._could_start(workload, tenant, pool):
                continue
            nodes = self._choose_nodes(workload, pool)
            if not nodes:
                continue
            self._headed.add(pool)
            self._draft.outlook.quota.take(tenant, pool, least(workload) * workload.shape.gpu_milli)
            self._draft.outlook.differs = True
            for index in nodes:
                self._draft.outlook.keep(index)
                self._draft.set_aside(index)
            return

    def _could_start(self, workload: Workload, tenant: TenantName, pool: PoolName) -> bool:
        """Whether only the work of others is in its way: its limits have room now, and so had all quotas if nothing ran."""
        pods = least(workload)
        if self._draft.measure_limits(workload, tenant, pool, pods).pods < pods or not self._sizes.could_hold(workload, pool, pods):
            return False
        if self._bare is None:
            self._bare = Quota(self._draft.tree, self._snapshot.quotas)
            self._bare.open(_sum_empty(self._draft))
        return self._bare.measure(tenant, pool, workload.shape.gpu_milli, pods).pods >= pods

    def _choose_nodes(self, workload: Workload, pool: PoolName) -> Sequence[int]:
        ground, shape = self._draft.ground, workload.shape.vector
        layout = find_layout(ground, workload, pool)
        if layout is None:
            return ()
        site = build_site(ground, workload, pool, workload.required_level)
        if layout.is_shaped:
            return sorted(set(self._sizes.choose_nodes(site, layout, workload.shape, least(workload))))
        level = layout.level
        members: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)
        for index in ground.eligible(site):
            domain = domain_at(ground.nodes[index], level)
            empty = count_pods(ground.empty[index], shape)
            if empty and (domain or level == ANYWHERE):
                members[domain].append((-count_pods(self._draft.room[index], shape), index, empty))
        choices = [choice for _, nodes in sorted(members.items()) if (choice := _take_enough(sorted(nodes), least(workload)))]
        return [index for _, index, _ in min(choices, key=_rank_choice)] if choices else ()


def _take_enough(nodes: Iterable[tuple[int, int, int]], pods: int) -> list[tuple[int, int, int]]:
    """The first nodes that hold so many pods when they are empty."""
    taken: list[tuple[int, int, int]] = []
    for node in nodes:
        taken.append(node)
        pods -= node[2]
        if pods <= 0:
            return taken
    return []


def _rank_choice(choice: list[tuple[int, int, int]]) -> tuple[int, list[tuple[int, int, int]]]:
    return sum(minus_now for minus_now, _, _ in choice), choice


def _sum_empty(draft: Draft) -> Mapping[PoolName, int]:
    return {pool: draft.ground.empty_milli(pool) for pool in draft.ground.pools}
