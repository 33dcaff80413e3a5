"""The third stage: a workload to its nodes, by quota first and by the packing engine then."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from commonpool.engine.protocol import ANYWHERE, MAX_COUNT, GangRequest, Packing
from commonpool.model.amounts import Amounts
from commonpool.model.ids import PoolName, Seat, TenantName
from commonpool.model.plan import Entry, Place
from commonpool.model.reasons import Reason
from commonpool.model.rounds import MOST_PODS
from commonpool.model.snapshot import Holding, Snapshot, Workload
from commonpool.planner.fleet import Ground, Site, is_packable
from commonpool.planner.quota import Quota
from commonpool.planner.share import Shares
from commonpool.planner.tree import TenantTree


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one try."""

    workload: Workload
    """As it is now: what it got is among its holdings, what is missing in its needs."""
    places: tuple[Place, ...] = ()
    kept_back: bool = False
    """Whether it got less than it could because of what is kept for others: that can change within the round."""


class Draft:
    """The round so far: what is free, who holds what, what is decided."""

    def __init__(self, snapshot: Snapshot, ground: Ground, packing: Packing) -> None:
        self.ground = ground
        self.tree = TenantTree(snapshot.tenants)
        self.quota = Quota(self.tree, snapshot.quotas)
        self.shares = Shares(self.tree, {pool: ground.capacity_milli(pool) for pool in ground.pools})
        self.free_milli = {pool: ground.free_milli(pool) for pool in ground.pools}
        self._packing = packing
        self._ceilings: dict[tuple[Site, int, tuple[int, int, int, int]], int] = {}
        for workload in snapshot.workloads:
            if workload.tenant is not None:
                self._count_held(workload.tenant, workload.holdings)
        self.quota.open(self.free_milli)

    def is_guaranteed(self, workload: Workload, pool: PoolName) -> bool:
        """Whether the least that the workload could start with is within its tenant's guarantee there."""
        asked = least(workload) * workload.shape.gpu_milli
        return workload.tenant is not None and self.quota.choose_why(workload.tenant, pool, asked) is Reason.WITHIN_GUARANTEE

    def place(self, workload: Workload, tenant: TenantName, pools: Sequence[PoolName]) -> Outcome:
        """Take places in the first pool that has them; at least `least(workload)` or none."""
        kept_back = False
        for pool in pools:
            room = self.quota.measure(tenant, pool, workload.shape.gpu_milli, len(workload.needs))
            kept_back |= room.refusal is not None and room.refusal.reason is Reason.RESERVED_FOR_OTHERS
            nodes = self._pack(workload, pool, room.pods)
            if nodes:
                return self._take(workload, tenant, pool, nodes, kept_back=kept_back)
        return Outcome(workload, kept_back=kept_back)

    def count_fitting(self, site: Site, level: int, shape: Amounts) -> int:
        """How many pods one domain could take now; takes nothing. Only for what cannot be placed: the answer is below `MAX_COUNT`."""
        if not is_packable(shape):
            return 0
        return self._packing.place(GangRequest(shape.vector, MAX_COUNT, MAX_COUNT, level), self.ground.eligible(site)).fit_count

    def _count_held(self, tenant: TenantName, holdings: Iterable[Holding]) -> None:
        for holding in holdings:
            self.shares.add(tenant, holding.pool, holding.amounts.gpu_milli)
            self.quota.count_held(tenant, holding.pool, holding.amounts.gpu_milli)

    def _pack(self, workload: Workload, pool: PoolName, most: int) -> Sequence[int]:
        """Near together if all of them can be, else as near as they must be."""
        most = min(most, MOST_PODS)
        required = find_required_level(self.ground, workload, pool)
        if required is None or most < least(workload) or not is_packable(workload.shape):
            return ()
        site = build_site(self.ground, workload, pool, workload.required_level)
        preferred = None if workload.preferred_level is None else self.ground.find_level(pool, workload.preferred_level)
        if preferred is not None and preferred > required:
            near = build_site(self.ground, workload, pool, workload.preferred_level)
            nodes = self._ask(near if near.domains else site, GangRequest(workload.shape.vector, most, most, preferred))
            if nodes:
                return nodes
        return self._ask(site, GangRequest(workload.shape.vector, least(workload), most, required))

    def _ask(self, site: Site, request: GangRequest) -> Sequence[int]:
        """Ask the engine, unless an earlier answer says no already: within a round room only shrinks."""
        question = (site, request.level, request.amounts)
        if request.min_count > self._ceilings.get(question, MAX_COUNT):
            return ()
        answer = self._packing.place(request, self.ground.eligible(site))
        if answer.fit_count < request.count:
            self._ceilings[question] = answer.fit_count
        return answer.nodes

    def _take(self, workload: Workload, tenant: TenantName, pool: PoolName, nodes: Sequence[int], *, kept_back: bool) -> Outcome:
        gpu_milli = workload.shape.gpu_milli * len(nodes)
        why = self.quota.choose_why(tenant, pool, gpu_milli)
        self.quota.take(tenant, pool, gpu_milli)
        self.shares.add(tenant, pool, gpu_milli)
        self.free_milli[pool] -= gpu_milli
        entries = [Entry(seat, self.ground.nodes[index].name) for seat, index in zip(workload.needs, nodes, strict=False)]
        places = tuple(
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
            )
            for _, alike in groupby(entries, key=lambda entry: _sort_of(entry.seat))
        )
        taken = tuple(Holding(entry.node, pool, entry.seat, bound=False, amounts=workload.shape) for entry in entries)
        rest = workload.needs[len(entries) :]
        return Outcome(replace(workload, needs=rest, needs_min=min(1, len(rest)), holdings=workload.holdings + taken), places, kept_back)


def least(workload: Workload) -> int:
    """How many pods must get a place together."""
    return min(max(1, workload.needs_min), len(workload.needs))


def find_required_level(ground: Ground, workload: Workload, pool: PoolName) -> int | None:
    """The level inside which all pods must be, `ANYWHERE` if the workload asks for none; None if the pool does not know it."""
    return ANYWHERE if workload.required_level is None else ground.find_level(pool, workload.required_level)


def build_site(ground: Ground, workload: Workload, pool: PoolName, label: str | None) -> Site:
    """The nodes a workload may use; one that has begun stays in the domains it has at the level of `label`."""
    if label is None:
        return Site(pool, workload.node_selector)
    held = {ground.find_domain(holding.node, pool, label) for holding in workload.holdings if holding.pool == pool} - {""}
    return Site(pool, workload.node_selector, label, frozenset(held)) if held else Site(pool, workload.node_selector)


def _sort_of(seat: Seat) -> tuple[bool, bool]:
    return bool(seat.pod), seat.rank >= 0
