"""Every way to place a small gang is tried: what the engine answers may be, and nothing that may be is better.

What is best is written down a second time here, over pods per node instead of over domains.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from random import Random

import pytest
from tests.engine.problems import Place, make_problem

from commonpool.engine.protocol import AMOUNTS, ANYWHERE, NO_DOMAIN, Amounts, Engine, Fleet, GangRequest

PROBLEMS = 2400
BLOCK = 600
MOST_WAYS = 1500

Key = tuple[object, ...]
Cost = tuple[object, ...]


def units_of(flat: Sequence[int], node: int, pod: Amounts) -> int:
    have = flat[node * AMOUNTS : (node + 1) * AMOUNTS]
    return max(0, min(free // need for free, need in zip(have, pod, strict=True) if need))


def mean_loss(room: int, whole: int) -> int:
    room = min(room, whole)
    return sum(room for size in range(1, whole + 1) if size > room) * 1024 // whole if whole else 0


class World:
    """One gang over a small site."""

    def __init__(self, fleet: Fleet, request: GangRequest, eligible: Sequence[int]) -> None:
        self.request = request
        self.nodes = list(eligible)
        self.free = {node: units_of(fleet.free, node, request.amounts) for node in eligible}
        self.whole = {node: units_of(fleet.capacity, node, request.amounts) for node in eligible}
        self.gpu = {node: max(0, fleet.free[node * AMOUNTS]) for node in eligible}
        self.rows = [fleet.domains[level * fleet.nodes : (level + 1) * fleet.nodes] for level in range(fleet.levels)]
        named = max(request.level, request.preferred, request.segment_level, request.spread_level)
        cards = {fleet.capacity[node * AMOUNTS] for node in eligible if self.whole[node]}
        shared = [
            level
            for level, row in enumerate(self.rows)
            if any(number > 1 for domain, number in Counter(row[node] for node in eligible).items() if domain != NO_DOMAIN)
        ]
        whole_nodes = max(cards, default=0) == request.amounts[0] > 0
        self.leaf_level = max(named, *shared) if whole_nodes and shared else named

    def group(self, pods: Sequence[int], level: int) -> Counter[int] | None:
        """Pods by domain of a level; None if one of them is in none."""
        found: Counter[int] = Counter()
        for node, number in zip(self.nodes, pods, strict=True):
            if number:
                found[0 if level == ANYWHERE else self.rows[level][node]] += number
        return None if NO_DOMAIN in found else found

    def may_be(self, pods: Sequence[int]) -> bool:
        request = self.request
        home = self.group(pods, request.level)
        if home is None or len(home) > 1 or sum(pods) % request.segment:
            return False
        segments = self.group(pods, request.segment_level)
        if segments is None or any(number % request.segment for number in segments.values()):
            return False
        if request.spread_level == ANYWHERE or not sum(pods):
            return True
        spread = self.group(pods, request.spread_level)
        if spread is None or len(spread) < request.min_domains:
            return False
        return max(spread.values()) - min(spread.values()) <= request.max_skew * request.segment

    def find_groups(self, node: int) -> Iterator[tuple[int, int, Key]]:
        """All that the node is in: level, level of what that is in, and which it is. Nodes that have nothing left to be in are together."""
        around: tuple[int, Key] = (ANYWHERE, ())
        for level in range(self.leaf_level + 1):
            domain = self.rows[level][node]
            if domain != NO_DOMAIN:
                yield level, around[0], (level, domain)
                around = (level, (level, domain))
        if around[0] < self.leaf_level:
            yield self.leaf_level, around[0], ("none", around[1])

    def rate(self, pods: Sequence[int]) -> Cost:
        request = self.request
        spread = None if request.spread_level == ANYWHERE else self.group(pods, request.spread_level)
        used: dict[Key, tuple[int, int]] = {}
        taken: Counter[Key] = Counter()
        sums: defaultdict[Key, list[int]] = defaultdict(lambda: [0, 0, 0])
        for node, number in zip(self.nodes, pods, strict=True):
            for level, around, key in self.find_groups(node):
                taken[key] += number
                sums[key] = [sum(pair) for pair in zip(sums[key], (self.free[node], self.whole[node], self.gpu[node]), strict=True)]
                if number:
                    used[key] = (level, around)
        far = [sum(around < at <= level for level, around in used.values()) for at in range(request.preferred + 1)]
        lost = rest = 0
        for key, (level, _) in used.items():
            free, whole, gpu = sums[key]
            if key[0] != "none":
                lost += mean_loss(free - taken[key], whole) - mean_loss(free, whole)
            lost += 1
            rest += gpu if level == self.leaf_level else 0
        least = min(spread.values()) if spread else 0
        return -least, far, lost, rest


def list_ways(world: World) -> list[Sequence[int]]:
    ways = product(*(range(min(world.free[node], world.request.count) + 1) for node in world.nodes))
    return [pods for pods in ways if sum(pods) <= world.request.count and world.may_be(pods)]


def make_small(seed: int) -> tuple[Fleet, Place, World] | None:
    problem = make_problem(Random(seed))  # noqa: S311 - a reproducible problem, not a secret
    step = next((step for step in problem.steps if isinstance(step, Place)), None)
    if step is None:
        return None
    world = World(problem.fleet, step.request, step.eligible)
    ways = prod(min(step.request.count, free) + 1 for free in world.free.values())
    return (problem.fleet, step, world) if ways <= MOST_WAYS else None


@pytest.mark.parametrize("first", range(0, PROBLEMS, BLOCK))
def test_no_way_to_place_a_small_gang_is_better_than_the_engines(engine: Engine, first: int) -> None:
    tried = placed = shaped = 0
    for seed in range(first, first + BLOCK):
        small = make_small(seed)
        if small is None:
            continue
        fleet, step, world = small
        with engine.open(fleet) as packing:
            answer = packing.place(step.request, packing.select(step.eligible))
        ways = list_ways(world)
        most = max((sum(pods) for pods in ways), default=0)
        assert answer.fit_count == most, f"seed {seed}: {step.request}"
        if most < step.request.min_count or not most:
            assert not answer.nodes
            continue
        count = Counter(answer.nodes)
        pods = [count[node] for node in world.nodes]
        assert sum(pods) == most
        assert world.may_be(pods), f"seed {seed}: {step.request}"
        assert world.rate(pods) == min(world.rate(other) for other in ways if sum(other) == most), f"seed {seed}: {step.request}"
        tried, placed = tried + 1, placed + most
        shaped += step.request.segment > 1 or step.request.spread_level != ANYWHERE
    assert tried > BLOCK // 4
    assert shaped > BLOCK // 20


@pytest.mark.parametrize("first", range(0, PROBLEMS, BLOCK))
def test_ranks_follow_the_topology_and_segments_are_whole(engine: Engine, first: int) -> None:
    """Pods of one node, and of one domain at every level of the tree, are neighbours in rank; each `segment` of them share a domain."""
    segmented = 0
    for seed in range(first, first + BLOCK):
        problem = make_problem(Random(seed))  # noqa: S311 - a reproducible problem, not a secret
        step = next((step for step in problem.steps if isinstance(step, Place)), None)
        if step is None:
            continue
        with engine.open(problem.fleet) as packing:
            nodes = packing.place(step.request, packing.select(step.eligible)).nodes.tolist()
        world = World(problem.fleet, step.request, step.eligible)
        for row in ([*range(problem.fleet.nodes)], *world.rows):
            runs = [row[node] for at, node in enumerate(nodes) if at == 0 or row[node] != row[nodes[at - 1]]]
            named = [domain for domain in runs if domain != NO_DOMAIN]
            assert len(named) == len(set(named)), f"seed {seed}"
        size = step.request.segment
        for start in range(0, len(nodes) if size > 1 else 0, size):
            assert len({world.rows[step.request.segment_level][node] for node in nodes[start : start + size]}) == 1
            segmented += 1
    assert segmented > BLOCK // 10
