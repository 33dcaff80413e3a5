"""The nodes as the packing engine sees them: indexes and integers, and the way back to names."""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

from commonpool.engine.protocol import AMOUNTS, LIMITS, MAX_TOTAL_WEIGHT, NO_DOMAIN, Fleet
from commonpool.engine.protocol import Amounts as Vector
from commonpool.engine.vectors import subtract_vectors
from commonpool.model.amounts import Amounts
from commonpool.model.ids import NodeName, PoolName
from commonpool.model.snapshot import Node, Snapshot, Workload

MOST_CLASSES = 32
"""So many shapes of work stand for all: the commonest. More would slow the engine and change little."""

MOST_SPARE = 4096
"""So many nodes a pool may get beyond those it has, as far as a round looks."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where in a pool pods of a workload may go."""

    pool: PoolName
    selector: tuple[tuple[str, str], ...] = ()
    level: str | None = None
    domains: frozenset[str] = frozenset()
    """Only in these domains of `level`; none named: anywhere."""


NOWHERE = frozenset({"/"})
"""What no domain is called."""


class Ground:
    """The nodes of a snapshot, in its order: index `i` of the engine is `nodes[i]`.

    Behind them stand the spare ones, those that a pool could still get from its provider. Nobody knows
    where they will stand, so each is a domain of its own at every level.

    `before`: the ground of an earlier pass of the same round. As long as no node has changed, what is
    known of the nodes alone is taken from there.
    """

    def __init__(self, snapshot: Snapshot, before: "Ground | None" = None) -> None:
        known = before if before is not None and before.nodes == snapshot.nodes else None
        self.nodes: tuple[Node, ...] = snapshot.nodes
        self.pools = {pool.name: pool for pool in snapshot.pools}
        self.index: dict[NodeName, int] = known.index if known else {node.name: index for index, node in enumerate(snapshot.nodes)}
        self._of_pool: dict[PoolName, list[int]] = known._of_pool if known else self._sort_by_pool()  # noqa: SLF001 of its own kind
        self.spare, self.booting = self._lay_out_spare(snapshot)
        self._eligible: dict[Site, array[int]] = known._eligible if known else {}  # noqa: SLF001
        self.empty: list[Vector] = (
            known.empty if known else [subtract_vectors(node.capacity.vector, node.foreign.vector) for node in snapshot.nodes]
        )
        """What each node can give to the pool's own work: four amounts."""
        self.busy: set[int] = set()
        """Nodes on which somebody holds something."""
        self.left = self._count_left(snapshot.workloads)
        """What of `empty` nobody holds; below nothing on an overdrawn node."""
        self.free = [floor(left) for left in self.left]
        """The same, never below nothing, so that an overdrawn node is full and not in debt."""
        self._capacity = array("q", chain.from_iterable(map(clamp, (*self.empty, *self.list_spare()))))
        self._levels = max((len(pool.topology) for pool in snapshot.pools), default=0)
        self._domains: array[int]
        if known and known._total == self._total:  # noqa: SLF001
            self._domains = known._domains  # noqa: SLF001
        else:
            self._domains = array("q", (number for level in range(self._levels) for number in self._number_domains(level)))
        self._classes = array("q", _build_classes(snapshot.workloads))

    def build_fleet(self, free: Sequence[Vector]) -> Fleet:
        """The nodes with so much free, spare ones as well; those that `free` does not name have nothing."""
        missing = self._total - len(free)
        return Fleet(
            free=array("q", chain(chain.from_iterable(map(clamp, free)), repeat(0, missing * AMOUNTS))),
            capacity=self._capacity,
            levels=self._levels,
            domains=self._domains,
            classes=self._classes,
        )

    def list_spare(self) -> list[Vector]:
        """What each spare node has free."""
        return [scaling.node.vector for pool, indexes in self.spare.items() if (scaling := self.pools[pool].scaling) for _ in indexes]

    def _sort_by_pool(self) -> dict[PoolName, list[int]]:
        of_pool: dict[PoolName, list[int]] = {pool: [] for pool in self.pools}
        for index, node in enumerate(self.nodes):
            of_pool.setdefault(node.pool, []).append(index)
        return of_pool

    def _lay_out_spare(self, snapshot: Snapshot) -> tuple[dict[PoolName, range], dict[PoolName, int]]:
        """Indexes of the nodes that each pool could still get, and how many of them it has asked for; nodes given back do not count."""
        spare: dict[PoolName, range] = {}
        booting: dict[PoolName, int] = {}
        at = len(snapshot.nodes)
        for pool in snapshot.pools:
            if pool.scaling is not None:
                present = self.count_present(pool.name)
                most = max(0, min(MOST_SPARE, max(pool.scaling.most_nodes, pool.scaling.wanted_nodes) - present))
                spare[pool.name] = range(at, at + most)
                booting[pool.name] = min(most, max(0, pool.scaling.wanted_nodes - present))
                at += most
        self._total = at
        return spare, booting

    def count_present(self, pool: PoolName) -> int:
        """Nodes of the pool that are there to stay."""
        return sum(not self.nodes[index].releasing for index in self._of_pool[pool])

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

    def of_pool(self, pool: PoolName) -> Sequence[int]:
        """All nodes of the pool."""
        return self._of_pool[pool]

    def with_spare(self, site: Site, spare: int) -> "array[int]":
        """The same as `eligible`, and so many spare nodes after them.

        No label is known of those: work that chooses by label does not count on them.
        """
        if not spare or site.selector or site.domains:
            return self.eligible(site)
        return self.eligible(site) + array("q", self.spare[site.pool][:spare])

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

    def empty_fleet(self) -> Fleet:
        """The nodes as they are when nothing of the pool's own work runs, spare ones as well; those that are given away have nothing."""
        empty = [(0, 0, 0, 0) if node.releasing else room for node, room in zip(self.nodes, self.empty, strict=True)]
        return self.build_fleet([*empty, *self.list_spare()])

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

    def empty_milli(self, pool: PoolName) -> int:
        """Accelerators of them that the pool's own work may use."""
        return sum(max(0, self.empty[index][0]) for index in self._of_pool[pool] if self.nodes[index].schedulable)

    def free_milli(self, pool: PoolName) -> int:
        """Accelerators of them that were free when the round began."""
        return sum(self.free[index][0] for index in self._of_pool[pool] if self.nodes[index].schedulable)

    def _count_left(self, workloads: Iterable[Workload]) -> list[Vector]:
        left = list(self.empty)
        for workload in workloads:
            for holding in workload.holdings:
                at = self.index.get(holding.node)
                if at is not None:
                    left[at] = subtract_vectors(left[at], holding.amounts.vector)
                    self.busy.add(at)
        return left

    def _number_domains(self, level: int) -> Iterable[int]:
        """Equal names inside of different domains are different domains."""
        numbers: dict[tuple[PoolName, tuple[str, ...]], int] = {}
        for node in self.nodes:
            path = (node.pool, node.domains[: level + 1])
            yield numbers.setdefault(path, len(numbers)) if domain_at(node, level) else NO_DOMAIN
        yield from range(len(numbers), len(numbers) + self._total - len(self.nodes))


def is_packable(shape: Amounts) -> bool:
    """Whether the engine takes such a pod at all; one beyond its bounds fits no node on earth."""
    return _is_within(shape.vector) and any(shape.vector)


def domain_at(node: Node, level: int) -> str:
    """The node's domain at a level of its pool; nothing if it has none, or the level is `ANYWHERE`."""
    return node.domains[level] if 0 <= level < len(node.domains) else ""


def floor(room: Vector) -> Vector:
    """Nothing where it is less than nothing."""
    return room if min(room) >= 0 else (max(0, room[0]), max(0, room[1]), max(0, room[2]), max(0, room[3]))


def clamp(room: Vector) -> Vector:
    """What the engine is told of a room: nothing below nothing, nothing beyond its bounds."""
    if _is_within(room):
        return room
    gpu, cpu, memory, pods = floor(room)
    return (min(gpu, LIMITS[0]), min(cpu, LIMITS[1]), min(memory, LIMITS[2]), min(pods, LIMITS[3]))


def scale_vector(shape: Vector, times: int) -> Vector:
    """So many pods; minus as many with `times` below zero."""
    return (shape[0] * times, shape[1] * times, shape[2] * times, shape[3] * times)


def _is_within(room: Vector) -> bool:
    gpu, cpu, memory, pods = room
    return 0 <= gpu <= LIMITS[0] and 0 <= cpu <= LIMITS[1] and 0 <= memory <= LIMITS[2] and 0 <= pods <= LIMITS[3]


def _build_classes(workloads: Iterable[Workload]) -> Iterable[int]:
    """The mix of work: each shape with accelerators, weighted by its pods, waiting and placed alike. What may not run is no work to come.

    Placing changes nothing in it, so planning again over a plan's result packs with the same mix.
    """
    pods: Counter[Amounts] = Counter()
    for workload in workloads:
        pods[workload.shape] += len(workload.holdings) + (len(workload.needs) if workload.blocked is None else 0)
    packable = ((shape, weight) for shape, weight in pods.items() if shape.gpu_milli > 0 and is_packable(shape))
    commonest = sorted(packable, key=lambda item: (-item[1], item[0]))[:MOST_CLASSES]
    for shape, weight in commonest:
        if weight:
            yield from (*shape.vector, min(weight, MAX_TOTAL_WEIGHT // MOST_CLASSES))
