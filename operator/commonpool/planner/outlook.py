"""The pool as it will be: with what is being given back, without what is set aside for those who wait for it.

Two accounts are kept of the same nodes and quotas. The draft knows what is free now; this one adds
what is on its way back (shrinks and evictions that have been told, nodes that have been asked for)
and takes away what waits are served by it. Nothing is placed now that this one could not bear, so
smaller work cannot take, piece by piece, what others have given back for a guarantee.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from commonpool.engine.protocol import Amounts as Vector
from commonpool.engine.protocol import Packing
from commonpool.engine.vectors import add_vectors
from commonpool.model.elastic import split_places
from commonpool.model.ids import PoolName, TenantName
from commonpool.model.snapshot import Holding, Snapshot, Workload
from commonpool.planner.fleet import Ground, Site, clamp, floor, is_packable, scale_vector
from commonpool.planner.layout import find_layout, joins
from commonpool.planner.quota import Quota
from commonpool.planner.site import build_site, find_group


@dataclass(frozen=True, slots=True)
class Question:
    """`count` pods of a workload, all or none, in one pool."""

    workload: Workload
    tenant: TenantName
    pool: PoolName
    count: int

    @property
    def gpu_milli(self) -> int:
        """What they take together."""
        return self.count * self.workload.shape.gpu_milli


class Outlook:
    """Rooms, quotas and a packing of the time to come. `open_outlook` makes one."""

    def __init__(self, ground: Ground, quota: Quota, packing: Packing, room: list[Vector]) -> None:
        self.ground = ground
        self.quota = quota
        self.room = room
        """What each node will have free, spare ones included; below nothing where it is overdrawn."""
        self.differs = any(ground.booting.values())
        """Whether anything is on its way, or set aside: if not, the future is like the present."""
        self.booting = dict(ground.booting)
        """Nodes of each pool that are on their way."""
        self._packing = packing
        self._kept: set[int] = set()
        self._sites: dict[tuple[Site, int], int] = {}

    def fit(self, question: Question, spare: int = 0) -> Sequence[int]:
        """Take the room for it, on nodes that are there or on the first `spare` that are not; empty if there is none."""
        workload, pool = question.workload, question.pool
        layout = find_layout(self.ground, workload, pool)
        if layout is None or not is_packable(workload.shape) or not self.allows(question):
            return ()
        site = build_site(self.ground, workload, pool, workload.required_level)
        if joins(workload):
            group = find_group(self.ground, workload, pool, layout, question.count)
            site, layout = group.site, group.layout
        request = layout.request(workload.shape.vector, question.count, question.count)
        nodes = self._packing.place(request, self._select(site, spare)).nodes
        for index in nodes:
            self.room[index] = add_vectors(self.room[index], scale_vector(workload.shape.vector, -1))
        if nodes:
            self.quota.take(question.tenant, pool, question.gpu_milli)
        return nodes

    def _select(self, site: Site, spare: int) -> int:
        number = self._sites.get((site, spare))
        if number is None:
            number = self._sites[site, spare] = self._packing.select(self.ground.with_spare(site, spare))
        return number

    def allows(self, question: Question) -> bool:
        """Whether quota will."""
        each = question.workload.shape.gpu_milli
        return self.quota.measure(question.tenant, question.pool, each, question.count).pods >= question.count

    def forget(self, question: Question, nodes: Iterable[int]) -> None:
        """Undo a `fit`."""
        for index in nodes:
            self._packing.add(index, question.workload.shape.vector)
            self.room[index] = add_vectors(self.room[index], question.workload.shape.vector)
        self.quota.take(question.tenant, question.pool, -question.gpu_milli)

    def take(self, index: int, amounts: Vector) -> None:
        """Something was placed on a node, or (below zero) taken away again."""
        self._change(index, scale_vector(amounts, -1))

    def keep(self, index: int) -> None:
        """Set a node aside for one who waits: nobody else gets what is free there by then, or what is given back there after."""
        self.take(index, floor(self.room[index]))
        self._kept.add(index)

    def give_back(self, tenant: TenantName, holdings: Iterable[Holding]) -> None:
        """Take it that these places come back."""
        self._move(tenant, holdings, 1)

    def hold_again(self, tenant: TenantName, holdings: Iterable[Holding]) -> None:
        """Undo a `give_back`."""
        self._move(tenant, holdings, -1)

    def would_bear(self, tenant: TenantName, holdings: Sequence[Holding], question: Question, nodes: Sequence[int]) -> bool:
        """Let these places stay, if the question keeps its nodes beside them: they are on other nodes, and quota has both."""
        mine = {self.ground.nodes[index].name for index in nodes if index < len(self.ground.nodes)}
        if any(holding.node in mine for holding in holdings):
            return False
        self.quota.take(question.tenant, question.pool, -question.gpu_milli)
        self.hold_again(tenant, holdings)
        allowed = self.allows(question)
        self.quota.take(question.tenant, question.pool, question.gpu_milli)
        if not allowed:
            self.give_back(tenant, holdings)
        return allowed

    def has_room(self, tenant: TenantName, holdings: Sequence[Holding]) -> bool:
        """Whether these places are left over: nothing that is set aside needs them, and quota would give them anew."""
        asked: dict[int, Vector] = {}
        for holding in holdings:
            index = self.ground.index.get(holding.node)
            if index is None:
                return False
            asked[index] = add_vectors(asked.get(index, (0, 0, 0, 0)), holding.amounts.vector)
        if any(min(add_vectors(self.room[index], scale_vector(amounts, -1))) < 0 for index, amounts in asked.items()):
            return False
        pools = sorted({holding.pool for holding in holdings})
        milli = {pool: sum(holding.amounts.gpu_milli for holding in holdings if holding.pool == pool) for pool in pools}
        return all(self.quota.measure(tenant, pool, milli[pool], 1).pods == 1 for pool in pools)

    def expect_nodes(self, pool: PoolName, number: int) -> None:
        """So many nodes more will come."""
        self.booting[pool] += number
        self.count_nodes(pool, number)

    def count_nodes(self, pool: PoolName, number: int) -> None:
        """Let quota know, for a try, of so many nodes more."""
        scaling = self.ground.pools[pool].scaling
        self.quota.add_free(pool, number * (scaling.node.gpu_milli if scaling is not None else 0))

    def _move(self, tenant: TenantName, holdings: Iterable[Holding], sign: int) -> None:
        for holding in holdings:
            index, gpu_milli = self.ground.index.get(holding.node), sign * holding.amounts.gpu_milli
            usable = 0
            if index is not None:
                before = max(0, self.room[index][0])
                self._change(index, scale_vector(holding.amounts.vector, sign))
                if self.ground.nodes[index].schedulable:
                    usable = max(0, self.room[index][0]) - before
            self.quota.take(tenant, holding.pool, -gpu_milli)
            if usable != gpu_milli:  # on a node that takes no pods, or that has lost cards under its pods, nothing becomes free
                self.quota.add_free(holding.pool, usable - gpu_milli)

    def _change(self, index: int, change: Vector) -> None:
        """An overdrawn node stays full until its debt is paid."""
        before, after = self.room[index], add_vectors(self.room[index], change)
        self.room[index] = after
        told = add_vectors(clamp(after), scale_vector(clamp(before), -1))
        if any(told) and index not in self._kept:
            self._packing.add(index, told)


def open_outlook(snapshot: Snapshot, ground: Ground, quota: Quota, packing: Packing) -> Outlook:
    """The outlook of a round that has decided nothing yet; `quota` counts what is held and free now, `packing` has the spare nodes too."""
    outlook = Outlook(ground, quota, packing, [*ground.left, *ground.list_spare()])
    for workload in snapshot.workloads:
        if workload.tenant is not None and (workload.leaving or workload.resize is not None):
            going = split_places(workload)[1]
            outlook.give_back(workload.tenant, going)
            outlook.differs |= bool(going)
    for pool, number in ground.booting.items():
        outlook.count_nodes(pool, number)
    return outlook
