"""Which pools a workload's wishes mean, best first: one rule for what is planned and for what is told of it.

Each pool has a *worth* to the work: the weight of the wish that means it, times what `prefer` looks at.

| prefer | worth |
|---|---|
| ListOrder | weight |
| Fastest | weight x speed |
| Cheapest | weight / price |
| BestValue | weight x speed / price |

The highest worth is first; of equals the one that the owner listed first, then the cheaper one, then by name. So with equal weights
ListOrder is the list, and the pools of one entry of it stand there by price. A pool that means several wishes counts by its best.

Speed is that in the precision which the wish names, else in half precision (bf16, or fp16). A speed that nobody has said counts as none.
A pool without a price is free, which no price beats. Prices in several currencies cannot be compared, and then no price counts.

Gavel (Narayanan et al., OSDI'20, sections 3 and 4) ranks kinds of accelerators by a job's own throughput on each, for its cost policy by
throughput per price: the weight is where an owner says how his throughput differs from what data sheets promise. Karpenter tries the
NodePool with the highest `weight` first and Kueue the flavors of a ClusterQueue in their order, whatever they cost: that is ListOrder.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from commonpool.model.snapshot import Pool, Prefer, Wish

HALF_PRECISIONS = ("bf16", "fp16")

Grade: TypeAlias = tuple[bool, Fraction, int, int]
"""Lowest is best: whether it costs something, minus the worth, its place in the list, its price. Pools of equal grades are equally good."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One pool that will do, and how it compares with the others."""

    pool: Pool
    wish: int
    """Index of the wish that means it."""
    weight: int
    precision: str
    """In which its speed counts; empty if it has no speed that counts."""
    speed_gflops: int
    grade: Grade


class PoolOrder:
    """Ranks pools. Many workloads wish the same, so answers are kept."""

    def __init__(self, pools: Iterable[Pool]) -> None:
        self._pools = tuple(pools)
        self._known: dict[tuple[tuple[Wish, ...], Prefer], tuple[Choice, ...]] = {}

    def rank(self, wishes: tuple[Wish, ...], prefer: Prefer) -> tuple[Choice, ...]:
        """Every pool that some wish means, once, best first. O(wishes x pools), then nothing."""
        known = self._known.get((wishes, prefer))
        if known is None:
            known = self._known[wishes, prefer] = _rank(wishes, prefer, self._pools)
        return known


def list_currencies(pools: Iterable[Pool]) -> list[str]:
    """Those of their prices, sorted: prices count where there is one at most."""
    return sorted({pool.currency for pool in pools if pool.price_micro_per_hour})


def _rank(wishes: Sequence[Wish], prefer: Prefer, pools: Iterable[Pool]) -> tuple[Choice, ...]:
    meant = [(number, wish, pool) for pool in pools for number, wish in enumerate(wishes) if _means(wish, pool)]
    priced = len(list_currencies(pool for _, _, pool in meant)) <= 1
    best: dict[str, Choice] = {}
    for number, wish, pool in meant:
        choice = _build_choice(number, wish, pool, prefer, priced=priced)
        if pool.name not in best or choice.grade < best[pool.name].grade:
            best[pool.name] = choice
    return tuple(sorted(best.values(), key=lambda choice: (choice.grade, choice.pool.name)))


def _build_choice(number: int, wish: Wish, pool: Pool, prefer: Prefer, *, priced: bool) -> Choice:
    precision, speed = _find_speed(wish, pool)
    price = pool.price_micro_per_hour if priced else 0
    worth = Fraction(wish.weight * (speed if prefer in {Prefer.FASTEST, Prefer.BEST_VALUE} else 1))
    costs = prefer in {Prefer.CHEAPEST, Prefer.BEST_VALUE} and price > 0
    grade = (costs, -worth / price if costs else -worth, number, price)
    return Choice(pool, number, wish.weight, precision, speed, grade)


def _find_speed(wish: Wish, pool: Pool) -> tuple[str, int]:
    """In what, and how fast; nothing if nobody said."""
    speeds = dict(pool.speed_gflops)
    precision = wish.precision or next((each for each in HALF_PRECISIONS if speeds.get(each)), "")
    return precision, speeds.get(precision, 0)


def _means(wish: Wish, pool: Pool) -> bool:
    return (
        wish.pool in {None, pool.name}
        and wish.resource_name in {None, pool.resource_name}
        and pool.memory_bytes >= wish.memory_bytes
        and (wish.precision is None or dict(pool.speed_gflops).get(wish.precision, 0) > 0)
    )
