"""What there is to draw: pools, in them groups of nodes in the order of the topology, on each node who holds its cards.

The cards of a node are one amount to the pool; which one a pod has, only the node knows. So a picture's cards are in the
order of tenants and workloads, and then come those that are free.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from commonpool.model.amounts import GPU_MILLI
from commonpool.model.demand import find_favourite
from commonpool.model.elastic import may_grow
from commonpool.model.ids import NodeName, PoolName
from commonpool.model.pools import PoolOrder
from commonpool.model.snapshot import Holding, Node, Snapshot, Workload
from commonpool.model.usage import PoolUse, sum_pool_use

NAMED_NODES = 64
"""Up to so many nodes of a pool, each is drawn with its name and its cards."""
DRAWN_NODES = 2000
"""Up to so many, each is drawn small; above that, neighbours together."""
MOST_TILES = 1000

NOBODY = ""


class State(StrEnum):
    """What a card is doing."""

    BOUND = "bound"
    PROMISED = "promised"
    FOREIGN = "foreign"
    FREE = "free"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class Run:
    """Cards side by side that are alike, in thousandths."""

    state: State
    milli: int
    tenant: str = NOBODY
    workload: str = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """A node, or several neighbours in one."""

    name: str
    where: str
    """Its place in the topology, e.g. `b0/r1`."""
    runs: tuple[Run, ...]
    """Together they are its cards."""
    nodes: int = 1
    mark: str = ""
    """`cordoned` or `leaving`."""

    @property
    def milli(self) -> int:
        """Its cards, in thousandths."""
        return sum(run.milli for run in self.runs)


@dataclass(frozen=True, slots=True)
class Group:
    """Tiles of one domain of the widest level that has several."""

    name: str
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """One pool."""

    pool: str
    use: PoolUse
    groups: tuple[Group, ...]
    waiting: int
    """Thousandths of accelerators that are asked for here and not had."""
    together: int = 1
    """So many neighbours, at most, are one tile."""

    @property
    def named(self) -> bool:
        """Whether there is room for the nodes' names."""
        return self.use.nodes <= NAMED_NODES


@dataclass(frozen=True, slots=True)
class Holder:
    """One tenant, with what it holds and waits for."""

    name: str
    milli: int
    waits: int
    """Workloads that hold nothing and wait."""
    asked: int
    """Thousandths of accelerators that these ask for."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything."""

    now_at: int
    panels: tuple[Panel, ...]
    holders: tuple[Holder, ...]
    """By name; those that neither hold nor wait are left out."""


def build_scene(snapshot: Snapshot) -> Scene:
    """Sum a snapshot up for drawing. O(nodes + holdings + workloads)."""
    uses = sum_pool_use(snapshot)
    held: defaultdict[NodeName, list[tuple[Workload, Holding]]] = defaultdict(list)
    for workload in snapshot.workloads:
        for holding in workload.holdings:
            held[holding.node].append((workload, holding))
    asked = _sum_asked(snapshot)
    nodes: defaultdict[PoolName, list[Node]] = defaultdict(list)
    for node in snapshot.nodes:
        nodes[node.pool].append(node)
    panels = [_build_panel(pool.name, nodes[pool.name], held, uses[pool.name], asked[pool.name]) for pool in snapshot.pools]
    return Scene(snapshot.now_at, tuple(panels), _list_holders(snapshot))


def _sum_asked(snapshot: Snapshot) -> Counter[PoolName]:
    order, asked = PoolOrder(snapshot.pools), Counter[PoolName]()
    for workload in snapshot.workloads:
        if workload.needs and not may_grow(workload) and (pool := find_favourite(workload, order)) is not None:
            asked[pool] += len(workload.needs) * workload.shape.gpu_milli
    return asked


def _list_holders(snapshot: Snapshot) -> tuple[Holder, ...]:
    milli: Counter[str] = Counter()
    waits: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for workload in snapshot.workloads:
        name = workload.tenant or NOBODY
        milli[name] += sum(holding.amounts.gpu_milli for holding in workload.holdings)
        if workload.needs and not workload.begun:
            waits[name] += 1
            asked[name] += len(workload.needs) * workload.shape.gpu_milli
    names = sorted(name for name in milli if name and (milli[name] or waits[name]))
    return tuple(Holder(name, milli[name], waits[name], asked[name]) for name in names)


def _build_panel(
    pool: str, nodes: Sequence[Node], held: Mapping[NodeName, Sequence[tuple[Workload, Holding]]], use: PoolUse, waiting: int
) -> Panel:
    level = _find_grouping(nodes)
    groups: defaultdict[str, list[Tile]] = defaultdict(list)
    for node in nodes:
        groups[node.domains[level] if level is not None else ""].append(_build_tile(node, held.get(node.name, ())))
    together = 1 if len(nodes) <= DRAWN_NODES else -(-len(nodes) // MOST_TILES)
    built = [Group(name, tuple(_put_together(tiles, together))) for name, tiles in groups.items()]
    return Panel(pool, use, tuple(built), waiting, together)


def _find_grouping(nodes: Sequence[Node]) -> int | None:
    """The widest level that has several domains, and fewer than nodes."""
    depth = min((len(node.domains) for node in nodes), default=0)
    for level in range(depth):
        domains = {node.domains[level] for node in nodes}
        if 1 < len(domains) < len(nodes) and all(not domain.endswith("/") and domain for domain in domains):
            return level
    return None


def _build_tile(node: Node, held: Iterable[tuple[Workload, Holding]]) -> Tile:
    amounts: Counter[tuple[str, str, State]] = Counter()
    for workload, holding in held:
        amounts[workload.tenant or NOBODY, workload.name, State.BOUND if holding.bound else State.PROMISED] += holding.amounts.gpu_milli
    runs = [Run(state, milli, tenant, workload) for (tenant, workload, state), milli in sorted(amounts.items()) if milli]
    if node.foreign.gpu_milli:
        runs.append(Run(State.FOREIGN, node.foreign.gpu_milli))
    runs = _clip(runs, node.capacity.gpu_milli)
    if idle := node.capacity.gpu_milli - sum(run.milli for run in runs):
        runs.append(Run(State.FREE if node.schedulable else State.UNHEALTHY, idle))
    mark = "leaving" if node.releasing else "" if node.schedulable else "cordoned"
    return Tile(node.name, node.domains[-2] if len(node.domains) > 1 else "", tuple(runs), mark=mark)


def _clip(runs: Iterable[Run], milli: int) -> list[Run]:
    """No more than there is: a node that has lost cards holds more than it has."""
    clipped: list[Run] = []
    for run in runs:
        left = milli - sum(each.milli for each in clipped)
        if left > 0:
            clipped.append(Run(run.state, min(run.milli, left), run.tenant, run.workload))
    return clipped


def _put_together(tiles: Sequence[Tile], together: int) -> Iterable[Tile]:
    """Neighbours in one, their cards sorted by who has them."""
    if together == 1:
        yield from tiles
        return
    for first in range(0, len(tiles), together):
        some = tiles[first : first + together]
        amounts: Counter[tuple[str, State]] = Counter()
        for run in (run for tile in some for run in tile.runs):
            amounts[run.tenant, run.state] += run.milli
        order = list(State)
        runs = [
            Run(state, milli, tenant)
            for (tenant, state), milli in sorted(amounts.items(), key=lambda item: (not item[0][0], item[0][0], order.index(item[0][1])))
        ]
        mark = some[0].mark if all(tile.mark for tile in some) else ""
        yield Tile(f"{some[0].name} to {some[-1].name}", some[0].where, tuple(runs), len(some), mark)


def count(milli: int) -> str:
    """Accelerators as people write them."""
    whole, rest = divmod(milli, GPU_MILLI)
    return str(whole) if not rest else f"{milli / GPU_MILLI:.3f}".rstrip("0")
