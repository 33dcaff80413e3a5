"""The fifth stage: what is borrowed comes back for a guarantee, the gentlest way first.

Elastic work gives pods beyond its least size; only where that does not do, whole borrowers are evicted,
Spot before Standard, and of equals the one that loses least work. The method is that of Kueue's
preemption: take one after the other until the claim fits, then try to give each back, the dearest first.
So nobody is asked in vain, and whoever is asked is needed. A claim that would not fit then either takes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from commonpool.model.elastic import count_off_grid, split_at, split_places
from commonpool.model.ids import PoolName, TenantName, WorkloadName
from commonpool.model.plan import Evict, Shrink
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Holding, Snapshot, Workload
from commonpool.planner.guard import Guard
from commonpool.planner.outlook import Outlook, Question
from commonpool.planner.place import Draft
from commonpool.planner.size import EmptyPool

SPOT = "Spot"


@dataclass(frozen=True, slots=True)
class Unit:
    """What can be taken at once: one step of an elastic workload, or all that a workload has left."""

    workload: Workload
    tenant: TenantName
    holdings: tuple[Holding, ...]
    keep: int
    """Pods that it has left then; 0: it is evicted."""


class Reclaim:
    """Finds who gives back, claim after claim, and remembers who has been chosen."""

    def __init__(self, snapshot: Snapshot, draft: Draft, sizes: EmptyPool) -> None:
        self._now_at = snapshot.now_at
        self._draft = draft
        self._sizes = sizes
        self._guard = Guard(snapshot, draft)
        self._chosen: dict[WorkloadName, Unit] = {}
        self._hopeless: set[tuple[object, ...]] = set()
        self._units: dict[tuple[TenantName, TenantName, PoolName], tuple[list[Unit], int]] = {}
        self._borrowers: dict[PoolName, list[Workload]] = {}
        for workload in snapshot.workloads:
            if self._guard.may_be_asked(workload):
                for pool in {holding.pool for holding in workload.holdings}:
                    self._borrowers.setdefault(pool, []).append(workload)

    @property
    def shrinks(self) -> tuple[Shrink, ...]:
        """Who becomes smaller, by name."""
        return tuple(self._build_shrink(unit) for _, unit in sorted(self._chosen.items()) if unit.keep)

    @property
    def evicts(self) -> tuple[Evict, ...]:
        """Who leaves, by name."""
        return tuple(_build_evict(unit) for _, unit in sorted(self._chosen.items()) if not unit.keep)

    def serve(self, claim: Question, guarantor: TenantName, *, evict: bool) -> Sequence[int]:
        """Take the room for the claim in the outlook once others have given back what it needs; empty if they cannot.

        `guarantor`: whose guarantee covers it. `evict`: whether whole borrowers may be asked, else only shrinking.
        """
        question = (
            claim.tenant,
            claim.pool,
            claim.count,
            claim.workload.shape,
            claim.workload.required_level,
            claim.workload.node_selector,
        )
        key = (*question, evict)
        if key in self._hopeless or not self._sizes.could_hold(claim.workload, claim.pool, claim.count):
            return ()
        units, shrinkable = self._list_units(claim, guarantor)
        taken, nodes = _take_until(self._draft.outlook, claim, units if evict else units[:shrinkable])
        if not nodes:
            if not claim.workload.begun:
                self._hopeless.add(key)
            return ()
        kept, nodes = _give_back(self._draft.outlook, claim, taken, nodes)
        for unit in kept:
            self._choose(unit)
        self._hopeless.clear()
        self._units.clear()
        return nodes

    def _choose(self, unit: Unit) -> None:
        before = self._chosen.get(unit.workload.name)
        if before is None or unit.keep < before.keep:
            self._chosen[unit.workload.name] = unit
        for holding in unit.holdings:
            self._draft.quota.count_going(unit.tenant, holding.pool, holding.amounts.gpu_milli)

    def _list_units(self, claim: Question, guarantor: TenantName) -> tuple[list[Unit], int]:
        """All that may be taken for the claim, in the order of taking, and how many of them are steps of elastic work."""
        key = (claim.tenant, guarantor, claim.pool)
        if key not in self._units:
            spared = frozenset(self._draft.tree.chain(claim.tenant))
            asked = [
                (workload.tenant, workload)
                for workload in sorted(self._borrowers.get(claim.pool, ()), key=self._rank)
                if workload.tenant is not None and guarantor not in self._draft.tree.chain(workload.tenant)
            ]
            units: list[Unit] = []
            for tenant, workload in asked:
                units += self._list_steps(workload, tenant, claim.pool, spared)
            shrinkable = len(units)
            units += self._list_whole(asked, units, spared)
            for unit in units:
                self._count(unit, -1)
            self._units[key] = (units, shrinkable)
        return self._units[key]

    def _list_steps(self, workload: Workload, tenant: TenantName, pool: PoolName, spared: frozenset[TenantName]) -> list[Unit]:
        elastic, units = workload.elastic, list[Unit]()
        places = self._find_left(workload)
        size = len(places)
        while elastic is not None and size > elastic.least:
            keep = size - (count_off_grid(elastic, size) or elastic.step)
            unit = Unit(workload, tenant, places[keep:size], keep)
            gpu_milli = sum(holding.amounts.gpu_milli for holding in unit.holdings)
            if keep < elastic.least or not self._guard.may_give(tenant, pool, gpu_milli, spared):
                break
            self._count(unit, 1)
            units.append(unit)
            size = keep
        return units

    def _list_whole(self, asked: Iterable[tuple[TenantName, Workload]], steps: list[Unit], spared: frozenset[TenantName]) -> list[Unit]:
        size = {unit.workload.name: unit.keep for unit in steps}
        units: list[Unit] = []
        for tenant, workload in asked:
            places = self._find_left(workload)
            if places and self._guard.may_evict(workload, spared):
                unit = Unit(workload, tenant, places[: size.get(workload.name, len(places))], 0)
                self._count(unit, 1)
                units.append(unit)
        return units

    def _find_left(self, workload: Workload) -> tuple[Holding, ...]:
        """Its places by rank, but for those that it gives back already."""
        chosen = self._chosen.get(workload.name)
        staying = split_places(workload)[0]
        if chosen is None:
            return tuple(split_at(workload, len(staying))[0])
        return tuple(split_at(workload, chosen.keep)[0])

    def _count(self, unit: Unit, sign: int) -> None:
        for holding in unit.holdings:
            self._draft.quota.count_going(unit.tenant, holding.pool, sign * holding.amounts.gpu_milli)

    def _rank(self, workload: Workload) -> tuple[bool, int, WorkloadName]:
        return (workload.tier != SPOT, self._guard.lost_work(workload), workload.name)

    def _build_shrink(self, unit: Unit) -> Shrink:
        workload, told = unit.workload, unit.workload.resize
        pending = told is not None and told.by_at > self._now_at
        by_at = told.by_at if told is not None and pending else self._now_at + workload.grace_seconds
        message = f"gives back what it holds beyond its tenant's guarantee, because another tenant claims its own: `{unit.keep}` pods stay"
        return Shrink(workload.name, workload.child, unit.keep, by_at, Reason.RECLAIMED_FOR_GUARANTEE, message, workload.generation)


def _build_evict(unit: Unit) -> Evict:
    message = "ran on borrowed accelerators that another tenant is guaranteed and has claimed; it queues again, as old as it is"
    return Evict(unit.workload.name, unit.workload.child, Reason.RECLAIMED_FOR_GUARANTEE, message, unit.workload.generation)


def _take_until(outlook: Outlook, claim: Question, units: Sequence[Unit]) -> tuple[list[Unit], Sequence[int]]:
    """The shortest beginning of `units` after which the claim fits, given back, and where it fits; nothing if it never does.

    What fits with fewer fits with more, so ever larger beginnings are tried, then the one in question is halved.
    """
    too_few, enough = 0, 0
    nodes: Sequence[int] = ()
    while not nodes and too_few < len(units):
        enough = min(len(units), max(1, 2 * too_few))
        for unit in units[too_few:enough]:
            outlook.give_back(unit.tenant, unit.holdings)
        nodes = outlook.fit(claim)
        too_few = enough if not nodes else too_few
    if not nodes:
        for unit in units:
            outlook.hold_again(unit.tenant, unit.holdings)
        return [], ()
    outlook.forget(claim, nodes)
    at = enough
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        at = _move_to(outlook, units, at, middle)
        nodes = outlook.fit(claim)
        if nodes:
            outlook.forget(claim, nodes)
            enough = middle
        else:
            too_few = middle
    _move_to(outlook, units, at, enough)
    return list(units[:enough]), outlook.fit(claim)


def _move_to(outlook: Outlook, units: Sequence[Unit], at: int, number: int) -> int:
    """Have just the first `number` of the units given back, where the first `at` are."""
    for unit in units[at:number]:
        outlook.give_back(unit.tenant, unit.holdings)
    for unit in units[number:at]:
        outlook.hold_again(unit.tenant, unit.holdings)
    return number


def _give_back(outlook: Outlook, claim: Question, taken: Sequence[Unit], nodes: Sequence[int]) -> tuple[list[Unit], Sequence[int]]:
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
    outlook.forget(claim, nodes)
    outlook.hold_again(unit.tenant, unit.holdings)
    again = outlook.fit(claim)
    if not again:
        outlook.give_back(unit.tenant, unit.holdings)
        outlook.fit(claim)
    return again
