"""What is promised and not yet used: Rounds against the pods and nodes that exist.

Stateless on purpose: the operator that has just started, the one that has run for
weeks and the scheduler plugin come to the same answer from the same objects
(docs/architecture.md, Round).
"""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from enum import Enum

from commonpool.model.ids import ANY_SEAT, ChildKey, NodeName, Seat
from commonpool.model.plan import Entry
from commonpool.model.rounds import Line, Round


@dataclass(frozen=True, slots=True)
class PodFact:
    """One pod that belongs to a workload's child object."""

    name: str
    child: ChildKey
    rank: int
    """Its index, or -1 if it has none."""
    node: NodeName | None
    finished: bool = False
    """Succeeded or Failed: it holds nothing any more, but what it took is taken."""
    terminating: bool = False


@dataclass(frozen=True, slots=True)
class Promise:
    """An entry that a pod may still take: what it promises is held for it."""

    line: Line
    entry: Entry
    made_at: int = 0
    """When its Round was written."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the Rounds of the cluster still mean."""

    promises: tuple[Promise, ...]
    spent: tuple[Round, ...]
    """Nothing in them is outstanding: to be deleted."""
    cut: tuple[Round, ...]
    """With the lines that they should still have: to be patched."""
    kept: tuple[Round, ...]
    """All that are not spent, as they should be."""


def settle_rounds(  # noqa: PLR0913 one argument a part of the world
    rounds: Iterable[Round],
    pods: Iterable[PodFact],
    alive: Collection[ChildKey],
    usable: AbstractSet[NodeName],
    wanted: Mapping[ChildKey, int] | None = None,
    given_up: Mapping[ChildKey, int] | None = None,
) -> Standing:
    """Tell used, outstanding and void entries apart.

    `alive`: children that exist, or may still be made, and have not finished; `usable`:
    nodes that may take a pod now; `wanted`: how many pods a child wants, where that can
    fall after places were promised; `given_up`: children whose pods did not come or cannot
    be bound, and until when promises to them are void. O(entries + pods), but for sorting.

    Whoever acts on it must delete `spent` and patch `cut` before it promises anything: what
    is no promise any more is free for others, and a Round that still says so must not be
    there when its node comes back or its pod is made anew.
    """
    ordered = sorted(rounds, key=lambda each: each.id)
    facts: defaultdict[ChildKey, _Facts] = defaultdict(_Facts)
    for at, each in enumerate(ordered):
        for line_at, line in enumerate(each.lines):
            marks = [_Mark(at, each.id.epoch, line_at, entry, each.made_at) for entry in line.entries]
            facts[line.child].marks += marks
    for pod in pods:
        if pod.child in facts:
            facts[pod.child].pods.append(pod)
    owing_unnamed: set[ChildKey] = set()
    marks_of: list[list[list[_Mark]]] = [[[] for _ in each.lines] for each in ordered]
    for child, known in facts.items():
        known.judge(usable, None if wanted is None else wanted.get(child), (given_up or {}).get(child), is_alive=child in alive)
        for mark in known.marks:
            marks_of[mark.round][mark.line].append(mark)
            if mark.state is _State.OUTSTANDING and mark.entry.seat == ANY_SEAT:
                owing_unnamed.add(child)
    return _sum_up(ordered, marks_of, owing_unnamed)


def find_stale_lines(standing: Standing, epoch: int) -> tuple[Line, ...]:
    """What a new leader must write anew in a Round of its own epoch, before anything else: the plugin ignores older ones.

    All lines of each key that older epochs owe something, used entries included (they
    account for the pods that took them), and all lines of one key together: from the
    moment when a Round of a newer epoch names a key, older ones say nothing about it.
    """
    owing = {promise.line.child for promise in standing.promises}
    older = [line for each in standing.kept if each.id.epoch < epoch for line in each.lines if line.child in owing]
    return tuple(sorted(older, key=lambda line: line.child))


def named_seat(pod: PodFact) -> Seat:
    """The seat of a pod that exists."""
    return Seat(pod=pod.name)


class _State(Enum):
    USED = 1
    OUTSTANDING = 2
    VOID = 3
    OVERRIDDEN = 4
    """A newer entry speaks for the same pod."""
    FINISHED = 5
    """The pod that took it has finished. Nothing is owed; but when that pod object is deleted, a new pod could take the
    entry again. So the entry must go; one for any pod cannot (see `_sum_up`), and its place is held instead."""


@dataclass(slots=True)
class _Mark:
    """An entry, where it stands, and what it is worth."""

    round: int
    epoch: int
    line: int
    entry: Entry
    made_at: int
    state: _State = _State.OUTSTANDING

    @property
    def stays(self) -> bool:
        """Whether its Round should still have it."""
        return self.state is _State.USED or self.is_held

    @property
    def names_finished(self) -> bool:
        """Whether it names a pod that has taken it and finished: without it that pod would seem to have taken one for any pod."""
        return self.state is _State.FINISHED and bool(self.entry.seat.pod)

    @property
    def is_held(self) -> bool:
        """Whether a pod may still take it."""
        return self.state is _State.OUTSTANDING or (self.state is _State.FINISHED and self.entry.seat == ANY_SEAT)


@dataclass(slots=True)
class _Facts:
    """All entries of one key, oldest first, and its pods."""

    marks: list[_Mark] = field(default_factory=list)
    pods: list[PodFact] = field(default_factory=list)
    _unnamed: "defaultdict[NodeName, deque[_Mark]] | None" = None

    def judge(self, usable: AbstractSet[NodeName], wanted: int | None, void_until_at: int | None, *, is_alive: bool) -> None:
        self._override()
        self._seat(is_alive=is_alive)
        existing = {pod.name for pod in self.pods}
        open_marks = [mark for mark in self.marks if mark.state is _State.OUTSTANDING]
        for mark in open_marks:
            gone = mark.entry.seat.pod and mark.entry.seat.pod not in existing
            late = void_until_at is not None and mark.made_at <= void_until_at
            if gone or late or not is_alive or mark.entry.node not in usable:
                mark.state = _State.VOID
        begun = any(pod.node is not None for pod in self.pods)
        if not begun and any(mark.state is _State.VOID for mark in open_marks):
            for mark in open_marks:  # a gang that has not begun keeps all its places or gives all back
                mark.state = _State.VOID
        if wanted is not None:
            self._shrink(wanted)

    def _override(self) -> None:
        """The newest entry for a pod counts; one that names a pod counts before one of its rank."""
        ranks = {pod.name: pod.rank for pod in self.pods if pod.rank >= 0}
        newest = max((mark.epoch for mark in self.marks), default=0)
        spoken_for: set[Seat] = set()
        for mark in reversed(self.marks):
            seat = mark.entry.seat
            if mark.epoch < newest or (seat != ANY_SEAT and seat in spoken_for):
                mark.state = _State.OVERRIDDEN
            elif seat != ANY_SEAT:
                spoken_for.add(seat)
                if seat.pod in ranks:
                    spoken_for.add(Seat(rank=ranks[seat.pod]))

    def _seat(self, *, is_alive: bool) -> None:
        """Bound pods take their entries: the one of their name, else of their rank, else one for any pod on their node."""
        own = {mark.entry.seat: mark for mark in self.marks if mark.state is _State.OUTSTANDING and mark.entry.seat != ANY_SEAT}
        for pod in sorted(self.pods, key=lambda each: each.finished):
            if pod.node is None:
                continue
            mark = own.get(named_seat(pod)) or own.get(Seat(rank=pod.rank)) or self._find_unnamed(pod.node)
            if mark is not None and mark.state is _State.OUTSTANDING:
                mark.state = _State.FINISHED if pod.finished and is_alive else _State.USED

    def _find_unnamed(self, node: NodeName) -> "_Mark | None":
        """The oldest entry on that node for any pod that no one has taken."""
        if self._unnamed is None:
            self._unnamed = defaultdict(deque)
            for mark in self.marks:
                if mark.state is _State.OUTSTANDING and mark.entry.seat == ANY_SEAT:
                    self._unnamed[mark.entry.node].append(mark)
        waiting = self._unnamed[node]
        return waiting.popleft() if waiting else None

    def _shrink(self, wanted: int) -> None:
        """Give back what a workload that has become smaller will not use: of the places for any pod the newest first."""
        room = wanted - sum(1 for pod in self.pods if pod.node is not None and not pod.finished and not pod.terminating)
        open_marks = [mark for mark in self.marks if mark.state is _State.OUTSTANDING]
        for mark in open_marks:
            if mark.entry.seat.rank >= wanted:
                mark.state = _State.VOID
            elif mark.entry.seat != ANY_SEAT:
                room -= 1
        for mark in open_marks:
            if mark.entry.seat == ANY_SEAT:
                room -= 1
                if room < 0:
                    mark.state = _State.VOID


def _sum_up(ordered: Sequence[Round], marks_of: Sequence[Sequence[Sequence[_Mark]]], owing_unnamed: AbstractSet[ChildKey]) -> Standing:
    """A Round goes when it owes nothing and accounts for no pod that could be taken for another's: see `owing_unnamed`.

    A pod without an entry of its own is only known by its node, and would seem to have taken
    one for any pod that is still outstanding there. So all entries of such a key stay as long
    as it owes one, and one for any pod, or for a pod by name, also when the pod that took it has finished.
    """
    promises: list[Promise] = []
    spent: list[Round] = []
    cut: list[Round] = []
    kept: list[Round] = []
    for each, marks_of_lines in zip(ordered, marks_of, strict=True):
        lines: list[Line] = []
        for line, marks in zip(each.lines, marks_of_lines, strict=True):
            entries = tuple(mark.entry for mark in marks if mark.stays or (mark.names_finished and line.child in owing_unnamed))
            promises += [Promise(line, mark.entry, mark.made_at) for mark in marks if mark.is_held]
            if entries:
                lines.append(line if entries == line.entries else replace(line, entries=entries))
        owes = any(mark.state is _State.OUTSTANDING for marks in marks_of_lines for mark in marks)
        accounts = any(line.child in owing_unnamed for line in lines)
        if not owes and not accounts:
            spent.append(each)
        elif tuple(lines) == each.lines:
            kept.append(each)
        else:
            cut.append(replace(each, lines=tuple(lines)))
            kept.append(cut[-1])
    return Standing(tuple(promises), tuple(spent), tuple(cut), tuple(kept))
