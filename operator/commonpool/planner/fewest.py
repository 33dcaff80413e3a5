"""Which of all who may give back have to, so that a claim fits: the method of Kueue's preemption.

One after the other is taken until the claim fits, then each is tried to be spared, the dearest first. So nobody is asked in vain, and
whoever is asked is needed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from commonpool.model.ids import TenantName, WorkloadName
from commonpool.model.snapshot import Holding, Workload
from commonpool.planner.outlook import Outlook, Question


@dataclass(frozen=True, slots=True)
class Unit:
    """What can be taken at once: one step of an elastic workload, one independent pod, or all that a workload has left."""

    workload: Workload
    tenant: TenantName
    holdings: tuple[Holding, ...]
    keep: int
    """Pods that it has left then; 0: it is evicted."""


class Units:
    """What an iterator gives, as far as anybody has asked: a claim mostly needs few of very many."""

    def __init__(self, source: Iterator[Unit]) -> None:
        self._source = source
        self.known: list[Unit] = []

    def reach(self, number: int) -> int:
        """Know so many, or all that there are; how many that is."""
        self.known += islice(self._source, max(0, number - len(self.known)))
        return min(number, len(self.known))


def take_until(outlook: Outlook, claim: Question, units: Units) -> tuple[list[Unit], Sequence[int]]:
    """The shortest beginning of `units` after which the claim fits, given back, and where it fits; nothing if it never does.

    What fits with fewer fits with more, so ever larger beginnings are tried, then the one in question is halved.
    """
    too_few, enough = 0, units.reach(1)
    nodes: Sequence[int] = ()
    while not nodes and too_few < enough:
        for unit in units.known[too_few:enough]:
            outlook.give_back(unit.tenant, unit.holdings)
        nodes = outlook.fit(claim)
        if not nodes:
            too_few, enough = enough, units.reach(2 * enough)
    if not nodes:
        move_to(outlook, units.known, too_few, 0)
        return [], ()
    outlook.forget(claim, nodes)
    at = enough
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        at = move_to(outlook, units.known, at, middle)
        nodes = outlook.fit(claim)
        if nodes:
            outlook.forget(claim, nodes)
            enough = middle
        else:
            too_few = middle
    move_to(outlook, units.known, at, enough)
    return units.known[:enough], outlook.fit(claim)


def move_to(outlook: Outlook, units: Sequence[Unit], at: int, number: int) -> int:
    """Have just the first `number` of the units given back, where the first `at` are."""
    for unit in units[at:number]:
        outlook.give_back(unit.tenant, unit.holdings)
    for unit in units[number:at]:
        outlook.hold_again(unit.tenant, unit.holdings)
    return number


def spare_who_can(outlook: Outlook, claim: Question, taken: Sequence[Unit], nodes: Sequence[int]) -> tuple[list[Unit], Sequence[int]]:
    """Let all keep their places who can, last one first; who is left, and where the claim fits then."""
    left: list[Unit] = []
    bound: set[WorkloadName] = set()
    for unit in reversed(taken):
        if unit.workload.name not in bound:  # of one workload the highest ranks go first, and all of it when it is evicted
            again = _fit_without(outlook, claim, unit, nodes)
            if again:
                nodes = again
                continue
        bound.add(unit.workload.name)
        left.append(unit)
    return left, nodes


def _fit_without(outlook: Outlook, claim: Question, unit: Unit, nodes: Sequence[int]) -> Sequence[int]:
    """Where the claim fits if the unit keeps its places; nothing has changed if it does not."""
    if outlook.would_bear(unit.tenant, unit.holdings, claim, nodes):
        return nodes
    outlook.forget(claim, nodes)
    outlook.hold_again(unit.tenant, unit.holdings)
    again = outlook.fit(claim)
    if not again:
        outlook.give_back(unit.tenant, unit.holdings)
        outlook.fit(claim)
    return again
