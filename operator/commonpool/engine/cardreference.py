"""Packing onto cards in plain Python: the oracle that the native engine must equal (scheduler/packing/value.go, cards.go).

A pod goes where the free accelerators of the node lose least worth to the work to come (`market`), a shared one on the card where they do.
A node that is whole (as many free cards as the largest nodes have) has a worth beyond that of its cards, for pods that want all of it: the
fewer such nodes are left, the more; so has a partitioned card with all slices free. A model that work insists on is worth more than the
others. Ties are packed tight: least accelerator
left, then least processor left, then the lowest index; on a node the fullest card, then the lowest, then an instance's lowest slices.
Partitioned cards and others have a market each: no work but that without accelerators goes to both.
"""

from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING

from commonpool.engine.cards import (
    CARD_MILLI,
    CLASS_FIELDS,
    NODE_FIELDS,
    NOWHERE,
    PLACEMENT_FIELDS,
    POD_FIELDS,
    SLICES_BIT,
    CardClass,
    CardFleet,
    CardPod,
    Places,
    check_card_fleet,
    check_card_pod,
    check_card_pods,
)
from commonpool.engine.closing import Closing
from commonpool.engine.market import STEPS, CardState, find_state, open_market
from commonpool.engine.partition import Partition, Placement
from commonpool.engine.protocol import MAX_AMOUNT, Fault
from commonpool.errors import EngineError

if TYPE_CHECKING:
    from array import array

UNIT = 1e8
_SCARCITY, _MAX_SCARCE, _UNSEEN = 0.3, 64.0, 0.05
_WHOLE_BONUS, _WHOLE_SHARE, _WHOLE_CPU, _ROOMY_BONUS = 0.05, 0.15, 1.15, 0.05
_FEW_TIMES, _FEW_PERCENT = 6, 15
_FEWER_TIMES, _FEWER_PERCENT = 15, 7
_MAX_PROCESSORS = 1 << 31
_CARDS = (1 << SLICES_BIT) - 1


@dataclass(frozen=True, slots=True)
class _Node:
    cpu: int
    memory: int
    pods: int
    model: int
    milli: tuple[int, ...]
    partition: Partition | None

    @property
    def state(self) -> CardState:
        return CardState(self.cpu, self.model, self.milli, self.partition)

    @property
    def whole(self) -> int:
        return self.state.whole

    @property
    def free(self) -> int:
        """Milli-accelerators, or slices."""
        return sum(milli.bit_count() for milli in self.milli) if self.partition else sum(self.milli)

    def fits(self, pod: CardPod) -> bool:
        if self.cpu < pod.cpu_milli or self.memory < pod.memory or self.pods < 1 or (pod.models and not pod.models >> self.model & 1):
            return False
        if not pod.cards:
            return True
        if self.partition or pod.profile:
            return bool(_find_instances(self, pod))
        if _is_shared(pod):
            return any(free >= pod.milli for free in self.milli)
        return self.whole >= pod.cards

    def take(self, pod: CardPod, cards: int) -> "_Node":
        return self._change(pod, cards, -1)

    def give(self, pod: CardPod, cards: int) -> "_Node":
        return self._change(pod, cards, 1)

    def _change(self, pod: CardPod, cards: int, sign: int) -> "_Node":
        each = cards >> SLICES_BIT if pod.profile else pod.milli
        milli = tuple(free + sign * each * (cards >> card & 1) for card, free in enumerate(self.milli))
        return replace(
            self, cpu=self.cpu + sign * pod.cpu_milli, memory=self.memory + sign * pod.memory, pods=self.pods + sign, milli=milli
        )


@dataclass(frozen=True, slots=True)
class _Whole:
    cards: int
    cpu: int
    models: int
    worth: int


class CardReference(Closing):
    """See `cards.CardPacking`; right and readable before fast."""

    def __init__(self, fleet: CardFleet) -> None:
        check_card_fleet(fleet)
        self._nodes = _read_nodes(fleet)
        mix = [CardClass(*fleet.classes[start : start + CLASS_FIELDS]) for start in range(0, len(fleet.classes), CLASS_FIELDS)]
        plain = [node for node in self._nodes if not node.partition]
        partitioned = [node for node in self._nodes if node.partition]
        plain_mix = [known for known in mix if not known.profile]
        self._rows: dict[int, list[list[int]]] = {}
        self._mus: dict[int, list[int]] = {}
        self._learn(plain, plain_mix, fleet.rounds)
        self._learn(partitioned, _expect_instances(partitioned, mix), fleet.rounds)
        self._large = max((len(node.milli) for node in plain), default=0)
        self._wholes = _find_wholes(self._large, max((node.cpu for node in plain if len(node.milli) == self._large), default=0), plain_mix)

    def _learn(self, nodes: list[_Node], mix: list[CardClass], rounds: int) -> None:
        market = open_market([node.state for node in nodes], mix)
        market.learn(rounds)
        scarce = _find_scarce(nodes, mix)
        for node in {node.model: node for node in nodes}.values():
            model, full = node.model, node.partition.full if node.partition else None
            worths = [[market.worth(model, step, state) for state in range(market.count_states(model))] for step in range(STEPS)]
            for row in worths:
                if full is not None:
                    row[full] += _WHOLE_BONUS
            self._rows[model] = [[int(worth * UNIT * scarce[model]) for worth in row] for row in worths]
            self._mus[model] = [int((market.cpu_price + (mu - market.cpu_price) * scarce[model]) * UNIT / 1000) for mu in market.mus]

    def place(self, pods: "array[int]") -> Places:
        """Place pods one after the other; O(pods * nodes) scores."""
        self._check_open()
        check_card_pods(pods)
        return [self._place(CardPod(*pods[start : start + POD_FIELDS])) for start in range(0, len(pods), POD_FIELDS)]

    def give(self, node: int, pod: CardPod, cards: int) -> None:
        """Take a pod off its node again."""
        self._check_open()
        check_card_pod(pod)
        if not 0 <= node < len(self._nodes) or cards < 0 or not _has_taken(self._nodes[node], pod, cards):
            raise EngineError(f"nothing of {pod} is on cards `{cards}` of node `{node}`", code=Fault.BAD_VALUE)
        after = self._nodes[node].give(pod, cards)
        if max(after.cpu, after.memory, after.pods) > MAX_AMOUNT:
            raise EngineError(f"node `{node}` would have more than {MAX_AMOUNT} of something", code=Fault.OVERFLOW)
        self._nodes[node] = after

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
        everything = sum(len(node.milli) == self._large and not node.partition for node in self._nodes)
        left = sum(node.whole >= self._large for node in self._nodes)
        if left * 100 <= _FEWER_PERCENT * everything:
            return _FEWER_TIMES
        return _FEW_TIMES if left * 100 <= _FEW_PERCENT * everything else 1

    def _score(self, node: _Node, pod: CardPod, times: int) -> tuple[int, int, int, int]:
        """Worth lost, least accelerator left, least processor left, and the cards: less is better."""
        before = self._find_worth(node, times)
        ranked = []
        for cards in _find_cards(node, pod):
            after = node.take(pod, cards)
            ranked.append((before - self._find_worth(after, times), *_find_tightness(node, pod, cards), cards))
        lost, _, _, cards = min(ranked)
        return lost, node.free - pod.cards * pod.milli, min(node.cpu - pod.cpu_milli, _MAX_PROCESSORS), cards

    def _find_worth(self, node: _Node, times: int) -> int:
        rows, mus = self._rows[node.model], self._mus[node.model]
        cpu = min(node.cpu, _MAX_PROCESSORS)
        states = [find_state(node.partition, free) for free in node.milli]
        steps = [mus[step] * cpu + sum(rows[step][state] for state in states) for step in range(STEPS)]
        return min(steps) + times * sum(_find_whole_worth(node, whole) for whole in self._wholes)


def _find_whole_worth(node: _Node, whole: _Whole) -> int:
    if whole.models and not whole.models >> node.model & 1:
        return 0
    return whole.worth * min(node.whole // whole.cards, node.cpu // whole.cpu)


def _find_cards(node: _Node, pod: CardPod) -> list[int]:
    """The choices of cards: each that a shared pod fits on, each place of an instance; the lowest free ones for others."""
    if pod.profile:
        return _find_instances(node, pod)
    if _is_shared(pod):
        return [1 << card for card, free in enumerate(node.milli) if free >= pod.milli]
    free = [card for card, milli in enumerate(node.milli) if milli == CARD_MILLI]
    return [sum(1 << card for card in free[: pod.cards])]


def _find_instances(node: _Node, pod: CardPod) -> list[int]:
    """The places of an instance: a card, and above it the slices."""
    found = node.partition.list_slices(pod.profile) if node.partition else ()
    return [1 << card | slices << SLICES_BIT for card, free in enumerate(node.milli) for slices in found if slices & ~free == 0]


def _find_tightness(node: _Node, pod: CardPod, cards: int) -> tuple[int, int]:
    """What decides between equal cards: the fullest, then the lowest."""
    card = (cards & _CARDS).bit_length() - 1
    if pod.profile:
        return node.milli[card].bit_count(), card
    return (node.milli[card], card) if _is_shared(pod) else (0, 0)


def _has_taken(node: _Node, pod: CardPod, cards: int) -> bool:
    """Whether the pod can have had the cards."""
    only = cards & _CARDS if pod.profile else cards
    if only.bit_count() != pod.cards or only.bit_length() > len(node.milli):
        return False
    if pod.profile:
        slices, free = cards >> SLICES_BIT, node.milli[only.bit_length() - 1]
        return node.partition is not None and slices in node.partition.list_slices(pod.profile) and slices & free == 0
    if pod.cards and node.partition:
        return False
    return all(free + pod.milli <= CARD_MILLI for card, free in enumerate(node.milli) if cards >> card & 1)


def _is_shared(pod: CardPod) -> bool:
    return pod.cards == 1 and pod.milli < CARD_MILLI and not pod.profile


def _read_nodes(fleet: CardFleet) -> list[_Node]:
    rows: dict[int, list[Placement]] = {}
    for start in range(0, len(fleet.placements), PLACEMENT_FIELDS):
        model, profile, slices = fleet.placements[start : start + PLACEMENT_FIELDS]
        rows.setdefault(model, []).append((profile, slices))
    partitions = {model: Partition(tuple(sorted(placements))) for model, placements in rows.items()}
    nodes, at = [], 0
    for start in range(0, len(fleet.nodes), NODE_FIELDS):
        cpu, memory, pods, model, cards = fleet.nodes[start : start + NODE_FIELDS]
        nodes.append(_Node(cpu, memory, pods, model, tuple(fleet.milli[at : at + cards]), partitions.get(model)))
        at += cards
    return nodes


def _expect_instances(nodes: list[_Node], mix: list[CardClass]) -> list[CardClass]:
    """The mix of partitioned cards; one that says nothing of instances expects each profile as often as it fits on a card."""
    found = [known for known in mix if known.profile or not known.cards]
    if any(known.profile for known in found):
        return found
    most: dict[int, int] = {}
    for partition in {node.partition for node in nodes if node.partition}:
        for profile, _ in partition.rows:
            most[profile] = max(most.get(profile, 0), partition.count_most(profile))
    return [*found, *(CardClass(0, 1, 0, 0, profile, count) for profile, count in sorted(most.items()))]


def _find_scarce(nodes: list[_Node], mix: list[CardClass]) -> dict[int, float]:
    cards: dict[int, float] = {}
    for node in nodes:
        cards[node.model] = cards.get(node.model, 0.0) + len(node.milli)
    everything = sum(cards.values())
    demand = float(sum(known.expected * known.cards * known.milli for known in mix))
    scarce = dict.fromkeys(cards, 0.0)
    insisting = 0.0
    for known in mix:
        allowed = sum(count for model, count in cards.items() if known.models >> model & 1)
        if not known.models or not known.cards * known.milli or not allowed:
            continue
        asked = known.expected * known.cards * known.milli
        insisting += asked
        for model in cards:
            if known.models >> model & 1:
                scarce[model] += asked / demand * everything / allowed
    for model, count in cards.items():
        if insisting and count:
            scarce[model] += _UNSEEN * insisting / demand * everything / count
    return {model: min(1 + _SCARCITY * sqrt(share), _MAX_SCARCE) for model, share in scarce.items()}


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
