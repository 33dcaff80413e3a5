"""A cluster in memory: what arrives, runs, ends and breaks, for `run_cycle` to look after.

It keeps workloads the way a snapshot shows them. A promise becomes a bound place when
`start` is called; what breaks gives its places back by the rules of the Rounds
(docs/architecture.md): a gang of which nothing is bound loses all its promises with one
node, one that has begun only those on that node.
"""

from collections.abc import Iterable
from dataclasses import replace

from commonpool.model.ids import NodeName, TenantName, WorkloadName
from commonpool.model.plan import Place, Plan
from commonpool.model.snapshot import Holding, Node, Pool, QuotaLine, Snapshot, Tenant, Workload, build_snapshot


class World:
    """Implements `cycle.Cluster`. Every change is a method; `now_at` moves only when told."""

    def __init__(self, *, now_at: int, pools: Iterable[Pool] = (), tenants: Iterable[Tenant] = ()) -> None:
        self.now_at = now_at
        self.number = 1
        self.pools = {pool.name: pool for pool in pools}
        self.tenants = {tenant.name: tenant for tenant in tenants}
        self.quotas: dict[TenantName, tuple[QuotaLine, ...]] = {}
        self.nodes: dict[NodeName, Node] = {}
        self.workloads: dict[WorkloadName, Workload] = {}

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
        """Turn placements into promises, each whole or not at all: not those of a workload or onto a node that is gone since."""
        seen = {workload.name: workload.generation for workload in snapshot.workloads}
        stale = {place.workload for place in plan.place if not self._is_fresh(place, seen[place.workload])}
        for place in plan.place:
            if place.workload not in stale:
                self._promise(self.workloads[place.workload], place)
        self.number += bool(plan.place)

    def _is_fresh(self, place: Place, generation: int) -> bool:
        workload = self.workloads.get(place.workload)
        is_same = workload is not None and workload.generation == generation
        return is_same and all(self._is_usable(entry.node) for entry in place.entries)

    def _is_usable(self, name: NodeName) -> bool:
        node = self.nodes.get(name)
        return node is not None and node.schedulable

    def _promise(self, workload: Workload, place: Place) -> None:
        promised = tuple(Holding(entry.node, place.pool, entry.seat, bound=False, amounts=place.shape) for entry in place.entries)
        needs = workload.needs[len(promised) :]
        self._put(replace(workload, holdings=workload.holdings + promised, needs=needs, needs_min=min(1, len(needs))))

    def put_node(self, node: Node) -> None:
        """Add a node, or change it; one that takes no pods any more loses what is promised on it."""
        self.nodes[node.name] = node
        if not node.schedulable:
            self._void(node.name)

    def remove_node(self, name: NodeName) -> None:
        """A node fails: its pods are lost, their workloads need places again."""
        self.nodes.pop(name, None)
        self._void(name)
        for workload in list(self.workloads.values()):
            self._lose(workload, [holding for holding in workload.holdings if holding.node == name])

    def set_quota(self, tenant: TenantName, lines: Iterable[QuotaLine]) -> None:
        """Replace what a tenant may hold."""
        self.quotas[tenant] = tuple(lines)

    def submit(self, workload: Workload) -> None:
        """Somebody wants to run something; the same name again is the same wish, changed."""
        self._put(workload)

    def start(self, name: WorkloadName, pods: int) -> None:
        """The scheduler binds so many of its promised pods, in order."""
        workload = self.workloads[name]
        promised = [holding for holding in workload.holdings if not holding.bound][:pods]
        bound = tuple(replace(holding, bound=True) if holding in promised else holding for holding in workload.holdings)
        self._put(replace(workload, holdings=bound))

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
        if not lost:
            return
        kept = tuple(holding for holding in workload.holdings if holding not in lost)
        needs = tuple(sorted((*workload.needs, *(holding.seat for holding in lost))))
        self._put(replace(workload, holdings=kept, needs=needs, needs_min=1 if kept else len(needs)))
