"""Where in a pool the pods of a workload may go, and how they shall lie there."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from commonpool.engine.protocol import ANYWHERE, MAX_COUNT, MAX_LOOKAHEAD, GangRequest
from commonpool.engine.protocol import Amounts as Vector
from commonpool.model.elastic import may_grow
from commonpool.model.ids import PoolName
from commonpool.model.snapshot import Workload
from commonpool.planner.fleet import NOWHERE, Ground, Site


@dataclass(frozen=True, slots=True)
class Layout:
    """The wishes of a workload as levels of one pool; see `engine.protocol.GangRequest`."""

    level: int = ANYWHERE
    preferred: int = ANYWHERE
    segment: int = 1
    segment_level: int = ANYWHERE
    spread_level: int = ANYWHERE
    min_domains: int = 0
    max_skew: int = 0

    @property
    def is_shaped(self) -> bool:
        """Whether more is asked than to be together."""
        return self.segment > 1 or self.spread_level != ANYWHERE

    def request(self, shape: Vector, few: int, most: int) -> GangRequest:
        """So many pods that lie like this. No more are asked for than can be spread at all: more are never placed."""
        if self.spread_level != ANYWHERE:
            most = min(most, MAX_LOOKAHEAD * self.segment)
        return GangRequest(
            shape,
            few,
            most,
            self.level,
            preferred=self.preferred,
            segment=self.segment,
            segment_level=self.segment_level,
            spread_level=self.spread_level,
            min_domains=self.min_domains,
            max_skew=self.max_skew,
        )


@dataclass(frozen=True, slots=True)
class Group:
    """Pods that are asked for in one question: the first `most` needs that have not been asked for, `few` of them at least."""

    site: Site
    layout: Layout
    few: int
    most: int


def least(workload: Workload) -> int:
    """How many pods must get a place together: whole segments, even where that is more than it needs."""
    pods = min(max(1, workload.needs_min), len(workload.needs))
    size = 1 if workload.segment is None or joins(workload) else workload.segment.size
    return -(-pods // size) * size


def build_wish(workload: Workload) -> tuple[object, ...]:
    """All that decides, beside shape and number, where its pods may go: with equal wishes what fits one fits the other."""
    return (workload.required_level, workload.segment, workload.spread, workload.node_selector)


def find_layout(ground: Ground, workload: Workload, pool: PoolName) -> Layout | None:
    """How all pods of the workload shall lie; None if the pool cannot know what that means (`explain_layout` says why)."""
    if explain_layout(ground, workload, pool):
        return None
    segment, spread = workload.segment, workload.spread
    segmented = segment is not None and segment.size > 1
    return Layout(
        level=_find(ground, pool, workload.required_level),
        preferred=_find(ground, pool, workload.preferred_level),
        segment=segment.size if segment is not None and segmented else 1,
        segment_level=_find(ground, pool, segment.level) if segment is not None and segmented else ANYWHERE,
        spread_level=_find(ground, pool, spread.level) if spread is not None else ANYWHERE,
        min_domains=spread.min_domains if spread is not None else 0,
        max_skew=spread.max_skew if spread is not None else 0,
    )


def explain_layout(ground: Ground, workload: Workload, pool: PoolName) -> str:
    """Why the pool cannot know what the workload wishes, as a sentence; nothing if it can."""
    segment, spread = workload.segment, workload.spread
    asked = [workload.required_level, segment.level if segment is not None else None, spread.level if spread is not None else None]
    for label in asked:
        if label is not None and ground.find_level(pool, label) is None:
            known = ", ".join(f"`{each}`" for each in ground.pools[pool].topology) or "none"
            return f"pool `{pool}` has no topology level `{label}`; it has: {known}"
    required = _find(ground, pool, workload.required_level)
    inner = _find(ground, pool, segment.level) if segment is not None else len(ground.pools[pool].topology)
    if segment is not None and inner < required:
        return f"segments inside one `{segment.level}` are wider in pool `{pool}` than the `{workload.required_level}` that is required"
    if segment is not None and not _comes_in(workload, segment.size):
        return f"its pods do not come in whole segments of `{segment.size}`"
    if spread is None:
        return ""
    level = _find(ground, pool, spread.level)
    if level <= required:
        return f"all pods inside one `{workload.required_level}` cannot be spread over several `{spread.level}` of pool `{pool}`"
    if segment is not None and level > inner:
        return f"segments inside one `{segment.level}` cannot be spread over narrower `{spread.level}` of pool `{pool}`"
    if max(least(workload) // (segment.size if segment is not None else 1), spread.min_domains, spread.max_skew) > MAX_LOOKAHEAD:
        return f"at most {MAX_LOOKAHEAD} pods or segments can be spread"
    return ""


def _comes_in(workload: Workload, size: int) -> bool:
    """Whether all sizes that it may have are multiples of `size`."""
    elastic = workload.elastic
    if elastic is not None:
        return not (elastic.least % size or elastic.most % size or (elastic.least < elastic.most and elastic.step % size))
    return joins(workload) or least(workload) <= len(workload.needs)


def build_site(ground: Ground, workload: Workload, pool: PoolName, label: str | None) -> Site:
    """The nodes a workload may use; one that has begun stays in the domains it has at the level of `label`."""
    if label is None:
        return Site(pool, workload.node_selector)
    held = {ground.find_domain(holding.node, pool, label) for holding in workload.holdings if holding.pool == pool} - {""}
    return Site(pool, workload.node_selector, label, frozenset(held)) if held else Site(pool, workload.node_selector)


def joins(workload: Workload) -> bool:
    """Whether its pods come to others that lie as it wishes: each then has its own place to go to."""
    if workload.spread is not None or workload.segment is None:
        return workload.spread is not None and workload.begun
    return workload.begun and not (may_grow(workload) and len(workload.holdings) % workload.segment.size == 0)


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


def _find(ground: Ground, pool: PoolName, label: str | None) -> int:
    found = None if label is None else ground.find_level(pool, label)
    return ANYWHERE if found is None else found


def _level_name(ground: Ground, pool: PoolName, level: int) -> str:
    topology = ground.pools[pool].topology
    return topology[level] if 0 <= level < len(topology) else ""
