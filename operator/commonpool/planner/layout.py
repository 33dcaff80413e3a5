"""How the pods of a workload shall lie in a pool: its wishes as levels of the pool's topology."""

from dataclasses import dataclass

from commonpool.engine.protocol import ANYWHERE, MAX_LOOKAHEAD, GangRequest
from commonpool.engine.protocol import Amounts as Vector
from commonpool.model.elastic import may_grow
from commonpool.model.ids import PoolName
from commonpool.model.snapshot import Segment, Spread, Workload
from commonpool.planner.fleet import Ground


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


def least(workload: Workload) -> int:
    """How many pods must get a place together: whole segments, even where that is more than it needs."""
    pods = min(max(1, workload.needs_min), len(workload.needs))
    size = 1 if workload.segment is None or joins(workload) else workload.segment.size
    return -(-pods // size) * size


def joins(workload: Workload) -> bool:
    """Whether its pods come to others that lie as it wishes: each then has its own place to go to."""
    if workload.spread is not None or workload.segment is None:
        return workload.spread is not None and workload.begun
    return workload.begun and not (may_grow(workload) and len(workload.holdings) % workload.segment.size == 0)


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
    return (
        _find_unknown_level(ground, workload, pool)
        or _find_bad_segment(ground, workload, pool, workload.segment)
        or _find_bad_spread(ground, workload, pool, workload.spread)
    )


def _find_unknown_level(ground: Ground, workload: Workload, pool: PoolName) -> str:
    segment, spread = workload.segment, workload.spread
    for label in (workload.required_level, segment.level if segment is not None else None, spread.level if spread is not None else None):
        if label is not None and ground.find_level(pool, label) is None:
            known = ", ".join(f"`{each}`" for each in ground.pools[pool].topology) or "none"
            return f"pool `{pool}` has no topology level `{label}`; it has: {known}"
    return ""


def _find_bad_segment(ground: Ground, workload: Workload, pool: PoolName, segment: Segment | None) -> str:
    if segment is None:
        return ""
    if _find(ground, pool, segment.level) < _find(ground, pool, workload.required_level):
        return f"segments inside one `{segment.level}` are wider in pool `{pool}` than the `{workload.required_level}` that is required"
    return "" if _comes_in(workload, segment.size) else f"its pods do not come in whole segments of `{segment.size}`"


def _find_bad_spread(ground: Ground, workload: Workload, pool: PoolName, spread: Spread | None) -> str:
    if spread is None:
        return ""
    level, segment = _find(ground, pool, spread.level), workload.segment
    if level <= _find(ground, pool, workload.required_level):
        return f"all pods inside one `{workload.required_level}` cannot be spread over several `{spread.level}` of pool `{pool}`"
    if segment is not None and level > _find(ground, pool, segment.level):
        return f"segments inside one `{segment.level}` cannot be spread over narrower `{spread.level}` of pool `{pool}`"
    size = segment.size if segment is not None else 1
    if max(least(workload) // size, spread.min_domains, spread.max_skew) > MAX_LOOKAHEAD:
        return f"at most {MAX_LOOKAHEAD} pods or segments can be spread"
    return ""


def _comes_in(workload: Workload, size: int) -> bool:
    """Whether all sizes that it may have are multiples of `size`."""
    elastic = workload.elastic
    if elastic is not None:
        return not (elastic.least % size or elastic.most % size or (elastic.least < elastic.most and elastic.step % size))
    return joins(workload) or least(workload) <= len(workload.needs)


def _find(ground: Ground, pool: PoolName, label: str | None) -> int:
    found = None if label is None else ground.find_level(pool, label)
    return ANYWHERE if found is None else found
