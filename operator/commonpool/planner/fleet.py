"""The nodes as the packing engine sees them: indexes and integers, and the way back to names."""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from commonpool.engine.protocol import LIMITS, MAX_TOTAL_WEIGHT, NO_DOMAIN, Fleet
from commonpool.engine.protocol import Amounts as Vector
from commonpool.model.amounts import Amounts
from commonpool.model.ids import NodeName, PoolName
from commonpool.model.snapshot import Node, Snapshot, Workload

MOST_CLASSES = 32
"""So many shapes of work stand for all: the commonest. More would slow the engine and change little."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where in a pool pods of a workload may go."""

    pool: PoolName
    selector: tuple[tuple[str, str], ...] = ()
    level: str | None = None
    domains: frozenset[str] = frozenset()
    """Only in these domains of `level`; none named: anywhere."""


class Ground:
    """The nodes of a snapshot, in its order: index `i` of the engine is `nodes[i]`."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.nodes = snapshot.nodes
        self.pools = {pool.name: pool for pool in snapshot.pools}
        self.index = {node.name: index for index, node in enumerate(snapshot.nodes)}
        self._of_pool: dict[PoolName, list[int]] = {pool: [] for pool in self.pools}
        for index, node in enumerate(snapshot.nodes):
            self._of_pool.setdefault(node.pool, []).append(index)
        self._eligible: dict[Site, array[int]] = {}
        self.empty = [_left(node.capacity.vector, node.foreign.vector) for node in snapshot.nodes]
        """What each node can give to the pool's own work: four amounts."""
        self.free = self._count_free(snapshot.workloads)
        """What of it is left. Never below nothing, so that an overdrawn node is full and not in debt."""
        self.fleet = self._build_fleet(snapshot)

    def find_level(self, pool: PoolName, label: str) -> int | None:
        """Which level of the pool's topology a node label is."""
        topology = self.pools[pool].topology
        return topology.index(label) if label in topology else None

    def find_domain(self, node: NodeName, pool: PoolName, label: str) -> str:
        """The node's domain at a level of the pool; nothing if it is gone, of another pool by now, or has none."""
        index, level = self.index.get(node), self.find_level(pool, label)
        if index is None or level is None or self.nodes[index].pool != pool:
            return ""
        return domain_at(self.nodes[index], level)

    def matching(self, site: Site) -> Sequence[int]:
        """All nodes of the site, those that take no pods now included."""
        wanted = set(site.selector)
        level = None if site.level is None else self.find_level(site.pool, site.level)
        return [
            index
            for index in self._of_pool[site.pool]
            if wanted.issubset(self.nodes[index].labels)
            and (not site.domains or (level is not None and domain_at(self.nodes[index], level) in site.domains))
        ]

    def eligible(self, site: Site) -> "array[int]":
        """The nodes of the site that take pods now, ascending; kept for the next one who asks."""
        found = self._eligible.get(site)
        if found is None:
            found = array("q", (index for index in self.matching(site) if self.nodes[index].schedulable))
            self._eligible[site] = found
        return found

    def capacity_milli(self, pool: PoolName) -> int:
        """Accelerators of the pool's nodes that take pods now."""
        return sum(self.nodes[index].capacity.gpu_milli for index in self._of_pool[pool] if self.nodes[index].schedulable)

    def free_milli(self, pool: PoolName) -> int:
        """Accelerators of them that were free when the round began."""
        return sum(self.free[index][0] for index in self._of_pool[pool] if self.nodes[index].schedulable)

    def _build_fleet(self, snapshot: Snapshot) -> Fleet:
        levels = max((len(pool.topology) for pool in snapshot.pools), default=0)
        return Fleet(
            free=array("q", (min(amount, limit) for free in self.free for amount, limit in zip(free, LIMITS, strict=True))),
            levels=levels,
            domains=array("q", (number for level in range(levels) for number in self._number_domains(level))),
            classes=array("q", _build_classes(snapshot.workloads)),
        )

    def _count_free(self, workloads: Iterable[Workload]) -> list[Vector]:
        free = list(self.empty)
        for workload in workloads:
            for holding in workload.holdings:
                at = self.index.get(holding.node)
                if at is not None:
                    free[at] = _left(free[at], holding.amounts.vector)
        return [each if min(each) >= 0 else (max(0, each[0]), max(0, each[1]), max(0, each[2]), max(0, each[3])) for each in free]

    def _number_domains(self, level: int) -> Iterable[int]:
        numbers: dict[tuple[PoolName, str], int] = {}
        for node in self.nodes:
            domain = domain_at(node, level)
            yield numbers.setdefault((node.pool, domain), len(numbers)) if domain else NO_DOMAIN


def is_packable(shape: Amounts) -> bool:
    """Whether the engine takes such a pod at all; one beyond its bounds fits no node on earth."""
    return all(0 <= amount <= limit for amount, limit in zip(shape.vector, LIMITS, strict=True)) and any(shape.vector)


def count_pods(room: Vector, shape: Vector) -> int:
    """How many such pods fit."""
    return max(0, min((have // need for have, need in zip(room, shape, strict=True) if need > 0), default=0))


def domain_at(node: Node, level: int) -> str:
    """The node's domain at a level of its pool; nothing if it has none, or the level is `ANYWHERE`."""
    return node.domains[level] if 0 <= level < len(node.domains) else ""


def _left(have: Vector, taken: Vector) -> Vector:
    return (have[0] - taken[0], have[1] - taken[1], have[2] - taken[2], have[3] - taken[3])


def _build_classes(workloads: Iterable[Workload]) -> Iterable[int]:
    """The mix of work: each shape with accelerators, weighted by its pods, waiting and placed alike.

    Placing changes nothing in it, so planning again over a plan's result packs with the same mix.
    """
    pods: Counter[Amounts] = Counter()
    for workload in workloads:
        if workload.shape.gpu_milli > 0 and is_packable(workload.shape):
            pods[workload.shape] += len(workload.needs) + len(workload.holdings)
    commonest = sorted(pods.items(), key=lambda item: (-item[1], item[0]))[:MOST_CLASSES]
    for shape, weight in commonest:
        if weight:
            yield from (*shape.vector, min(weight, MAX_TOTAL_WEIGHT // MOST_CLASSES))
