"""What could ever be: how much of a shape the pool holds when nothing of its own work runs."""

from collections import Counter

from commonpool.engine.protocol import ANYWHERE
from commonpool.engine.protocol import Amounts as Vector
from commonpool.model.amounts import Amounts
from commonpool.model.ids import PoolName
from commonpool.model.snapshot import Workload
from commonpool.planner.fleet import Ground, Site, count_pods, domain_at
from commonpool.planner.site import build_site, find_required_level


class EmptyPool:
    """Answers are kept: many workloads ask the same."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._most: dict[tuple[Site, int, Amounts], int] = {}
        self._kinds: dict[tuple[Site, int], Counter[tuple[str, Vector]]] = {}

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

    def could_hold(self, workload: Workload, pool: PoolName, pods: int) -> bool:
        """Whether so many pods of the workload could be there at all."""
        level = find_required_level(self._ground, workload, pool)
        if level is None:
            return False
        return self.count(build_site(self._ground, workload, pool, workload.required_level), level, workload.shape) >= pods

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
