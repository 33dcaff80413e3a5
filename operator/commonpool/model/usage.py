"""Who holds what: the one source of usage numbers, for quota, status, metrics and the command line.

Everything is summed from the holdings of a snapshot (bound pods and outstanding
promises, the ledger of docs/architecture.md), never kept. Accelerators are in thousandths.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from commonpool.model.amounts import GPU_MILLI
from commonpool.model.ids import NodeName, PoolName, TenantName
from commonpool.model.snapshot import QuotaLine, Snapshot, Tenant


@dataclass(frozen=True, slots=True)
class Use:
    """Accelerators that are taken."""

    bound: int = 0
    """By pods that have their node."""
    promised: int = 0
    """By places that no pod has taken yet."""

    def __add__(self, other: "Use") -> "Use":
        return Use(self.bound + other.bound, self.promised + other.promised)

    @property
    def total(self) -> int:
        """What counts against a quota."""
        return self.bound + self.promised


NO_USE = Use()


@dataclass(frozen=True, slots=True)
class PoolUse:
    """What a pool has, as `total = use on its nodes + foreign + free + unhealthy`."""

    nodes: int
    total: int
    use: Use
    foreign: int
    """Held by pods that are no workload of the pool's (daemons, admins)."""
    free: int
    unhealthy: int
    """Idle, but on nodes that take no pods now."""
    free_in_whole_nodes: int
    """Of the free ones, those of nodes that are free as a whole: the largest gang of whole nodes that could start."""
    largest_node: int
    """What the node with most accelerators has."""


@dataclass(frozen=True, slots=True)
class LineUse:
    """What stands on one quota line, in thousandths of its unit."""

    used: int
    """Held by the tenant and all its descendants."""
    borrowed: int
    """Of that, beyond its guarantee."""
    lent: int
    """Of its unused guarantee, what others hold now."""
    guaranteed_together: int
    """What this line and those beside it (same pools, same parent line) guarantee in sum."""
    available: int
    """What there is to guarantee: all of its pools, or the guarantee of the parent's line."""
    within_parent: bool = False
    """An ancestor has a line of the same pools: this one is a part of that."""


@dataclass(frozen=True, slots=True)
class Usage:
    """All sums over one snapshot."""

    tenants: Mapping[tuple[TenantName, PoolName], Use]
    """What each tenant itself holds, without its descendants."""
    subtrees: Mapping[tuple[TenantName, PoolName], Use]
    """What each tenant and all its descendants hold."""
    pools: Mapping[PoolName, PoolUse]
    lines: Mapping[QuotaLine, LineUse]


def sum_usage(snapshot: Snapshot) -> Usage:
    """Sum up a snapshot once. O(nodes + holdings + quota lines)."""
    tenants = sum_tenant_use(snapshot)
    subtrees = sum_subtree_use(snapshot.tenants, tenants)
    pools = sum_pool_use(snapshot)
    return Usage(tenants, subtrees, pools, sum_line_use(snapshot, subtrees, pools))


def sum_tenant_use(snapshot: Snapshot) -> Mapping[tuple[TenantName, PoolName], Use]:
    """What each tenant itself (without its descendants) holds in each pool. O(holdings)."""
    bound: defaultdict[tuple[TenantName, PoolName], int] = defaultdict(int)
    promised: defaultdict[tuple[TenantName, PoolName], int] = defaultdict(int)
    for workload in snapshot.workloads:
        if workload.tenant is not None:
            for holding in workload.holdings:
                (bound if holding.bound else promised)[workload.tenant, holding.pool] += holding.amounts.gpu_milli
    return {key: Use(bound.get(key, 0), promised.get(key, 0)) for key in {**bound, **promised}}


def find_lineage(tenants: Iterable[Tenant]) -> Mapping[TenantName, tuple[TenantName, ...]]:
    """Each tenant with its ancestors, itself first. A parent that does not exist is none; a tenant in a circle of parents stands alone."""
    named = {tenant.name: tenant.parent for tenant in tenants}
    above = {name: list_above(name, named) for name in named}
    lineage = {}
    for name in named:
        line = [name]
        while above[line[-1]] and line[-1] not in above[line[-1]]:
            line.append(above[line[-1]][0])
        lineage[name] = tuple(line)
    return lineage


def list_above(name: TenantName, parents: Mapping[TenantName, TenantName | None]) -> list[TenantName]:
    """Follow the parents until there is none, or one comes twice."""
    above: list[TenantName] = []
    parent = parents[name]
    while parent is not None and parent in parents and parent not in above:
        above.append(parent)
        parent = parents[parent]
    return above


def sum_subtree_use(tenants: Iterable[Tenant], own: Mapping[tuple[TenantName, PoolName], Use]) -> Mapping[tuple[TenantName, PoolName], Use]:
    """What each tenant and all its descendants hold in each pool, from what each holds itself."""
    lineage = find_lineage(tenants)
    sums: defaultdict[tuple[TenantName, PoolName], Use] = defaultdict(Use)
    for (tenant, pool), use in own.items():
        for ancestor in lineage.get(tenant, (tenant,)):
            sums[ancestor, pool] += use
    return dict(sums)


def sum_pool_use(snapshot: Snapshot) -> Mapping[PoolName, PoolUse]:
    """What each pool of the snapshot has and how much of it is free. O(nodes + holdings)."""
    on_node: defaultdict[NodeName, int] = defaultdict(int)
    bound: defaultdict[PoolName, int] = defaultdict(int)
    promised: defaultdict[PoolName, int] = defaultdict(int)
    for workload in snapshot.workloads:
        for holding in workload.holdings:
            on_node[holding.node] += holding.amounts.gpu_milli
            (bound if holding.bound else promised)[holding.pool] += holding.amounts.gpu_milli
    sums = {pool.name: PoolUse(0, 0, Use(bound[pool.name], promised[pool.name]), 0, 0, 0, 0, 0) for pool in snapshot.pools}
    for node in snapshot.nodes:
        if node.pool not in sums:
            continue
        before, total = sums[node.pool], node.capacity.gpu_milli
        idle = max(0, total - node.foreign.gpu_milli - on_node[node.name])
        sums[node.pool] = PoolUse(
            nodes=before.nodes + 1,
            total=before.total + total,
            use=before.use,
            foreign=before.foreign + node.foreign.gpu_milli,
            free=before.free + (idle if node.schedulable else 0),
            unhealthy=before.unhealthy + (0 if node.schedulable else idle),
            free_in_whole_nodes=before.free_in_whole_nodes + (idle if node.schedulable and idle == total else 0),
            largest_node=max(before.largest_node, total),
        )
    return sums


def sum_line_use(
    snapshot: Snapshot, subtrees: Mapping[tuple[TenantName, PoolName], Use], pools: Mapping[PoolName, PoolUse]
) -> Mapping[QuotaLine, LineUse]:
    """What stands on each quota line.

    `lent` shares out, among the lines that speak of the same pools and have an unused
    guarantee that may be lent, the part of it that others hold and that is not idle any more, in
    proportion to what each leaves unused; what division leaves over goes to the first by name. A line
    under another line of the same pools is part of that one and shares with its siblings only.
    """
    sums = {}
    free = {name: pool.free for name, pool in pools.items()}
    held = {name: pool.use.total for name, pool in pools.items()}
    total = {name: pool.total for name, pool in pools.items()}
    for above, group in _group_lines(snapshot):
        used = {
            line: _count_in_line(line, {pool: subtrees.get((line.tenant, pool), NO_USE).total for pool in line.pools}) for line in group
        }
        unused = {line: _unused(line, used[line]) for line in group}
        beyond = max(0, _count_in_line(group[0], held) - sum(min(used[line], line.guaranteed) for line in group))
        missing = max(0, sum(unused.values()) - _count_in_line(group[0], free))
        lent = _share_out(min(missing, beyond), unused)
        together = sum(line.guaranteed for line in group)
        available = above.guaranteed if above else _count_in_line(group[0], total)
        for line in group:
            sums[line] = LineUse(used[line], max(0, used[line] - line.guaranteed), lent[line], together, available, above is not None)
    return sums


def _count_in_line(line: QuotaLine, by_pool: Mapping[PoolName, int]) -> int:
    """Accelerators of several pools in the line's one unit."""
    return sum(by_pool.get(pool, 0) * weight // GPU_MILLI for pool, weight in zip(line.pools, line.weights_milli, strict=True))


def _unused(line: QuotaLine, used: int) -> int:
    unused = max(0, line.guaranteed - used)
    return unused if line.lendable is None else min(unused, line.lendable)


def _group_lines(snapshot: Snapshot) -> Iterable[tuple[QuotaLine | None, list[QuotaLine]]]:
    """Lines that can lend to the same borrowers, with the line that they are part of: same pools and unit, same nearest ancestor."""
    lineage = find_lineage(snapshot.tenants)
    known = {(line.tenant, line.pools, line.weights_milli): line for line in snapshot.quotas}
    groups: defaultdict[tuple[TenantName | None, tuple[PoolName, ...], tuple[int, ...]], list[QuotaLine]] = defaultdict(list)
    for line in snapshot.quotas:
        above = lineage.get(line.tenant, (line.tenant,))[1:]
        nearest = next((tenant for tenant in above if (tenant, line.pools, line.weights_milli) in known), None)
        groups[nearest, line.pools, line.weights_milli].append(line)
    return [(known.get((tenant, pools, weights)) if tenant else None, group) for (tenant, pools, weights), group in groups.items()]


def _share_out(amount: int, unused: Mapping[QuotaLine, int]) -> Mapping[QuotaLine, int]:
    """`amount` (at most the sum) in proportion, whole; the rest one by one to the first."""
    whole = sum(unused.values())
    shares = {line: amount * part // whole if whole else 0 for line, part in unused.items()}
    rest = amount - sum(shares.values())
    for line in sorted(unused, key=lambda each: each.tenant):
        if rest and shares[line] < unused[line]:
            shares[line] += 1
            rest -= 1
    return shares
