"""What is promised and not yet used: Rounds against the pods and nodes that exist.

Stateless on purpose: the operator that has just started, the one that has run for
weeks and the scheduler plugin come to the same answer from the same objects
(docs/architecture.md, Round).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import Enum

from commonpool.model.amounts import Amounts
from commonpool.model.ids import ChildKey, NodeName, Seat
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
    amounts: Amounts
    finished: bool = False
    """Succeeded or Failed: it holds nothing any more, but what it took is taken."""
    terminating: bool = False


@dataclass(frozen=True, slots=True)
class Promise:
    """An entry that no pod has used yet."""

    line: Line
    entry: Entry


@dataclass(frozen=True, slots=True)
class Standing:
    """What the Rounds of the cluster still mean."""

    promises: tuple[Promise, ...]
    spent: tuple[Round, ...]
    """Nothing in them is outstanding: to be deleted."""
    cut: tuple[Round, ...]
    """With the lines that they should still have: to be patched."""


def settle_rounds(
    rounds: Iterable[Round], pods: Iterable[PodFact], alive: AbstractSet[ChildKey], usable: AbstractSet[NodeName]
) -> Standing:
    """Tell used, outstanding and void entries apart.

    `alive`: children that exist, or may still be made, and have not finished; `usable`:
    nodes that may take a pod now. O(entries + pods).
    """
    by_child: defaultdict[ChildKey, list[PodFact]] = defaultdict(list)
    for pod in pods:
        by_child[pod.child].append(pod)
    ordered = sorted(rounds, key=lambda each: each.id)
    named: defaultdict[ChildKey, set[str]] = defaultdict(set)
    for line in (line for each in ordered for line in each.lines):
        named[line.child].update(entry.seat.pod for entry in line.entries if entry.seat.pod)
    promises: list[Promise] = []
    spent: list[Round] = []
    cut: list[Round] = []
    owing_unnamed: set[ChildKey] = set()
    for each in ordered:
        kept: list[Line] = []
        owed: list[Promise] = []
        for line in each.lines:
            judged = list(zip(line.entries, _judge(line, by_child[line.child], named[line.child], alive, usable), strict=True))
            owed += [Promise(line, entry) for entry, state in judged if state is _State.OUTSTANDING]
            survivors = tuple(entry for entry, state in judged if state is not _State.VOID)
            if survivors:
                kept.append(line if survivors == line.entries else replace(line, entries=survivors))
        promises += owed
        owing_unnamed.update(promise.line.child for promise in owed if not promise.entry.seat.pod)
        if not owed and not any(line.child in owing_unnamed for line in kept):
            spent.append(each)
        elif tuple(kept) != each.lines:
            cut.append(replace(each, lines=tuple(kept)))
    return Standing(tuple(promises), tuple(spent), tuple(cut))


class _State(Enum):
    USED = 1
    OUTSTANDING = 2
    VOID = 3


def _judge(
    line: Line, pods: Sequence[PodFact], named: AbstractSet[str], alive: AbstractSet[ChildKey], usable: AbstractSet[NodeName]
) -> list[_State]:
    """Say the state of each entry of a line."""
    bound = [pod for pod in pods if pod.node is not None]
    existing = {pod.name for pod in pods}
    bound_names = {pod.name for pod in bound}
    bound_ranks = {pod.rank for pod in bound if pod.rank >= 0}
    on_node = Counter(pod.node for pod in bound if pod.name not in named)
    states: list[_State] = []
    for entry in line.entries:
        if entry.seat.pod:
            taken = entry.seat.pod in bound_names
        elif entry.seat.rank >= 0:
            taken = entry.seat.rank in bound_ranks
        else:
            taken = on_node[entry.node] > 0
            on_node[entry.node] -= taken
        stands = line.child in alive and entry.node in usable and (not entry.seat.pod or entry.seat.pod in existing)
        states.append(_State.USED if taken else _State.OUTSTANDING if stands else _State.VOID)
    if _State.VOID in states and _State.USED not in states:
        return [_State.VOID] * len(states)  # a gang that has not begun keeps all its places or gives all back
    return states


def named_seat(pod: PodFact) -> Seat:
    """The seat of a pod that exists."""
    return Seat(pod=pod.name)
