"""Where in a pool the pods of a workload may go."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from commonpool.engine.protocol import ANYWHERE, MAX_COUNT
from commonpool.model.ids import PoolName
from commonpool.model.snapshot import Workload
from commonpool.planner.fleet import NOWHERE, Ground, Site
from commonpool.planner.layout import Layout


@dataclass(frozen=True, slots=True)
class Group:
    """Pods that are asked for in one question: the first `most` needs that have not been asked for, `few` of them at least."""

    site: Site
    layout: Layout
    few: int
    most: int


def build_site(ground: Ground, workload: Workload, pool: PoolName, label: str | None) -> Site:
    """The nodes a workload may use; one that has begun stays in the domains it has at the level of `label`."""
    if label is None:
        return Site(pool, workload.node_selector)
    held = {ground.find_domain(holding.node, pool, label) for holding in workload.holdings if holding.pool == pool} - {""}
    return Site(pool, workload.node_selector, label, frozenset(held)) if held else Site(pool, workload.node_selector)


def find_group(ground: Ground, workload: Workload, pool: PoolName, layout: Layout, most: int) -> Group:
    """The next pods of a workload that `joins` others: those of one segment, or one alone."""
    size = layout.segment
    missing = list(list_missing(workload))
    block = missing[0] // size
    mates = min(most, sum(1 for _ in _take_block(missing, size, block)))
    held = {
        ground.find_domain(holding.node, pool, _level_name(ground, pool, layout.segment_level))
        for holding in workload.holdings
        if size > 1 and holding.pool == pool and holding.seat.rank // size == block
    } - {""}
    plain = Layout(layout.level if size == 1 else layout.segment_level, layout.preferred)
    if held:
        label = _level_name(ground, pool, layout.segment_level)
        return Group(Site(pool, workload.node_selector, label, frozenset(held)), plain, 1, mates)
    few = mates if size > 1 else 1
    if layout.spread_level == ANYWHERE:
        return Group(build_site(ground, workload, pool, workload.required_level), plain, few, mates)
    label = _level_name(ground, pool, layout.spread_level)
    domains = frozenset(_choose_spread(ground, workload, pool, label, layout.min_domains)) or NOWHERE
    return Group(Site(pool, workload.node_selector, label, domains), plain, few, mates)


def _choose_spread(ground: Ground, workload: Workload, pool: PoolName, label: str, min_domains: int) -> Iterator[str]:
    """The domains that one more of it evens out: a new one while there are too few, else those with the fewest."""
    used = Counter(ground.find_domain(holding.node, pool, label) for holding in workload.holdings if holding.pool == pool)
    used.pop("", None)
    if len(used) >= min_domains:
        yield from (domain for domain, pods in used.items() if pods == min(used.values()))
        return
    home = build_site(ground, workload, pool, workload.required_level)
    names = {ground.find_domain(ground.nodes[index].name, pool, label) for index in ground.matching(home)}
    yield from names - {""} - used.keys()


def list_missing(workload: Workload) -> Iterator[int]:
    """The ranks of its needs, which are in the order of ranks: a pod by name has one of those that nobody has."""
    held = {holding.seat.rank for holding in workload.holdings}
    free = (rank for rank in range(len(workload.needs) + len(workload.holdings)) if rank not in held)
    for seat in workload.needs:
        yield seat.rank if seat.rank >= 0 else next(free, MAX_COUNT)


def _take_block(missing: Sequence[int], size: int, block: int) -> Iterator[int]:
    for rank in missing:
        if rank // size != block:
            return
        yield rank


def _level_name(ground: Ground, pool: PoolName, level: int) -> str:
    topology = ground.pools[pool].topology
    return topology[level] if 0 <= level < len(topology) else ""
