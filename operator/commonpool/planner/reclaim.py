"""The fifth stage: what is borrowed comes back for a guarantee, the gentlest way first.

Elastic work gives pods beyond its least size, and a service those of its independent pods that are borrowed, all but the last;
only where that does not do, whole borrowers are evicted, Spot before Standard, and of equals the one that loses least work. What a
guarantee covers comes after all that is borrowed: elastic work may give it as long as its tenant keeps as much.

Of them no more are asked than the claim needs (`planner/fewest.py`); one that would not fit if all gave back takes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from commonpool.engine.protocol import MAX_COUNT
from commonpool.model.elastic import count_off_grid, may_grow, sort_places, split_at, split_places
from commonpool.model.ids import PoolName, TenantName, WorkloadName
from commonpool.model.plan import Evict, Shrink
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Holding, Snapshot, Workload
from commonpool.planner.fewest import Unit, Units, move_to, spare_who_can, take_until
from commonpool.planner.guard import Guard
from commonpool.planner.layout import build_wish
from commonpool.planner.outlook import Question
from commonpool.planner.place import Draft
from commonpool.planner.size import EmptyPool

SPOT = "Spot"


class Reclaim:
    """Finds who gives back, claim after claim, and remembers who has been chosen."""

    def __init__(self, snapshot: Snapshot, draft: Draft, sizes: EmptyPool) -> None:
        self._now_at = snapshot.now_at
        self._draft = draft
        self._sizes = sizes
        self._guard = Guard(snapshot, draft)
        draft.broken_inside = self._guard.find_broken_inside()
        self._chosen: dict[WorkloadName, list[Unit]] = {}
        self._left: dict[WorkloadName, tuple[Holding, ...]] = {}
        self._hopeless: set[tuple[object, ...]] = set()
        self._borrowers = _sort_by_pool(sorted(filter(self._guard.may_be_asked, snapshot.workloads), key=self._rank))
        self._later = _sort_by_pool(sorted(filter(self._guard.may_be_asked_later, snapshot.workloads), key=self._guard.find_free_at))
        self._free_at: dict[tuple[object, ...], int | None] = {}

    @property
    def shrinks(self) -> tuple[Shrink, ...]:
        """Who becomes smaller, by name."""
        return tuple(self._build_shrink(units[-1]) for _, units in sorted(self._chosen.items()) if units[-1].keep)

    @property
    def evicts(self) -> tuple[Evict, ...]:
        """Who leaves, by name."""
        return tuple(_build_evict(units[-1]) for _, units in sorted(self._chosen.items()) if not units[-1].keep)

    def takes_from(self, name: WorkloadName) -> bool:
        """Whether the workload gives back by now: what it lacks is not placed meanwhile."""
        return name in self._chosen

    def serve(self, claim: Question, guarantor: TenantName, *, evict: bool) -> Sequence[int]:
        """Take the room for the claim in the outlook once others have given back what it needs; empty if they cannot.

        `guarantor`: whose guarantee covers it. `evict`: whether whole borrowers may be asked, else only shrinking.
        """
        key = (*_build_key(claim), evict)
        if key in self._hopeless or not self._sizes.could_hold(claim.workload, claim.pool, claim.count):
            return ()
        units = Units(self._list_units(claim, guarantor, evict=evict))
        taken, nodes = take_until(self._draft.outlook, claim, units)
        for unit in units.known:
            self._count(unit, -1)
        if not nodes:
            if evict:
                self._draft.contested.add((guarantor, claim.pool))
            if not claim.workload.begun:
                self._hopeless.add(key)  # what others leave over may change that: for the next pass to see
            return ()
        kept, nodes = spare_who_can(self._draft.outlook, claim, taken, nodes)
        for unit in kept:
            self._choose(unit)
        return nodes

    def find_free_at(self, claim: Question, guarantor: TenantName) -> int | None:
        """When so many minimum run times are over that the claim could be served; None if it could not even then.

        Asked once nothing moves any more; takes nothing.
        """
        key = (_build_key(claim), claim.workload.name if claim.workload.begun else "")
        if key not in self._free_at:
            late = self._later.get(claim.pool, ())
            possible = late and self._sizes.could_hold(claim.workload, claim.pool, claim.count)
            self._free_at[key] = self._try_later(claim, guarantor) if possible else None
        return self._free_at[key]

    def _try_later(self, claim: Question, guarantor: TenantName) -> int | None:
        outlook = self._draft.outlook
        late = {workload.name for _, workload in self._later[claim.pool]}
        units = Units(self._list_units(claim, guarantor, evict=True, later=True))
        taken, nodes = take_until(outlook, claim, units)
        if nodes:
            outlook.forget(claim, nodes)
            move_to(outlook, units.known, len(taken), 0)
        for unit in units.known:
            self._count(unit, -1)
        waited = [unit.workload for unit in taken if unit.workload.name in late and unit.workload.min_runtime_seconds > 1]
        return max(map(self._guard.find_free_at, waited), default=None)  # what only started in this very second is asked in the next

    def spare(self) -> None:
        """Once all claims are served: what was asked for early may not be needed after what later claims had to take."""
        outlook = self._draft.outlook
        for name in reversed(list(self._chosen)):
            units = self._chosen[name]
            while units and outlook.has_room(units[-1].tenant, units[-1].holdings):
                unit = units.pop()
                outlook.hold_again(unit.tenant, unit.holdings)
                self._count(unit, -1)
            if not units:
                del self._chosen[name]

    def _choose(self, unit: Unit) -> None:
        units = self._chosen.setdefault(unit.workload.name, [])
        units.append(unit)
        units.sort(key=lambda each: -each.keep)
        self._left[unit.workload.name] = split_at(unit.workload, units[-1].keep)[0]
        self._count(unit, 1)

    def _list_units(self, claim: Question, guarantor: TenantName, *, evict: bool, later: bool = False) -> Iterator[Unit]:
        """All that may be taken for the claim, in the order of taking; each counts as given back once it has been seen.

        `later`: after that, also what may be taken once its minimum run time is over, that which ends first before the rest.
        """
        tree, pool = self._draft.tree, claim.pool
        spared = frozenset(tree.chain(claim.tenant))
        open_to: dict[TenantName, bool] = {}

        def list_open(works: Sequence[tuple[TenantName, Workload]]) -> list[tuple[TenantName, Workload]]:
            for tenant, _ in works:
                if tenant not in open_to:
                    open_to[tenant] = guarantor not in tree.chain(tenant) and self._guard.may_give(tenant, pool, 1, spared)
            return [(tenant, workload) for tenant, workload in works if open_to[tenant]]

        now = list_open(self._borrowers.get(pool, ()))
        groups = [now, *([each] for each in list_open(self._later.get(pool, ()) if later else ()))]
        for group in groups:
            yield from self._list_group(group, pool, spared, evict=evict)

    def _list_group(
        self, group: Sequence[tuple[TenantName, Workload]], pool: PoolName, spared: frozenset[TenantName], *, evict: bool
    ) -> Iterator[Unit]:
        """Of equals, all that can shrink before anybody leaves: first by what is borrowed, then by what else can go."""
        size: dict[WorkloadName, int] = {}
        inside = {
            workload.name: self._guard.count_inside(workload, spared)
            for _, workload in group
            if workload.independent or workload.elastic is not None
        }
        for borrowed in (True, False):
            for tenant, workload in group:
                if workload.name not in inside or (workload.independent and not borrowed):
                    continue
                least = inside[workload.name] if borrowed else 0
                for unit in self._list_steps(workload, tenant, pool, spared, range(least, size.get(workload.name, MAX_COUNT))):
                    size[workload.name] = unit.keep
                    yield unit
        for tenant, workload in group if evict else ():
            if self._guard.may_evict(workload, spared):
                places = self._find_left(workload)
                places = places[: size.get(workload.name, len(places))]
                if places and (not workload.independent or _is_last(places)):
                    unit = Unit(workload, tenant, places, 0)
                    self._count(unit, 1)
                    yield unit

    def _list_steps(
        self, workload: Workload, tenant: TenantName, pool: PoolName, spared: frozenset[TenantName], sizes: range
    ) -> Iterator[Unit]:
        """One after the other, from the size that it has, at most `sizes.stop`, down to `sizes.start` pods or more."""
        places = self._find_left(workload)
        size = min(len(places), sizes.stop)
        while (keep := _find_smaller(workload, size)) and keep >= sizes.start:
            unit = Unit(workload, tenant, places[keep:size], keep)
            gpu_milli = sum(holding.amounts.gpu_milli for holding in unit.holdings)
            if workload.independent:
                if not self._guard.borrows(workload, spared):
                    return
            elif not self._guard.may_give(tenant, pool, gpu_milli, spared):
                return
            self._count(unit, 1)
            yield unit
            size = keep

    def _find_left(self, workload: Workload) -> tuple[Holding, ...]:
        """Its places by rank, but for those that it gives back already."""
        left = self._left.get(workload.name)
        if left is None:
            left = self._left[workload.name] = tuple(sort_places(replace(workload, holdings=split_places(workload)[0])))
        return left

    def _count(self, unit: Unit, sign: int) -> None:
        for holding in unit.holdings:
            self._draft.quota.count_going(unit.tenant, holding.pool, sign * holding.amounts.gpu_milli)

    def _rank(self, workload: Workload) -> tuple[bool, int, WorkloadName]:
        return (workload.tier != SPOT, self._guard.lost_work(workload), workload.name)

    def _build_shrink(self, unit: Unit) -> Shrink:
        workload, told = unit.workload, unit.workload.resize
        pending = told is not None and told.by_at > self._now_at
        by_at = told.by_at if told is not None and pending else self._now_at + workload.grace_seconds
        message = "gives back what it holds beyond its tenant's guarantee, because another tenant claims its own"
        return Shrink(workload.name, workload.child, unit.keep, by_at, Reason.RECLAIMED_FOR_GUARANTEE, message, workload.generation)


def _find_smaller(workload: Workload, size: int) -> int:
    """The next smaller size that it may have and goes on with; 0: none, what is left can only go as a whole."""
    if workload.independent:
        return size - 1  # so it is with the last pod
    elastic = None if workload.needs and not may_grow(workload) else workload.elastic  # sizes count from rank 0 without a gap
    if elastic is None or size <= elastic.least:
        return 0
    keep = size - (count_off_grid(elastic, size) or elastic.step)
    return keep if keep >= elastic.least else 0


def _is_last(places: Sequence[Holding]) -> bool:
    """Independent pods go one by one, and only the last one is all that is left."""
    return len(places) == 1


def _sort_by_pool(workloads: Iterable[Workload]) -> Mapping[PoolName, Sequence[tuple[TenantName, Workload]]]:
    """In the same order, with their tenants."""
    sorted_: defaultdict[PoolName, list[tuple[TenantName, Workload]]] = defaultdict(list)
    for workload in workloads:
        for pool in {holding.pool for holding in workload.holdings}:
            if workload.tenant is not None:
                sorted_[pool].append((workload.tenant, workload))
    return sorted_


def _build_key(claim: Question) -> tuple[object, ...]:
    """What makes two claims the same question."""
    return claim.tenant, claim.pool, claim.count, claim.workload.shape, build_wish(claim.workload)


def _build_evict(unit: Unit) -> Evict:
    why = "ran on borrowed accelerators that another tenant is guaranteed and has claimed"
    alone = unit.workload.child.kind == "Pod"
    message = f"{why}; nobody makes a bare pod again: make it anew" if alone else f"{why}; it queues again, as old as it is"
    return Evict(unit.workload.name, unit.workload.child, Reason.RECLAIMED_FOR_GUARANTEE, message, unit.workload.generation)
