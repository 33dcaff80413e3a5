"""The reference of prices: what free accelerators are worth to the work to come, learned from its mix (scheduler/packing/market.go).

The idea. Every class has a price, every processor has one, and a card that is free in part is worth the dearest pods that fit into what
is free (a knapsack; for a node, the price of its processors is the one that makes them suffice). Work that takes the patterns which are
worth most at these prices is in short supply for some classes and in oversupply for others; prices of the former rise, of the latter
fall, until all classes are served alike: the dual prices of the linear program "how many times can the whole mix be packed", found by
multiplicative weights. Patterns are chosen with a little noise, which makes the worth smooth: the future is not exactly the mix.

Floating point, but only with operations that are exact to the last bit, in the same order as in Go: both learn the same prices.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from commonpool.engine.cards import CARD_MILLI, CardClass
from commonpool.engine.exact import exact_exp, exact_log
from commonpool.engine.partition import Partition

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

GRAIN = 10
LEVELS = CARD_MILLI // GRAIN
STEPS = 13
TEMPERATURE = 0.02
_FIRST_STEP = 0.002
_STEP_RATIO = 1.5
_LEARNING_RATE = 0.3
_SLOWING = 50.0
_DEAREST = 1.3
_CPU_RATE = 0.01


@dataclass(frozen=True, slots=True)
class CardState:
    """What the market sees of a node."""

    cpu_milli: int
    model: int
    milli: tuple[int, ...]
    partition: Partition | None

    @property
    def whole(self) -> int:
        """Cards that are completely free and not partitioned."""
        return 0 if self.partition else self.milli.count(CARD_MILLI)


@dataclass(frozen=True, slots=True)
class _Good:
    grains: int
    part: float
    cpu: float
    demand: float
    models: int
    profile: int


@dataclass(frozen=True, slots=True)
class _Group:
    """The goods that some models take, and how their cards are divided."""

    takes: list[int]
    partition: Partition | None


@dataclass(slots=True)
class Market:
    """Learns prices in `learn`; afterwards `mus` and `worth` say what processors and free parts of cards are worth, in cards."""

    crowds: dict[CardState, int]
    goods: list[_Good] = field(default_factory=list)
    cpu_only: float = 0.0
    cpu_price: float = 0.0
    prices: list[float] = field(default_factory=list)
    mus: list[float] = field(default_factory=list)
    groups: list[_Group] = field(default_factory=list)
    group_of: dict[int, int] = field(default_factory=dict)
    sums: list[list[list[float]]] = field(default_factory=list)
    """Of each group, step and state of a card: the sum of exp(worth / temperature) over all patterns."""

    def worth(self, model: int, step: int, state: int) -> float:
        """Of a card of the model in the state (see `find_state`), in cards."""
        return TEMPERATURE * exact_log(self.sums[self.group_of[model]][step][state])

    def count_states(self, model: int) -> int:
        """How many states a card of the model can be in."""
        return len(self.sums[self.group_of[model]][0])

    def fill(self) -> None:
        """Sum over all patterns, for every group of models and step."""
        self.mus, step = [], 0.0
        for _ in range(STEPS):
            self.mus.append(self.cpu_price + step)
            step = max(step * _STEP_RATIO, _FIRST_STEP)
        self.sums = [[self._fill_row(group, mu) for mu in self.mus] for group in self.groups]

    def _fill_row(self, group: _Group, mu: float) -> list[float]:
        if group.partition:
            return group.partition.sum_ways(self._weigh_profiles(group, mu))
        row = [1.0] * (LEVELS + 1)
        for index in group.takes:
            weight = self._weigh(index, mu)
            grains = self.goods[index].grains
            for level in range(grains, LEVELS + 1):
                row[level] += row[level - grains] * weight
        return row

    def _weigh(self, index: int, mu: float) -> float:
        return exact_exp((self.prices[index] - mu * self.goods[index].cpu) / TEMPERATURE)

    def _weigh_profiles(self, group: _Group, mu: float) -> dict[int, float]:
        """The weight of an instance of each profile: that of all goods which may be in it."""
        weights: dict[int, float] = {}
        for index in group.takes:
            profile = self.goods[index].profile
            weights[profile] = weights.get(profile, 0.0) + self._weigh(index, mu)
        return weights

    def learn(self, rounds: int) -> None:
        """Adjust prices so many times; the last half of all prices is averaged."""
        if not self.goods or not rounds:
            return
        sums = [0.0] * len(self.prices)
        served, kept = 0.0, 0
        for number in range(rounds):
            supply, left = self._offer()
            served = self._serve(supply, served)
            if served == 0:
                break  # there is no room for anything: prices cannot be told
            self._adjust(supply, left, served, _LEARNING_RATE / (1 + number / _SLOWING))
            if 2 * number >= rounds:
                sums = [total + price for total, price in zip(sums, self.prices, strict=True)]
                kept += 1
            self.fill()
        if kept:
            self.prices = [total / kept for total in sums]
            self.fill()

    def _offer(self) -> tuple[list[float], float]:
        supply, left = [0.0] * len(self.goods), 0.0
        counts: dict[tuple[int, int, int], float] = {}
        for state, count in self.crowds.items():
            group = self.group_of[state.model]
            step = self._find_cheapest(group, state)
            if step == 0:
                left += state.cpu_milli / 1000 * count
            for milli in state.milli:
                key = group, step, find_state(state.partition, milli)
                counts[key] = counts.get(key, 0.0) + count
        rows: dict[tuple[int, int], dict[int, float]] = {}
        for (group, step, level), cards in sorted(counts.items()):
            rows.setdefault((group, step), {})[level] = cards
        for (group, step), row in rows.items():
            offer = self._offer_instances if self.groups[group].partition else self._offer_parts
            for index, taken in offer(group, step, row):
                supply[index] += taken
                if step == 0:
                    left -= taken * self.goods[index].cpu
        return supply, left

    def _offer_parts(self, group: int, step: int, cards: dict[int, float]) -> "Iterator[tuple[int, float]]":
        for level, count in cards.items():
            for index in self.groups[group].takes if level else ():
                yield index, self._expect(self.sums[group][step], level, index, self.mus[step]) * count

    def _offer_instances(self, group: int, step: int, cards: dict[int, float]) -> "Iterator[tuple[int, float]]":
        """Goods of one profile share its instances by their weights."""
        of, mu = self.groups[group], self.mus[step]
        if not of.partition:
            return
        weights = self._weigh_profiles(of, mu)
        instances = of.partition.share(cards, self.sums[group][step], weights)
        for index in of.takes:
            profile = self.goods[index].profile
            if instances.get(profile):
                yield index, instances[profile] * self._weigh(index, mu) / weights[profile]

    def _expect(self, row: list[float], level: int, index: int, mu: float) -> float:
        weight = self._weigh(index, mu)
        grains, total, power = self.goods[index].grains, 0.0, weight
        for below in range(level - grains, -1, -grains):
            total += power * row[below] / row[level]
            power *= weight
        return total

    def _find_cheapest(self, group: int, state: CardState) -> int:
        best, least = 0, 0.0
        for step, mu in enumerate(self.mus):
            row = self.sums[group][step]
            worth = mu * state.cpu_milli / 1000
            if state.whole:
                worth += state.whole * (TEMPERATURE * exact_log(row[LEVELS]))
            for milli in state.milli:
                if milli and (state.partition or milli < CARD_MILLI):
                    worth += TEMPERATURE * exact_log(row[find_state(state.partition, milli)])
            if step == 0 or worth < least:
                best, least = step, worth
        return best

    def _serve(self, supply: list[float], last: float) -> float:
        offered, wanted = 0.0, 0.0
        for good, price, amount in zip(self.goods, self.prices, supply, strict=True):
            if price < _DEAREST * 0.999 * good.part:
                offered += amount * good.part
                wanted += good.demand * good.part
        return offered / wanted if wanted else last

    def _adjust(self, supply: list[float], left: float, served: float, rate: float) -> None:
        spent, demand = 0.0, 0.0
        for index, good in enumerate(self.goods):
            self.prices[index] *= exact_exp(-(rate * _excess(supply[index], served * good.demand)))
            spent += self.prices[index] * good.demand
            demand += good.part * good.demand
        for index, good in enumerate(self.goods):
            self.prices[index] = min(self.prices[index] * (demand / spent), _DEAREST * good.part)
        if self.cpu_only > 0:
            self.cpu_price = max(self.cpu_price - rate * _CPU_RATE * _excess(left, served * self.cpu_only), 0.0)


def _excess(offered: float, wanted: float) -> float:
    return min(max(offered / wanted - 1, -1.0), 1.0)


def find_state(partition: Partition | None, free: int) -> int:
    """The state of a card with so much free: its slices, or its grains."""
    return free if partition else free // GRAIN


def open_market(states: "Sequence[CardState]", mix: "Sequence[CardClass]") -> Market:
    """A market in which every class still has the price of what it takes up."""
    market = Market(crowds={})
    for state in states:
        market.crowds[state] = market.crowds.get(state, 0) + 1
    total = float(sum(known.expected for known in mix))
    for known in mix:
        share = known.expected / total
        if not known.cards:
            market.cpu_only += share * known.cpu_milli / 1000
        elif known.profile:
            market.goods.append(_Good(0, _find_least_part(states, known), known.cpu_milli / 1000, share, known.models, known.profile))
        else:
            grains = (known.milli + GRAIN - 1) // GRAIN
            cpu = known.cpu_milli / 1000 / known.cards
            market.goods.append(_Good(grains, grains / LEVELS, cpu, share * known.cards, known.models, 0))
    market.prices = [good.part for good in market.goods]
    for state in market.crowds:
        if state.model in market.group_of:
            continue
        takes = [index for index, good in enumerate(market.goods) if not good.models or good.models >> state.model & 1]
        group = _Group(takes, state.partition)
        if group not in market.groups:
            market.groups.append(group)
        market.group_of[state.model] = market.groups.index(group)
    market.fill()
    return market


def _find_least_part(states: "Sequence[CardState]", known: CardClass) -> float:
    """How much of a card an instance takes up, where it takes up least."""
    parts = [
        state.partition.compute_part(known.profile)
        for state in states
        if state.partition and state.partition.list_slices(known.profile) and (not known.models or known.models >> state.model & 1)
    ]
    return min([1.0, *parts])
