"""The domains of a site as a gang sees them: a tree, in plain Python. `gangs` shares a gang out over it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from commonpool.engine.protocol import ANYWHERE, NO_DOMAIN, GangRequest


@dataclass(slots=True)
class Spot:
    """A node as the gang sees it."""

    node: int
    units: int
    """Pods of the gang that fit now, and"""
    whole: int
    """when nothing else is there."""
    gpu: int
    """Free accelerators."""


@dataclass(slots=True)
class Domain:
    """Spots that are together. `level` -1: all of the site."""

    level: int
    around: int
    """The level of what it lies in."""
    spots: Sequence[Spot]
    inside: "Sequence[Domain]"
    loose: bool = False
    """Not a domain: what has none at the levels that are left."""
    units: int = field(init=False)
    whole: int = field(init=False)
    gpu: int = field(init=False)

    def __post_init__(self) -> None:
        self.units = sum(spot.units for spot in self.spots)
        self.whole = sum(spot.whole for spot in self.spots)
        self.gpu = sum(spot.gpu for spot in self.spots)


def sort_spots(spots: Sequence[Spot], rows: Sequence[Sequence[int]]) -> list[Spot]:
    """In the order of the topology: domains by their first node, what has no domain last."""
    none = len(rows[0]) if rows else 0
    first: list[dict[int, int]] = [{NO_DOMAIN: none} for _ in rows]
    for spot in spots:
        for row, firsts in zip(rows, first, strict=True):
            firsts.setdefault(row[spot.node], spot.node)
    return sorted(spots, key=lambda spot: (*(firsts[row[spot.node]] for row, firsts in zip(rows, first, strict=True)), spot.node))


def find_leaf_level(request: GangRequest, rows: Sequence[Sequence[int]], spots: Sequence[Spot], *, takes_whole_nodes: bool) -> int:
    """Below which level nodes are chosen one by one."""
    named = max(request.level, request.preferred, request.segment_level, request.spread_level)
    if not takes_whole_nodes:
        return named
    shared = [level for level, row in enumerate(rows) if _has_twins([row[spot.node] for spot in spots])]
    return max(named, max(shared, default=ANYWHERE))


def _has_twins(domains: list[int]) -> bool:
    named = [domain for domain in domains if domain != NO_DOMAIN]
    return len(named) > len(set(named))


def build_tree(spots: Sequence[Spot], rows: Sequence[Sequence[int]], leaf_level: int) -> Domain:
    """The domains of sorted spots, down to the leaves."""
    return Domain(ANYWHERE, ANYWHERE, spots, _divide(spots, rows, ANYWHERE, ANYWHERE, leaf_level))


def _divide(spots: Sequence[Spot], rows: Sequence[Sequence[int]], around: int, level: int, leaf_level: int) -> list[Domain]:
    """What of `spots` has a domain below `level`, one by one, and then the rest together; `around` is the level of what they are all in."""
    if level == leaf_level:
        return []
    level += 1
    found: list[Domain] = []
    for number, group in groupby(spots, key=lambda spot: rows[level][spot.node]):
        members = list(group)
        if number != NO_DOMAIN:
            found.append(Domain(level, around, members, _divide(members, rows, level, level, leaf_level)))
        elif level == leaf_level:
            found.append(Domain(level, around, members, (), loose=True))
        else:
            found += _divide(members, rows, around, level, leaf_level)
    return found
