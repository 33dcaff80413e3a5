"""The face of packing onto cards: pods that want parts of one accelerator, or several whole ones, on nodes whose cards are told apart.

All amounts are integers: processors in milli, memory in any unit that is used throughout, accelerators in milli of one card. A model of
card is a number 0..62; a pod's models are a bit each, 0 for any. Cards that a pod got are a bit each, too.

The cards of a model may be partitioned (NVIDIA's MIG): they are taken by instances of profiles only, numbers 1..63, and have slices in
place of thousandths, a bit each. The slices of an instance stand above its card, from bit `SLICES_BIT` on.
"""

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self, TypeAlias

from commonpool.engine.protocol import MAX_AMOUNT, MAX_CLASSES, MAX_TOTAL_WEIGHT, Fault
from commonpool.errors import EngineError

if TYPE_CHECKING:
    from types import TracebackType

CARD_MILLI = 1000
MAX_CARDS = 16
MAX_MODEL = 62
MAX_SLICES = 10
MAX_PROFILE = 63
MAX_PLACEMENTS = 1 << 12
SLICES_BIT = MAX_CARDS
NODE_FIELDS = 5
CLASS_FIELDS = 6
POD_FIELDS = 6
PLACEMENT_FIELDS = 3
PRICING_ROUNDS = 150
MAX_PRICING_ROUNDS = 10_000
NOWHERE = -1


class CardPod(NamedTuple):
    """What a pod needs: whole cards, a part of one (`milli` below 1000, one card), an instance (a profile, one card, no milli), or none."""

    cpu_milli: int
    memory: int
    cards: int
    milli: int
    models: int = 0
    profile: int = 0


class CardClass(NamedTuple):
    """A class of the workload mix: a pod without its memory, and how many of it are to be expected beside the other classes."""

    cpu_milli: int
    cards: int
    milli: int
    models: int
    profile: int
    expected: int


@dataclass(frozen=True, slots=True)
class CardFleet:
    """Nodes as flat 64-bit arrays (typecode `q`).

    `nodes` has five numbers a node: free cpu, memory and pods, the model, how many cards. `milli` is what is free of every card, node
    after node: thousandths, or slices, a bit each. `classes` has the six numbers of `CardClass` a class. `rounds` is how often prices are
    adjusted to the mix. `placements` has three numbers for each way in which an instance can lie on a card: the model that is partitioned,
    the profile, the slices.
    """

    nodes: "array[int]"
    milli: "array[int]"
    classes: "array[int]"
    rounds: int = PRICING_ROUNDS
    placements: "array[int]" = field(default_factory=lambda: array("q"))


Places: TypeAlias = list[tuple[int, int]]


class CardPacking(Protocol):
    """One fleet while it is being packed. Not for use by two threads at once. A call that raises has changed nothing."""

    def place(self, pods: "array[int]") -> Places:
        """Place pods (six numbers each, as `CardPod`) one after the other; of each its node and cards, (-1, 0) if it fits nowhere."""

    def give(self, node: int, pod: CardPod, cards: int) -> None:
        """Take a pod off its node again."""

    def close(self) -> None:
        """Forget the fleet. Closing twice does no harm; every other call on a closed packing raises `EngineError`."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None") -> None: ...


def check_card_fleet(fleet: CardFleet) -> None:
    """Refuse lengths and numbers that no engine takes."""
    _check_arrays(fleet)
    _check_placements(fleet.placements)
    full = find_full(fleet.placements)
    cards = 0
    for start in range(0, len(fleet.nodes), NODE_FIELDS):
        cpu, memory, pods, model, count = fleet.nodes[start : start + NODE_FIELDS]
        if min(cpu, memory, pods, model, count) < 0 or model > MAX_MODEL or count > MAX_CARDS:
            raise EngineError(f"node {start // NODE_FIELDS} is none: {(cpu, memory, pods, model, count)}", code=Fault.BAD_VALUE)
        if max(cpu, memory, pods) > MAX_AMOUNT:
            raise EngineError(f"node {start // NODE_FIELDS} has more than {MAX_AMOUNT} of something", code=Fault.OVERFLOW)
        cards += count
        if cards > len(fleet.milli):
            raise EngineError(f"`milli` has {len(fleet.milli)} numbers for more cards", code=Fault.BAD_LENGTH)
        if any(not _is_card(milli, full.get(model)) for milli in fleet.milli[cards - count : cards]):
            raise EngineError(f"a card of node {start // NODE_FIELDS} can have no such state", code=Fault.BAD_VALUE)
    if cards != len(fleet.milli):
        raise EngineError(f"`milli` has {len(fleet.milli)} numbers for {cards} cards", code=Fault.BAD_LENGTH)
    _check_classes(fleet.classes)
    if fleet.rounds < 0:
        raise EngineError(f"`rounds` is `{fleet.rounds}`", code=Fault.BAD_VALUE)
    if fleet.rounds > MAX_PRICING_ROUNDS:
        raise EngineError(f"at most {MAX_PRICING_ROUNDS} rounds", code=Fault.OVERFLOW)


def find_full(placements: "array[int]") -> dict[int, int]:
    """All slices of a card, for each model that is partitioned."""
    full: dict[int, int] = {}
    for start in range(0, len(placements), PLACEMENT_FIELDS):
        model, _, slices = placements[start : start + PLACEMENT_FIELDS]
        full[model] = full.get(model, 0) | slices
    return full


def _is_card(free: int, full: int | None) -> bool:
    return 0 <= free <= CARD_MILLI if full is None else free >= 0 and free & ~full == 0


def check_card_pods(pods: "array[int]") -> None:
    """Refuse a sequence in which something is no pod."""
    if pods.typecode != "q" or len(pods) % POD_FIELDS:
        raise EngineError(f"`pods` has {len(pods)} numbers of `{pods.typecode}`, not {POD_FIELDS} a pod", code=Fault.BAD_LENGTH)
    for start in range(0, len(pods), POD_FIELDS):
        check_card_pod(CardPod(*pods[start : start + POD_FIELDS]))


def check_card_pod(pod: CardPod) -> None:
    """Refuse parts of several cards, nothing of a card, several or parts of an instance, less than nothing."""
    if pod.profile:
        wrong = pod.profile > MAX_PROFILE or pod.cards != 1 or pod.milli != 0
    else:
        wrong = (pod.cards == 0) != (pod.milli == 0) or (pod.cards > 1 and pod.milli != CARD_MILLI)
    if min(pod) < 0 or pod.cards > MAX_CARDS or pod.milli > CARD_MILLI or wrong:
        raise EngineError(f"`{tuple(pod)}` is no pod", code=Fault.BAD_VALUE)
    if max(pod.cpu_milli, pod.memory) > MAX_AMOUNT:
        raise EngineError(f"`{tuple(pod)}` wants more than {MAX_AMOUNT} of something", code=Fault.OVERFLOW)


def _check_arrays(fleet: CardFleet) -> None:
    for name, values, fields in (
        ("nodes", fleet.nodes, NODE_FIELDS),
        ("milli", fleet.milli, 1),
        ("classes", fleet.classes, CLASS_FIELDS),
        ("placements", fleet.placements, PLACEMENT_FIELDS),
    ):
        if values.typecode != "q" or len(values) % fields:
            raise EngineError(f"`{name}` has {len(values)} numbers of `{values.typecode}`, not {fields} each", code=Fault.BAD_LENGTH)
    if not fleet.nodes:
        raise EngineError("there are no nodes", code=Fault.BAD_LENGTH)
    if len(fleet.classes) > MAX_CLASSES * CLASS_FIELDS:
        raise EngineError(f"at most {MAX_CLASSES} classes", code=Fault.BAD_LENGTH)
    if len(fleet.placements) > MAX_PLACEMENTS * PLACEMENT_FIELDS:
        raise EngineError(f"at most {MAX_PLACEMENTS} placements", code=Fault.BAD_LENGTH)


def _check_placements(flat: "array[int]") -> None:
    seen = set()
    for start in range(0, len(flat), PLACEMENT_FIELDS):
        row = model, profile, slices = tuple(flat[start : start + PLACEMENT_FIELDS])
        if not (0 <= model <= MAX_MODEL and 1 <= profile <= MAX_PROFILE and 0 < slices < 1 << MAX_SLICES) or row in seen:
            raise EngineError(f"`{row}` is no placement, or told twice", code=Fault.BAD_VALUE)
        seen.add(row)


def _check_classes(flat: "array[int]") -> None:
    total = 0
    for start in range(0, len(flat), CLASS_FIELDS):
        known = CardClass(*flat[start : start + CLASS_FIELDS])
        check_card_pod(CardPod(known.cpu_milli, 0, known.cards, known.milli, known.models, known.profile))
        if known.expected < 1:
            raise EngineError(f"a class has the count `{known.expected}`", code=Fault.BAD_VALUE)
        total += known.expected
        if total > MAX_TOTAL_WEIGHT:
            raise EngineError(f"the classes' counts add up to more than {MAX_TOTAL_WEIGHT}", code=Fault.OVERFLOW)
