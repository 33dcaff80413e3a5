"""Packing onto cards in plain Python: the oracle that the native engine must equal (scheduler/packing/value.go, cards.go).

A pod goes where the free accelerators of the node lose least worth to the work to come (`market`), a shared one on the card where they do.
A node that is whole (as many free cards as the largest nodes have) has a worth beyond that of its cards, for pods that want all of it: the
fewer such nodes are left, the more. A model that work insists on is worth more than the others. Ties are packed tight: least accelerator
left, then least processor left, then the lowest index; on a node the fullest card, then the lowest.
"""

from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING, Self

from commonpool.engine.cards import (
    CARD_MILLI,
    CLASS_FIELDS,
    NODE_FIELDS,
    NOWHERE,
    POD_FIELDS,
    CardClass,
    CardFleet,
    CardPod,
    Places,
    check_card_fleet,
    check_card_pod,
    check_card_pods,
)
from commonpool.engine.market import GRAIN, LEVELS, STEPS, CardState, open_market
from commonpool.engine.protocol import MAX_AMOUNT, Fault
from commonpool.errors import EngineError

if TYPE_CHECKING:
    from array import array
    from types import TracebackType

UNIT = 1e8
_SCARCITY, _MAX_SCARCE = 0.3, 64.0
_WHOLE_BONUS, _WHOLE_SHARE, _WHOLE_CPU, _ROOMY_BONUS = 0.05, 0.15, 1.15, 0.05
_FEW_TIMES, _FEW_PERCENT = 6, 15
_FEWER_TIMES, _FEWER_PERCENT = 15, 7
_MAX_PROCESSORS = 1 << 31


@dataclass(frozen=True, slots=True)
class _Node:
    cpu: int
    memory: int
    pods: int
    model: int
    milli: tuple[int, ...]

    @property
    def state(self) -> CardState:
        return CardState(self.cpu, self.model, self.milli)

    def fits(self, pod: CardPod) -> bool:
        if self.cpu < pod.cpu_milli or self.memory < pod.memory or self.pods < 1 or (pod.models and not pod.models >> self.model & 1):
            return False
        if _is_shared(pod):
            return any(free >= pod.milli for free in self.milli)
        return self.milli.count(CARD_MILLI) >= pod.cards

    def take(self, pod: CardPod, cards: int) -> "_Node":
        return self._change(pod, cards, -1)

    def give(self, pod: CardPod, cards: int) -> "_Node":
        return self._change(pod, cards, 1)

    def _change(self, pod: CardPod, cards: int, sign: int) -> "_Node":
        milli = tuple(free + sign * pod.milli * (cards >> card & 1) for card, free in enumerate(self.milli))
        return replace(
            self, cpu=self.cpu + sign * pod.cpu_milli, memory=self.memory + sign * pod.memory, pods=self.pods + sign, milli=milli
        )


@dataclass(frozen=True, slots=True)
class _Whole:
    cards: int
    cpu: int
    models: int
    worth: int


class CardReference:
    """See `cards.CardPacking`; right and readable before fast."""

    def __init__(self, fleet: CardFleet) -> None:
        check_card_fleet(fleet)
        self._nodes = _read_nodes(fleet)
        mix = [CardClass(*fleet.classes[start : start + CLASS_FIELDS]) for start in range(0, len(fleet.classes), CLASS_FIELDS)]
        market = open_market([node.state for node in self._nodes], mix)
        market.learn(fleet.rounds)
        models = {node.model for node in self._nodes}
        scarce = _find_scarce(self._nodes, mix)
        self._rows = {
            model: [[int(market.worth(model, step, level) * UNIT * scarce[model]) for level in range(LEVELS + 1)] for step in range(STEPS)]
            for model in models
        }
        self._mus = {model: [int(mu * UNIT / 1000 * scarce[model]) for mu in market.mus] for model in models}
        self._large = max(len(node.milli) for node in self._nodes)
        self._wholes = _find_wholes(self._large, max(node.cpu for node in self._nodes if len(node.milli) == self._large), mix)
        self._closed = False

    def place(self, pods: "array[int]") -> Places:
        """Place pods one after the other; O(pods * nodes) scores."""
        self._check_open()
        check_card_pods(pods)
        return [self._place(CardPod(*pods[start : start + POD_FIELDS])) for start in range(0, len(pods), POD_FIELDS)]

    def give(self, node: int, pod: CardPod, cards: int) -> None:
        """Take a pod off its node again."""
        self._check_open()
        check_card_pod(pod)
        if not 0 <= node < len(self._nodes) or cards < 0 or cards.bit_count() != pod.cards:
            raise EngineError(f"nothing of {pod} is on cards `{cards}` of node `{node}`", code=Fault.BAD_VALUE)
        before = self._nodes[node]
        if cards.bit_length() > len(before.milli):
            raise EngineError(f"node `{node}` has no cards `{cards}`", code=Fault.BAD_VALUE)
        after = before.give(pod, cards)
        if any(free > CARD_MILLI for free in after.milli):
            raise EngineError(f"the cards `{cards}` of node `{node}` hold less than {pod}", code=Fault.BAD_VALUE)
        if max(after.cpu, after.memory, after.pods) > MAX_AMOUNT:
            raise EngineError(f"node `{node}` would have more than {MAX_AMOUNT} of something", code=Fault.OVERFLOW)
        self._nodes[node] = after

    def close(self) -> None:
        """Forget the fleet."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None") -> None:
        self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise EngineError("the packing is closed", code=Fault.BAD_HANDLE)

    def _place(self, pod: CardPod) -> tuple[int, int]:
        times = self._count_times()
        keys = [(*self._score(node, pod, times), index) for index, node in enumerate(self._nodes) if node.fits(pod)]
        if not keys:
            return NOWHERE, 0
        *_, cards, index = min(keys, key=lambda key: (*key[:-2], key[-1]))
        self._nodes[index] = self._nodes[index].take(pod, cards)
        return index, cards

    def _count_times(self) -> int:
        """How many times the worth of whole nodes counts: more when few are left."""
        everything = sum(len(node.milli) == self._large for node in self._nodes)
        left = sum(node.milli.count(CARD_MILLI) >= self._large for node in self._nodes)
        if left * 100 <= _FEWER_PERCENT * everything:
            return _FEWER_TIMES
        return _FEW_TIMES if left * 100 <= _FEW_PERCENT * everything else 1

    def _score(self, node: _Node, pod: CardPod, times: int) -> tuple[int, int, int, int]:
        """Worth lost, least accelerator left, least processor left, and the cards: less is better."""
        before = self._find_worth(node, times)
        ranked = []
        for cards in _find_cards(node, pod):
            after = node.take(pod, cards)
            tightness = node.milli[cards.bit_length() - 1] if _is_shared(pod) else 0
            ranked.append((before - self._find_worth(after, times), tightness, cards))
        lost, _, cards = min(ranked)
        left = sum(node.milli) - pod.cards * pod.milli
        return lost, left, min(node.cpu - pod.cpu_milli, _MAX_PROCESSORS), cards

    def _find_worth(self, node: _Node, times: int) -> int:
        rows, mus = self._rows[node.model], self._mus[node.model]
        cpu = min(node.cpu, _MAX_PROCESSORS)
        steps = [mus[step] * cpu + sum(rows[step][free // GRAIN] for free in node.milli) for step in range(STEPS)]
        return min(steps) + times * sum(_find_whole_worth(node, whole) for whole in self._wholes)


def _find_whole_worth(node: _Node, whole: _Whole) -> int:
    if whole.models and not whole.models >> node.model & 1:
        return 0
    return whole.worth * min(node.milli.count(CARD_MILLI) // whole.cards, node.cpu // whole.cpu)


def _find_cards(node: _Node, pod: CardPod) -> list[int]:
    """The choices of cards: each that a shared pod fits on; the lowest free ones for others."""
    if _is_shared(pod):
        return [1 << card for card, free in enumerate(node.milli) if free >= pod.milli]
    free = [card for card, milli in enumerate(node.milli) if milli == CARD_MILLI]
    return [sum(1 << card for card in free[: pod.cards])]


def _is_shared(pod: CardPod) -> bool:
    return pod.cards == 1 and pod.milli < CARD_MILLI


def _read_nodes(fleet: CardFleet) -> list[_Node]:
    nodes, at = [], 0
    for start in range(0, len(fleet.nodes), NODE_FIELDS):
        cpu, memory, pods, model, cards = fleet.nodes[start : start + NODE_FIELDS]
        nodes.append(_Node(cpu, memory, pods, model, tuple(fleet.milli[at : at + cards])))
        at += cards
    return nodes


def _find_scarce(nodes: list[_Node], mix: list[CardClass]) -> dict[int, float]:
    cards: dict[int, float] = {}
    for node in nodes:
        cards[node.model] = cards.get(node.model, 0.0) + len(node.milli)
    everything = sum(cards.values())
    demand = float(sum(known.expected * known.cards * known.milli for known in mix))
    scarce = dict.fromkeys(cards, 0.0)
    for known in mix:
        allowed = sum(count for model, count in cards.items() if known.models >> model & 1)
        if not known.models or not known.cards or not allowed:
            continue
        for model in cards:
            if known.models >> model & 1:
                scarce[model] += known.expected * known.cards * known.milli / demand * everything / allowed
    return {model: min(1 + _SCARCITY * sqrt(insisting), _MAX_SCARCE) for model, insisting in scarce.items()}


def _find_wholes(large: int, most_cpu: int, mix: list[CardClass]) -> list[_Whole]:
    """What is expected to want whole nodes: the mix's classes or one like its other pods, and one that wants the roomiest nodes."""
    one = 2
    if large < one:
        return []
    wholes = _find_expected_wholes(large, mix)
    whole = [known for known in mix if known.milli == CARD_MILLI]
    if not whole:
        return wholes
    if not wholes:
        cpu, cards = 0.0, 0.0
        for known in whole:
            cpu += float(known.expected) * known.cpu_milli
            cards += float(known.expected) * known.cards
        wholes.append(_Whole(large, max(int(min(_WHOLE_CPU * cpu / cards, MAX_AMOUNT)), 1) * large, 0, int(_WHOLE_BONUS * UNIT)))
    room = max(most_cpu, 1)
    return [*wholes, _Whole(large, room - room // 16, 0, int(_ROOMY_BONUS * UNIT))]


def _find_expected_wholes(large: int, mix: list[CardClass]) -> list[_Whole]:
    big = [known for known in mix if known.cards > large // 2]
    if not big:
        return []
    everything = float(sum(known.expected * known.cards * known.milli for known in mix))
    wanted = float(sum(known.expected * known.cards * known.milli for known in big))
    bonus = (_WHOLE_BONUS + _WHOLE_SHARE * wanted / everything) * UNIT
    pods = float(sum(known.expected for known in big))
    return [_Whole(known.cards, max(known.cpu_milli, 1), known.models, int(bonus * known.expected / pods)) for known in big]
