"""The third stage: a workload to its nodes, by quota first and by the packing engine then."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from commonpool.engine.protocol import ANYWHERE, MAX_COUNT, Packing
from commonpool.engine.protocol import Amounts as Vector
from commonpool.engine.vectors import add_vectors
from commonpool.model.amounts import Amounts
from commonpool.model.elastic import may_grow, split_places
from commonpool.model.ids import PoolName, Seat, TenantName, WorkloadName
from commonpool.model.plan import Entry, Passed, Place
from commonpool.model.reasons import Reason
from commonpool.model.rounds import MOST_PODS
from commonpool.model.snapshot import Holding, Snapshot, Workload
from commonpool.planner.fleet import Ground, Site, floor, is_packable, scale_vector
from commonpool.planner.layout import Layout, find_layout, joins, least
from commonpool.planner.outlook import Outlook, open_outlook
from commonpool.planner.quota import Quota, Room
from commonpool.planner.share import Shares
from commonpool.planner.site import build_site, find_group, list_missing
from commonpool.planner.steps import Steps, find_steps
from commonpool.planner.tree import TenantTree

GUARANTEED = "Guaranteed"
"""The tier of work that never borrows."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one try."""

    workload: Workload
    """As it is now: what it got is among its holdings, what is missing in its needs."""
    places: tuple[Place, ...] = ()
    kept_back: bool = False
    """Whether it got less than it could because of what is kept for others: that can change within the round."""


@dataclass(frozen=True, slots=True)
class Start:
    """Elastic work that starts in this round, at its least size, and may still be given more."""

    workload: Workload
    tenant: TenantName
    pool: PoolName
    nodes: Sequence[int]


class Draft:
    """The round so far: what is free, who holds what, what is decided."""

    def __init__(self, snapshot: Snapshot, ground: Ground, packing: Packing, later: Packing) -> None:
        self.ground = ground
        self.tree = TenantTree(snapshot.tenants)
        self.shares = Shares(self.tree, {pool: ground.capacity_milli(pool) for pool in ground.pools})
        self.free_milli = {pool: ground.free_milli(pool) for pool in ground.pools}
        self.room = list(ground.free)
        """What each node has free now and may be taken: four amounts."""
        self.busy = set(ground.busy)
        """Nodes on which somebody holds something."""
        self.claimed: set[tuple[TenantName, PoolName]] = set()
        """Guarantees for which others give back: who else is under them may not use them up, or the claim would be none any more."""
        self.contested: set[tuple[TenantName, PoolName]] = set()
        """Guarantees in whose name somebody waits whom even evictions do not serve as things are."""
        self.broken_inside: frozenset[WorkloadName] = frozenset()
        """Work that is within a guarantee and has lost pods."""
        self.starts: dict[WorkloadName, Start] = {}
        self.left_behind = False
        """Whether what starts larger lies elsewhere than its least size would have: who wished to grow in between found that taken."""
        self._packing = packing
        self._passed: dict[WorkloadName, tuple[Passed, ...]] = {}
        self._sites: dict[Site, int] = {}
        self._ceilings: dict[tuple[Site, Layout, Vector], int] = {}
        self.quota, ahead = Quota(self.tree, snapshot.quotas), Quota(self.tree, snapshot.quotas)
        for (tenant, pool), gpu_milli in _sum_held(snapshot.workloads).items():
            self.shares.add(tenant, pool, gpu_milli)
            self.quota.count_held(tenant, pool, gpu_milli)
            ahead.count_held(tenant, pool, gpu_milli)
        self.quota.open(self.free_milli)
        ahead.open(self.free_milli)
        self.outlook: Outlook = open_outlook(snapshot, ground, ahead, later)
        for workload in snapshot.workloads:
            if workload.tenant is not None and (workload.leaving or workload.resize is not None):
                for holding in split_places(workload)[1]:
                    self.quota.count_going(workload.tenant, holding.pool, holding.amounts.gpu_milli)

    def is_guaranteed(self, workload: Workload, pool: PoolName) -> bool:
        """Whether the least that the workload could start with is within its tenant's guarantee there."""
        return self.find_guarantor(workload, pool, least(workload)) is not None

    def find_guarantor(self, workload: Workload, pool: PoolName, pods: int) -> TenantName | None:
        """Whose guarantee covers so many pods, now and with all that is set aside."""
        asked = pods * workload.shape.gpu_milli
        if workload.tenant is None:
            return None
        guarantor = self.quota.find_guarantor(workload.tenant, pool, asked)
        if guarantor is None or not self.outlook.differs:
            return guarantor
        return self.outlook.quota.find_guarantor(workload.tenant, pool, asked)

    def measure(self, workload: Workload, tenant: TenantName, pool: PoolName, pods: int) -> Room:
        """How many of `pods` quota allows now, and in the time to come."""
        room = self.measure_limits(workload, tenant, pool, pods)
        if workload.name in self.broken_inside:  # what is within the guarantee first; the rest once all claims have had their turn
            inside = self.quota.measure_guarantee(tenant, pool, workload.shape.gpu_milli, pods)
            if inside.refusal is not None and inside.pods < room.pods and (inside.pods or self._is_contested(tenant, pool)):
                room = Room(inside.pods, replace(inside.refusal, reason=Reason.RESERVED_FOR_OTHERS))
        accounts = (self.quota, self.outlook.quota) if self.outlook.differs else (self.quota,)
        for quota in accounts:
            each = quota.measure(tenant, pool, workload.shape.gpu_milli, pods)
            if each.pods < room.pods:
                room = each
        for above in self.tree.chain(tenant) if self.claimed else ():
            if (above, pool) in self.claimed:
                each = self.outlook.quota.measure_within(above, pool, workload.shape.gpu_milli, pods)
                if each.pods < room.pods and each.refusal is not None:
                    refusal = replace(each.refusal, reason=Reason.RESERVED_FOR_OTHERS, guarantee=False, claimed=True)
                    room = Room(each.pods, refusal)
        return room

    def _is_contested(self, tenant: TenantName, pool: PoolName) -> bool:
        """Whether somebody else's claim would take what the tenant borrows there."""
        chain = self.tree.chain(tenant)
        return any(where == pool and guarantor not in chain for guarantor, where in self.contested)

    def measure_limits(self, workload: Workload, tenant: TenantName, pool: PoolName, pods: int) -> Room:
        """The same by limits alone, whatever is kept for others."""
        room = self.quota.measure_limits(tenant, pool, workload.shape.gpu_milli, pods)
        if workload.tier == GUARANTEED:
            inside = self.quota.measure_guarantee(tenant, pool, workload.shape.gpu_milli, pods)
            return inside if inside.pods < room.pods else room
        return room

    def place(self, workload: Workload, tenant: TenantName, pools: Sequence[PoolName]) -> Outcome:
        """Take places in the first pool that has all of them, else in the first that has at least `least(workload)`, else nowhere.

        It stays where it starts, so a service does not start in part where it could not as a whole. Elastic work
        starts at its least size: what more it gets is decided once everyone has had a turn.
        """
        few, most = least(workload), len(workload.needs)
        if workload.elastic is not None and not workload.begun:
            most = few
        if len(pools) > 1 and few < most:
            outcome = self._place_in_first(workload, tenant, pools, (most, most))
            if outcome.places:
                return outcome
        return self._place_in_first(workload, tenant, pools, (few, most))

    def _place_in_first(self, workload: Workload, tenant: TenantName, pools: Sequence[PoolName], pods: tuple[int, int]) -> Outcome:
        """In the first pool that has room for so many pods, at least and at most."""
        few, most = pods
        kept_back = False
        passed: list[Passed] = []
        for pool in pools:
            room = self.measure(workload, tenant, pool, most)
            kept_back |= room.refusal is not None and room.refusal.reason is Reason.RESERVED_FOR_OTHERS
            nodes = self._pack(workload, pool, few, room.pods)
            if nodes:
                if workload.elastic is not None and not workload.begun:
                    self.starts[workload.name] = Start(workload, tenant, pool, nodes)
                self._passed[workload.name] = tuple(passed)
                return self._take(workload, tenant, pool, nodes, kept_back=kept_back)
            stopped = room.refusal is not None and room.pods < few
            passed.append(Passed(pool, room.refusal.reason if room.refusal and stopped else Reason.INSUFFICIENT_CAPACITY))
        return Outcome(workload, kept_back=kept_back)

    def grow(self, workload: Workload, tenant: TenantName, pool: PoolName) -> Outcome:
        """Give running elastic work as many whole steps as there are: all its needs are optional."""
        steps = find_steps(workload, len(workload.holdings), len(workload.needs))
        room = self.measure(workload, tenant, pool, steps.most)
        kept_back = room.refusal is not None and room.refusal.reason is Reason.RESERVED_FOR_OTHERS
        nodes = self._pack_steps(workload, pool, steps.up_to(room.pods))
        return self._take(workload, tenant, pool, nodes, kept_back=kept_back) if nodes else Outcome(workload, kept_back=kept_back)

    def extend(self, start: Start) -> tuple[Place, ...]:
        """Start elastic work at a larger size, all of it placed anew; nothing if there is no room for a step more."""
        workload, pool, small = start.workload, start.pool, len(start.nodes)
        steps = find_steps(workload, small, len(workload.needs) - small)
        room = self.measure(workload, start.tenant, pool, steps.most).pods
        if room < steps.first:
            return ()
        self._put_back(workload, start.nodes)
        nodes = self._pack_steps(workload, pool, steps.up_to(room).after(small))
        if not nodes:
            for index in start.nodes:
                self._packing.add(index, scale_vector(workload.shape.vector, -1))
            self._note(workload, start.nodes)
            return ()
        self._ceilings.clear()  # it has left room behind
        self.left_behind |= bool(Counter(start.nodes) - Counter(nodes))
        self._note(workload, nodes)
        return self._promise(workload, start.tenant, pool, nodes, workload.shape.gpu_milli * (len(nodes) - small))

    def set_aside(self, index: int) -> None:
        """Let nobody take of a node what the outlook has not."""
        mine, ahead = self.room[index], floor(self.outlook.room[index])
        less = (min(0, ahead[0] - mine[0]), min(0, ahead[1] - mine[1]), min(0, ahead[2] - mine[2]), min(0, ahead[3] - mine[3]))
        if any(less):
            self._packing.add(index, less)
            self.room[index] = add_vectors(mine, less)

    def count_fitting(self, site: Site, layout: Layout, shape: Amounts, most: int = MAX_COUNT) -> int:
        """How many pods could be placed now, at most `most`; takes nothing."""
        if not is_packable(shape):
            return 0
        answer = self._packing.place(layout.request(shape.vector, most, most), self._select(site))
        for index in answer.nodes:
            self._packing.add(index, shape.vector)
        return answer.fit_count

    def _pack(self, workload: Workload, pool: PoolName, few: int, most: int) -> Sequence[int]:
        """As the workload wishes; what has begun near to what it has, if all of it can be."""
        most = min(most, MOST_PODS)
        layout = find_layout(self.ground, workload, pool)
        if layout is None or most < few or not is_packable(workload.shape):
            return ()
        if joins(workload):
            return self._pack_groups(workload, pool, layout, range(few, most))
        shape, site = workload.shape.vector, build_site(self.ground, workload, pool, workload.required_level)
        if layout.preferred > layout.level:
            near = build_site(self.ground, workload, pool, workload.preferred_level)
            nodes = self._ask(near, layout, shape, most, most) if near.domains else ()
            if nodes:
                return nodes
        return self._ask(site, layout, shape, few, most)

    def _pack_groups(self, workload: Workload, pool: PoolName, layout: Layout, pods: range) -> Sequence[int]:
        """One group of pods after the other, as far as that goes: where the next may go depends on where the last went."""
        nodes: list[int] = []
        while len(nodes) < pods.stop:
            group = find_group(self.ground, workload, pool, layout, pods.stop - len(nodes))
            found = self._ask(group.site, group.layout, workload.shape.vector, group.few, group.most)
            nodes += found
            if len(found) < group.most:
                break
            workload = self._with_places(workload, pool, found)
        if len(nodes) < pods.start:
            for index in nodes:
                self._packing.add(index, workload.shape.vector)
            return ()
        return sorted(nodes) if workload.segment is None else nodes

    def _with_places(self, workload: Workload, pool: PoolName, nodes: Sequence[int]) -> Workload:
        taken = tuple(
            Holding(self.ground.nodes[index].name, pool, Seat(rank=rank), bound=False, amounts=workload.shape)
            for rank, index in zip(list_missing(workload), nodes, strict=False)
        )
        return replace(workload, needs=workload.needs[len(taken) :], holdings=workload.holdings + taken)

    def _pack_steps(self, workload: Workload, pool: PoolName, steps: Steps) -> Sequence[int]:
        """As many pods as fit, in whole steps."""
        nodes = self._pack(workload, pool, steps.first, steps.most)
        whole = steps.up_to(len(nodes)).most
        if not nodes or whole == len(nodes):
            return nodes
        for index in nodes:
            self._packing.add(index, workload.shape.vector)
        return self._pack(workload, pool, whole, whole)

    def _ask(self, site: Site, layout: Layout, shape: Vector, few: int, most: int) -> Sequence[int]:
        """Ask the engine, unless an earlier answer says no already: within a round room only shrinks."""
        question = (site, replace(layout, preferred=ANYWHERE), shape)
        if few > self._ceilings.get(question, MAX_COUNT):
            return ()
        answer = self._packing.place(layout.request(shape, few, most), self._select(site))
        if answer.fit_count < most and layout.spread_level == ANYWHERE:  # spread, more may fit where fewer do not
            self._ceilings[question] = answer.fit_count
        return answer.nodes

    def _select(self, site: Site) -> int:
        number = self._sites.get(site)
        if number is None:
            number = self._sites[site] = self._packing.select(self.ground.eligible(site))
        return number

    def _take(self, workload: Workload, tenant: TenantName, pool: PoolName, nodes: Sequence[int], *, kept_back: bool) -> Outcome:
        self._note(workload, nodes)
        places = self._promise(workload, tenant, pool, nodes, workload.shape.gpu_milli * len(nodes))
        taken = tuple(
            Holding(entry.node, pool, entry.seat, bound=False, amounts=workload.shape) for place in places for entry in place.entries
        )
        rest = () if workload.elastic is not None and not workload.begun else workload.needs[len(taken) :]
        after = replace(workload, needs=rest, needs_min=min(workload.needs_min, 1, len(rest)), holdings=workload.holdings + taken)
        return Outcome(after, places, kept_back)

    def _promise(self, workload: Workload, tenant: TenantName, pool: PoolName, nodes: Sequence[int], gpu_milli: int) -> tuple[Place, ...]:
        """The entries on these nodes, for `gpu_milli` more than were counted for it yet."""
        why = Reason.GREW if may_grow(workload) else self.quota.choose_why(tenant, pool, gpu_milli)
        self.quota.take(tenant, pool, gpu_milli)
        self.outlook.quota.take(tenant, pool, gpu_milli)
        self.shares.add(tenant, pool, gpu_milli)
        self.free_milli[pool] -= gpu_milli
        entries = [Entry(seat, self.ground.nodes[index].name) for seat, index in zip(workload.needs, nodes, strict=False)]
        return tuple(
            Place(
                workload=workload.name,
                child=workload.child,
                tenant=tenant,
                pool=pool,
                resource_name=self.ground.pools[pool].resource_name,
                shape=workload.shape,
                entries=tuple(alike),
                why=why,
                generation=workload.generation,
                passed=() if workload.begun else self._passed.get(workload.name, ()),
            )
            for _, alike in groupby(entries, key=lambda entry: _sort_of(entry.seat))
        )

    def _note(self, workload: Workload, nodes: Iterable[int]) -> None:
        """Write down what the engine has taken."""
        for index, run in groupby(nodes):
            amounts = scale_vector(workload.shape.vector, sum(1 for _ in run))
            self.room[index] = add_vectors(self.room[index], scale_vector(amounts, -1))
            self.outlook.take(index, amounts)
            self.busy.add(index)

    def _put_back(self, workload: Workload, nodes: Iterable[int]) -> None:
        for index, run in groupby(nodes):
            amounts = scale_vector(workload.shape.vector, sum(1 for _ in run))
            self._packing.add(index, amounts)
            self.room[index] = add_vectors(self.room[index], amounts)
            self.outlook.take(index, scale_vector(amounts, -1))
            if self.room[index] == self.ground.empty[index] and index not in self.ground.busy:
                self.busy.discard(index)


def _sum_held(workloads: Iterable[Workload]) -> dict[tuple[TenantName, PoolName], int]:
    held: defaultdict[tuple[TenantName, PoolName], int] = defaultdict(int)
    for workload in workloads:
        if workload.tenant is not None:
            for holding in workload.holdings:
                held[workload.tenant, holding.pool] += holding.amounts.gpu_milli
    return held


def _sort_of(seat: Seat) -> tuple[bool, bool]:
    return bool(seat.pod), seat.rank >= 0
