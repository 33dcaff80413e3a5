"""What could ever be: how much of a shape the pool holds when nothing of its own work runs."""

from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from commonpool.engine.protocol import ANYWHERE, Engine, Packing
from commonpool.engine.protocol import Amounts as Vector
from commonpool.engine.vectors import count_pods
from commonpool.model.amounts import Amounts
from commonpool.model.ids import PoolName
from commonpool.model.snapshot import Workload
from commonpool.planner.fleet import Ground, Site, domain_at, is_packable
from commonpool.planner.layout import Layout, find_layout, joins
from commonpool.planner.site import build_site, find_group


class EmptyPool:
    """Answers are kept: many workloads ask the same. What asks for more than to be together is asked of the engine, if there is any."""

    def __init__(self, ground: Ground, engine: Engine) -> None:
        self._ground = ground
        self._engine = engine
        self._packing: Packing | None = None
        self._most: dict[tuple[Site, int, Amounts], int] = {}
        self._kinds: dict[tuple[Site, int], Counter[tuple[str, Vector]]] = {}
        self._shaped: dict[tuple[Site, Layout, Amounts, int, bool], tuple[int, Sequence[int]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._packing is not None:
            self._packing.close()

    def count(self, site: Site, level: int, shape: Amounts) -> int:
        """The most pods that one domain could hold, nodes that the pool could still get included."""
        key = (site, level, shape)
        if key not in self._most:
            sums: dict[str, int] = {}
            for (domain, empty), nodes in self._count_kinds(site, level).items():
                sums[domain] = sums.get(domain, 0) + nodes * count_pods(empty, shape.vector)
            new = self._count_new(site, shape)
            spare = len(self._ground.spare.get(site.pool, ()))
            beyond = sums.get("", 0) + new * spare if level == ANYWHERE else new if spare else 0
            self._most[key] = max(beyond, max(sums.values(), default=0))
        return self._most[key]

    def count_shaped(self, site: Site, layout: Layout, shape: Amounts, pods: int) -> int:
        """The most pods, at most `pods`, that could lie like this."""
        if not layout.is_shaped:
            return min(pods, self.count(site, layout.level, shape))
        return self._try(site, layout, shape, pods, spare=True)[0]

    def choose_nodes(self, site: Site, layout: Layout, shape: Amounts, pods: int) -> Sequence[int]:
        """Nodes that are there on which so many pods could lie like this if nothing else were there; empty if they could not."""
        return self._try(site, layout, shape, pods, spare=False)[1]

    def could_hold(self, workload: Workload, pool: PoolName, pods: int) -> bool:
        """Whether so many pods of the workload could be there at all."""
        layout = find_layout(self._ground, workload, pool)
        if layout is None:
            return False
        site = build_site(self._ground, workload, pool, workload.required_level)
        if joins(workload):
            group = find_group(self._ground, workload, pool, layout, pods)
            site, layout = group.site, group.layout
        return self.count_shaped(site, layout, workload.shape, pods) >= pods

    def _try(self, site: Site, layout: Layout, shape: Amounts, pods: int, *, spare: bool) -> tuple[int, Sequence[int]]:
        if not is_packable(shape):
            return 0, ()
        key = (site, layout, shape, pods, spare)
        if key not in self._shaped:
            if self._packing is None:
                self._packing = self._engine.open(self._ground.empty_fleet())
            ground = self._ground
            eligible = ground.with_spare(site, len(ground.spare.get(site.pool, ()))) if spare else ground.eligible(site)
            answer = self._packing.place(layout.request(shape.vector, pods, pods), self._packing.select(eligible))
            for index in answer.nodes:
                self._packing.add(index, shape.vector)
            self._shaped[key] = answer.fit_count, answer.nodes
        return self._shaped[key]

    def _count_kinds(self, site: Site, level: int) -> Counter[tuple[str, Vector]]:
        """Nodes of the site that are there to stay, by domain and by what they have: of most there are many."""
        kinds = self._kinds.get((site, level))
        if kinds is None:
            ground = self._ground
            kinds = self._kinds[site, level] = Counter(
                (domain, ground.empty[index])
                for index in ground.matching(site)
                if ((domain := domain_at(ground.nodes[index], level)) or level == ANYWHERE) and not ground.nodes[index].releasing
            )
        return kinds

    def _count_new(self, site: Site, shape: Amounts) -> int:
        """How many pods a new node would hold."""
        scaling = self._ground.pools[site.pool].scaling
        if scaling is None or site.selector or site.domains:
            return 0
        return count_pods(scaling.node.vector, shape.vector)
