"""What is free on a node is worth to the classes of work that are expected: whole accelerators and all other amounts together.

A free accelerator is worth something only if work can use it, and on a node that is short of processors (or of memory, or of places for
pods) only work that needs few of them can use all. So each such amount has a price, and each class has one for an accelerator: an
accelerator on a node is worth what the best class pays for it less what that class needs beside it. At the price at which the node's
amount just suffices the node is worth least: that is its worth (the Lagrangian of its own constraint, over 13 steps), as `market` has it
for cards in parts. Prices of classes are those at which the nodes, empty as they are (`capacity`), serve all classes alike: found by
multiplicative weights, with a little noise in the choice, which makes the worth smooth. Of several amounts the one that makes the node
worth least counts. An amount that no class can use up before the accelerators has no price.

That knows nothing of pods that want several accelerators of one node. So every free place for such a pod is worth something beyond its
accelerators (`_find_large`), most where it takes most of a node.

Learned in floating point, from operations that IEEE 754 defines to the last bit (`exact`), fixed to integers where nodes are compared:
the native engine (scheduler/packing/prices.go) learns the same, whatever the order of nodes and classes. The same is learned once.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from commonpool.engine.exact import exact_exp, exact_log
from commonpool.engine.protocol import AMOUNTS, MAX_AMOUNT, Amounts
from commonpool.engine.vectors import count_pods

Class = tuple[Amounts, int]
"""A shape, and its weight."""
Kind = tuple[Amounts, int]
"""A capacity, and how many nodes have it."""

STEPS = 13
_GPU, _CPU = 0, 1
_ROUNDS = 30
_FIRST_STEP, _STEP_RATIO = 0.02, 1.5
_TEMPERATURE = 0.02
_RATE, _SLOWING = 0.3, 50.0
_DEAREST = 1.3
_UNIT, _CARD_MILLI = 1e8, 1000
_MOST_WORTH = float(1 << 53)
_WHOLE_BONUS, _WHOLE_SHARE, _WHOLE_CPU, _ROOMY_BONUS = 0.05, 0.15, 1.15, 0.1


@dataclass(frozen=True, slots=True)
class Tariff:
    """The prices of one amount and of accelerators, at each step."""

    amount: int
    each: tuple[float, ...]
    gpu_milli: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Prices:
    """What is worth how much, in 1e8ths of an accelerator."""

    tariffs: tuple[Tariff, ...] = ()
    large: tuple[Class, ...] = ()
    """Shapes, and what a free place for one is worth."""

    def compute_worth(self, free: Amounts) -> int:
        """What a node with so much free is worth."""
        worths = (
            _fix(free[tariff.amount] * each) + _fix(free[_GPU] * gpu_milli)
            for tariff in self.tariffs
            for each, gpu_milli in zip(tariff.each, tariff.gpu_milli, strict=True)
        )
        return min(worths, default=0) + sum(worth * count_pods(free, shape) for shape, worth in self.large)


def learn_prices(capacity: Sequence[Amounts], classes: Sequence[Class]) -> Prices:
    """Find the prices at which nodes of these capacities serve all classes alike."""
    kinds: Counter[Amounts] = Counter()
    for (gpu, cpu, memory, pods), count in Counter(capacity).items():
        if gpu > 0:
            kinds[gpu, max(0, cpu), max(0, memory), max(0, pods)] += count
    return _learn(tuple(sorted(kinds.items())), tuple(sorted(each for each in classes if each[1] > 0)))


@lru_cache(maxsize=64)
def _learn(kinds: tuple[Kind, ...], classes: tuple[Class, ...]) -> Prices:
    if not kinds or not classes:
        return Prices()
    short = [amount for amount in range(_GPU + 1, AMOUNTS) if _runs_short(kinds, classes, amount)]
    return Prices(tuple(_Bazaar(kinds, classes, amount).learn() for amount in short), tuple(_find_large(kinds, classes)))


def _runs_short(kinds: Sequence[Kind], classes: Sequence[Class], amount: int) -> bool:
    """Whether pods of some class can use up the amount on some node before its accelerators."""
    return any(
        float(shape[amount]) * float(room[_GPU]) > float(room[amount]) * float(shape[_GPU]) for room, _ in kinds for shape, _ in classes
    )


def _find_large(kinds: Sequence[Kind], classes: Sequence[Class]) -> list[Class]:
    """Classes that find no place where enough is free in parts, weighed by what a place for one is worth.

    Those that want more than half of the largest nodes belong together, those that want more than a quarter, and so on down to the
    smallest, which find a place wherever there is something. One that wants nearly all processors of the roomiest of the largest nodes is
    always expected, and where the mix has no other that wants more than half, one that wants what others do.
    """
    most = max(room[_GPU] for room, _ in kinds)
    roomiest = max(room[_CPU] for room, _ in kinds if room[_GPU] == most)
    smallest = min(most, *(shape[_GPU] for shape, _ in classes))
    demand, cpu = 0.0, 0.0
    for shape, weight in classes:
        demand += float(weight) * float(shape[_GPU])
        cpu += float(weight) * float(shape[_CPU])
    large: list[Class] = []
    part, upper = 1.0, most
    while part == 1 or upper > smallest:
        least = (upper // 2 if part == 1 else max(upper // 2, smallest)) + 1
        group = [(shape, weight) for shape, weight in classes if least <= shape[_GPU] <= upper]
        wanted, pods = 0.0, 0.0
        for shape, weight in group:
            wanted += float(weight) * float(shape[_GPU])
            pods += float(weight)
        for shape, weight in group:
            large.append((shape, int((_WHOLE_BONUS + _WHOLE_SHARE * wanted / demand) / part / part * _UNIT * float(weight) / pods)))
        if not large:
            needs = int(min(_WHOLE_CPU * cpu / demand * float(most), float(MAX_AMOUNT)))
            large.append(((most, needs, 0, 0), int(_WHOLE_BONUS * _UNIT)))
        part, upper = part * 2, upper // 2
    return [*large, ((most, roomiest - roomiest // 16, 0, 0), int(_ROOMY_BONUS * _UNIT))]


@dataclass(slots=True)
class _Bazaar:
    """The market of one amount and accelerators, each class a good that takes of both."""

    kinds: tuple[Kind, ...]
    classes: tuple[Class, ...]
    amount: int
    mean: float = 0.0
    """Of the amount: what an accelerator's pods need on average."""
    needs: list[float] = field(default_factory=list)
    """Of each class, for an accelerator, in means."""
    demand: list[float] = field(default_factory=list)
    """Its share of all accelerators."""
    prices: list[float] = field(default_factory=list)
    """What it pays for an accelerator."""
    steps: list[float] = field(default_factory=list)
    """Prices of a mean that are tried."""
    weights: list[list[float]] = field(default_factory=list)
    sums: list[float] = field(default_factory=list)
    worths: list[float] = field(default_factory=list)
    """Of an accelerator, at each step."""

    def __post_init__(self) -> None:
        total, needed = 0.0, 0.0
        for shape, weight in self.classes:
            total += float(weight) * float(shape[_GPU])
            needed += float(weight) * float(shape[self.amount])
        self.mean = needed / total
        for shape, weight in self.classes:
            self.needs.append(float(shape[self.amount]) / float(shape[_GPU]) / self.mean)
            self.demand.append(float(weight) * float(shape[_GPU]) / total)
            self.prices.append(1.0)
        step = 0.0
        for _ in range(STEPS):
            self.steps.append(step)
            step = max(step * _STEP_RATIO, _FIRST_STEP)

    def learn(self) -> Tariff:
        """Adjust prices so many times; the last half of all prices is averaged."""
        totals, kept, served = [0.0] * len(self.prices), 0.0, 0.0
        self._fill()
        for number in range(_ROUNDS):
            supply = self._offer()
            served = self._serve(supply, served)
            self._adjust(supply, served, _RATE / (1 + number / _SLOWING))
            if 2 * number >= _ROUNDS:
                totals = [total + price for total, price in zip(totals, self.prices, strict=True)]
                kept += 1
            self._fill()
        self.prices = [total / kept for total in totals]
        self._fill()
        return Tariff(
            self.amount,
            tuple(step * (_UNIT / _CARD_MILLI) / self.mean for step in self.steps),
            tuple(worth * (_UNIT / _CARD_MILLI) for worth in self.worths),
        )

    def _fill(self) -> None:
        """Work out what an accelerator is worth at each price of the amount."""
        self.weights, self.sums, self.worths = [], [], []
        for step in self.steps:
            row = [exact_exp((price - step * need) / _TEMPERATURE) for price, need in zip(self.prices, self.needs, strict=True)]
            total = 1.0
            for weight in row:
                total += weight
            self.weights.append(row)
            self.sums.append(total)
            self.worths.append(_TEMPERATURE * exact_log(total))

    def _offer(self) -> list[float]:
        """How many accelerators the nodes would give to each class at the prices."""
        given = [0.0] * STEPS
        for room, count in self.kinds:
            have, gpu = float(room[self.amount]), float(room[_GPU])
            best = min(range(STEPS), key=lambda at: self.steps[at] * have / self.mean + self.worths[at] * gpu)
            given[best] += gpu * float(count)
        supply = [0.0] * len(self.prices)
        for gpu, row, total in zip(given, self.weights, self.sums, strict=True):
            supply = [sofar + gpu * weight / total for sofar, weight in zip(supply, row, strict=True)]
        return supply

    def _serve(self, supply: Sequence[float], last: float) -> float:
        """How many times the mix is served, over the classes whose price can still rise; the last answer if there are none."""
        offered, wanted = 0.0, 0.0
        for price, amount, demand in zip(self.prices, supply, self.demand, strict=True):
            if price < _DEAREST * 0.999:
                offered += amount
                wanted += demand
        return offered / wanted if wanted else last

    def _adjust(self, supply: Sequence[float], served: float, rate: float) -> None:
        if not served:
            return
        spent = 0.0
        for index, demand in enumerate(self.demand):
            excess = min(max(supply[index] / (served * demand) - 1, -1.0), 1.0)
            self.prices[index] *= exact_exp(-(rate * excess))
            spent += self.prices[index] * demand
        self.prices = [min(price / spent, _DEAREST) for price in self.prices]


def _fix(worth: float) -> int:
    return int(min(max(worth, 0.0), _MOST_WORTH))
