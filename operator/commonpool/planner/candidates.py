"""The first stage: which pools a workload may go to, in the order in which it wants them."""

from dataclasses import dataclass

from commonpool.model.amounts import GPU_MILLI
from commonpool.model.ids import PoolName
from commonpool.model.pools import choose_pools, order_by_price
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Blocked, Snapshot, Wish, Workload
from commonpool.planner.quota import Quota
from commonpool.planner.tree import TenantTree

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Candidates:
    """The pools to try, or why there are none."""

    pools: tuple[PoolName, ...] = ()
    obstacle: Blocked | None = None


class Chooser:
    """Matches wishes with pools."""

    def __init__(self, snapshot: Snapshot, tree: TenantTree, quota: Quota) -> None:
        self._pools = {pool.name: pool for pool in snapshot.pools}
        self._by_price = order_by_price(snapshot.pools)
        self._tree = tree
        self._quota = quota

    def choose(self, workload: Workload) -> Candidates:
        """The pools of the workload, best first. One that has begun stays where it is: a gang is never split between pools."""
        obstacle = self._find_stranger(workload) or workload.blocked or self._find_priority_ban(workload)
        if obstacle is not None:
            return Candidates(obstacle=obstacle)
        wishes = _held_wishes(workload) or workload.wishes
        wanted = dict.fromkeys(pool.name for wish in wishes for pool in choose_pools(wish, self._by_price))
        open_pools = tuple(pool for pool in wanted if self._is_open(workload, pool))
        if not open_pools:
            return Candidates(obstacle=self._explain_none(wishes, tuple(wanted)))
        able = tuple(pool for pool in open_pools if workload.begun or self._gives(workload, pool))
        return Candidates(able) if able else Candidates(obstacle=self._explain_groups(workload, open_pools[0]))

    def _find_stranger(self, workload: Workload) -> Blocked | None:
        if workload.tenant is None:
            namespace = workload.name.partition("/")[0]
            way_out = "ask an administrator to name it in a Tenant's `spec.namespaces`"
            return Blocked(Reason.NOT_A_TENANT, f"namespace `{namespace}` belongs to no tenant: {way_out}")
        if self._tree.find(workload.tenant) is None:
            message = f"there is no Tenant `{workload.tenant}`, which the namespace's label names: ask an administrator"
            return Blocked(Reason.NOT_A_TENANT, message)
        return None

    def _find_priority_ban(self, workload: Workload) -> Blocked | None:
        tenant = None if workload.tenant is None else self._tree.find(workload.tenant)
        allowed = tenant.priority_classes if tenant is not None else ()
        if not workload.priority_class or workload.priority_class in allowed:
            return None
        way_out = f"use one of {', '.join(f'`{name}`' for name in allowed)}, or none" if allowed else "name none"
        message = f"tenant `{workload.tenant}` may not use PriorityClass `{workload.priority_class}`: {way_out}"
        return Blocked(Reason.PRIORITY_NOT_ALLOWED, message)

    def _is_open(self, workload: Workload, pool: PoolName) -> bool:
        return self._pools[pool].open_to_all or (workload.tenant is not None and self._quota.covers(workload.tenant, pool))

    def _gives(self, workload: Workload, pool: PoolName) -> bool:
        """Whether a pod of it asks for whole groups of accelerators."""
        return workload.shape.gpu_milli % (self._pools[pool].group_size * GPU_MILLI) == 0 or self._pools[pool].group_size == 1

    def _explain_groups(self, workload: Workload, pool: PoolName) -> Blocked:
        size = self._pools[pool].group_size
        asked = -(-workload.shape.gpu_milli // (size * GPU_MILLI)) * size
        return Blocked(
            Reason.NO_POOL_MATCHES,
            f"pool `{pool}` gives accelerators in whole groups of `{size}`: ask for `{asked}` a pod, or another multiple",
        )

    def _explain_none(self, wishes: tuple[Wish, ...], matching: tuple[PoolName, ...]) -> Blocked:
        if matching:
            names = ", ".join(f"`{name}`" for name in matching)
            return Blocked(Reason.POOL_NOT_OPEN, f"pool {names} is open only to tenants with a GPUQuota there, and you have none")
        missing = [wish.pool for wish in wishes if wish.pool is not None and wish.pool not in self._pools]
        if missing:
            known = ", ".join(f"`{name}`" for name in sorted(self._pools)) or "none"
            return Blocked(Reason.POOL_NOT_FOUND, f"there is no pool `{missing[0]}`; there are: {known}")
        if not wishes:
            return Blocked(Reason.NO_POOL_MATCHES, "the workload says of no accelerator that it would do")
        named = [f"pool `{wish.pool}` has no {_render_asked(wish)}" for wish in wishes if wish.pool is not None]
        unnamed = [_render_asked(wish) for wish in wishes if wish.pool is None]
        parts = [*named, f"no pool has {' or '.join(unnamed)}"] if unnamed else named
        return Blocked(Reason.NO_POOL_MATCHES, "; ".join(parts))


def _held_wishes(workload: Workload) -> tuple[Wish, ...]:
    return tuple(Wish(pool=pool) for pool in sorted({holding.pool for holding in workload.holdings}))


def _render_asked(wish: Wish) -> str:
    parts = [f"resource `{wish.resource_name}`"] if wish.resource_name is not None else []
    parts += [f"{_render_memory(wish.memory_bytes)} of memory"] if wish.memory_bytes else []
    parts += [f"precision `{wish.precision}`"] if wish.precision is not None else []
    return " with ".join(parts) or "accelerator"


def _render_memory(memory_bytes: int) -> str:
    whole, rest = divmod(memory_bytes, GIB)
    return f"{memory_bytes} bytes" if rest else f"{whole}Gi"
