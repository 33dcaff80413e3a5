"""A cluster in memory: what arrives, runs, ends and breaks, for `run_cycle` to look after.

It keeps workloads the way a snapshot shows them. A promise becomes a bound place when
`start` is called; what breaks gives its places back by the rules of the Rounds
(docs/architecture.md): a gang of which nothing is bound loses all its promises with one
node, one that has begun only those on that node. What takes time (graces, nodes that boot
or go) is done by `pass_time`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from commonpool.model.ids import NodeName, PoolName, TenantName, WorkloadName
from commonpool.model.plan import Place, Plan, ScalePool
from commonpool.model.snapshot import Holding, Node, Pool, QuotaLine, Resize, Snapshot, Tenant, Workload, build_snapshot
from commonpool.sim import lives

NodeMaker = Callable[[PoolName, int], Node]
"""The node of that number, never used before, that a pool's provider makes."""


class World:
    """Implements `cycle.Cluster`. Every change is a method; `now_at` moves only when told.

    `make_node` makes the nodes that pools ask for; they join `boot_seconds` after.
    """

    def __init__(
        self,
        *,
        now_at: int,
        pools: Iterable[Pool] = (),
        tenants: Iterable[Tenant] = (),
        make_node: NodeMaker | None = None,
        boot_seconds: int = 60,
    ) -> None:
        self.now_at = now_at
        self.number = 1
        self.pools = {pool.name: pool for pool in pools}
        self.tenants = {tenant.name: tenant for tenant in tenants}
        self.quotas: dict[TenantName, tuple[QuotaLine, ...]] = {}
        self.nodes: dict[NodeName, Node] = {}
        self.workloads: dict[WorkloadName, Workload] = {}
        self._wishes: dict[WorkloadName, Workload] = {}
        self._leave_at: dict[WorkloadName, int] = {}
        self._boots: list[tuple[int, PoolName]] = []
        self._made = 0
        self._make_node = make_node
        self._boot_seconds = boot_seconds

    def read(self) -> Snapshot:
        """Freeze the facts of now."""
        return build_snapshot(
            now_at=self.now_at,
            epoch=1,
            number=self.number,
            pools=self.pools.values(),
            nodes=self.nodes.values(),
            tenants=self.tenants.values(),
            quotas=(line for lines in self.quotas.values() for line in lines),
            workloads=self.workloads.values(),
        )

    async def apply(self, snapshot: Snapshot, plan: Plan) -> None:
        """Do what is still possible.

        Placements become promises, each whole or not at all: not those of a workload or onto a node that is gone
        since. Who is told to shrink or leave keeps its places until its grace is over (`pass_time`).
        """
        seen = {workload.name: workload.generation for workload in snapshot.workloads}
        stale = {place.workload for place in plan.place if not self._is_fresh(place, seen[place.workload])}
        for place in plan.place:
            if place.workload not in stale:
                self._put(lives.promise(self.workloads[place.workload], place, self.now_at))
        for shrink in plan.shrink:
            workload = self._find_same(shrink.workload, seen)
            if workload is not None:
                self._put(replace(workload, resize=Resize(shrink.keep, shrink.by_at), needs=(), needs_min=0))
        for evict in plan.evict:
            workload = self._find_same(evict.workload, seen)
            if workload is not None:
                self._put(replace(workload, leaving=True, resize=None, needs=(), needs_min=0))
                self._leave_at[workload.name] = self.now_at + workload.grace_seconds
        for scale in plan.scale:
            self._scale(scale)
        for pool in self.pools.values():
            self._note_surplus(pool, surplus=pool.name in plan.surplus)
        self.number += bool(plan.place)

    def pass_time(self, seconds: int) -> None:
        """Let graces end, nodes join that were asked for, and empty ones go that were given back."""
        self.now_at += seconds
        for workload in list(self.workloads.values()):
            if workload.resize is not None and workload.resize.by_at <= self.now_at:
                self._put(lives.settle(lives.shrink(workload, self._wishes[workload.name])))
            if workload.leaving and self._leave_at.get(workload.name, 0) <= self.now_at:
                self._put(lives.requeue(workload, self._wishes[workload.name]))
        for at, pool in [boot for boot in self._boots if boot[0] <= self.now_at]:
            self._boots.remove((at, pool))
            if self._make_node is not None:
                self._made += 1
                self.put_node(self._make_node(pool, self._made))
        for name in [name for name, node in self.nodes.items() if node.releasing]:
            self.remove_node(name)

    def _find_same(self, name: WorkloadName, seen: Mapping[WorkloadName, int]) -> Workload | None:
        """The workload, if it still is what the plan saw and holds something."""
        workload = self.workloads.get(name)
        return workload if workload is not None and workload.begun and workload.generation == seen[name] else None

    def _is_fresh(self, place: Place, generation: int) -> bool:
        workload = self.workloads.get(place.workload)
        is_same = workload is not None and workload.generation == generation
        return is_same and all(self._is_usable(entry.node) for entry in place.entries)

    def _is_usable(self, name: NodeName) -> bool:
        node = self.nodes.get(name)
        return node is not None and node.schedulable

    def _scale(self, scale: ScalePool) -> None:
        """The provider makes what is missing and, once `release` is cordoned, takes those away."""
        pool = self.pools[scale.pool]
        if pool.scaling is None:
            return
        self.pools[pool.name] = replace(pool, scaling=replace(pool.scaling, wanted_nodes=scale.nodes))
        for name in scale.release:
            if name in self.nodes and not self._is_held(name):
                self.put_node(replace(self.nodes[name], schedulable=False, releasing=True))
        self._order_nodes(pool.name)

    def _order_nodes(self, pool: PoolName) -> None:
        """Have as many nodes on their way as are missing."""
        scaling = self.pools[pool].scaling
        if scaling is None:
            return
        there = sum(node.pool == pool and not node.releasing for node in self.nodes.values())
        booting = [boot for boot in self._boots if boot[1] == pool]
        missing = scaling.wanted_nodes - there
        for boot in booting[max(0, missing) :]:
            self._boots.remove(boot)
        self._boots += [(self.now_at + self._boot_seconds, pool)] * max(0, missing - len(booting))

    def _note_surplus(self, pool: Pool, *, surplus: bool) -> None:
        if pool.scaling is not None:
            since_at = (pool.scaling.surplus_since_at or self.now_at) if surplus else 0
            self.pools[pool.name] = replace(pool, scaling=replace(pool.scaling, surplus_since_at=since_at))

    def _is_held(self, node: NodeName) -> bool:
        return any(holding.node == node for workload in self.workloads.values() for holding in workload.holdings)

    def put_node(self, node: Node) -> None:
        """Add a node, or change it; one that takes no pods any more loses what is promised on it."""
        self.nodes[node.name] = node
        if not node.schedulable:
            self._void(node.name)

    def remove_node(self, name: NodeName) -> None:
        """A node fails: its pods are lost, their workloads need places again; its provider makes another one."""
        node = self.nodes.pop(name, None)
        self._void(name)
        for workload in list(self.workloads.values()):
            self._lose(workload, [holding for holding in workload.holdings if holding.node == name])
        if node is not None and node.pool in self.pools:
            self._order_nodes(node.pool)

    def fail_boot(self) -> None:
        """The node that would join next does not; its provider tries again."""
        if self._boots:
            at, pool = min(self._boots)
            self._boots.remove((at, pool))
            self._boots.append((self.now_at + self._boot_seconds, pool))

    def set_quota(self, tenant: TenantName, lines: Iterable[QuotaLine]) -> None:
        """Replace what a tenant may hold."""
        self.quotas[tenant] = tuple(lines)

    def submit(self, workload: Workload) -> None:
        """Somebody wants to run something; the same name again is the same wish, changed."""
        self._wishes[workload.name] = workload
        self._put(workload)

    def start(self, name: WorkloadName, pods: int) -> None:
        """The scheduler binds so many of its promised pods, in order."""
        self._put(lives.settle(lives.bind(self.workloads[name], pods)))

    def checkpoint(self, name: WorkloadName) -> None:
        """It has written a checkpoint; a shrink that waited for that is done."""
        workload = replace(self.workloads[name], checkpointed_at=self.now_at)
        self._put(lives.settle(lives.shrink(workload, self._wishes[workload.name])))

    def lose_pod(self, name: WorkloadName) -> None:
        """One of its running pods fails and will be made anew."""
        workload = self.workloads[name]
        self._lose(workload, [holding for holding in workload.holdings if holding.bound][:1])

    def finish(self, name: WorkloadName) -> None:
        """It has ended, or somebody deleted it: it holds and wants nothing any more."""
        del self.workloads[name]

    def _put(self, workload: Workload) -> None:
        self.workloads[workload.name] = workload

    def _void(self, node: NodeName) -> None:
        for workload in list(self.workloads.values()):
            begun = any(holding.bound for holding in workload.holdings)
            promised = [holding for holding in workload.holdings if not holding.bound]
            if any(holding.node == node for holding in promised):
                self._lose(workload, [holding for holding in promised if holding.node == node] if begun else promised)

    def _lose(self, workload: Workload, lost: list[Holding]) -> None:
        if lost:
            self._put(lives.lose(workload, lost, self._wishes[workload.name]))
