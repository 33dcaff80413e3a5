"""The first stage: which pools a workload may go to, in the order in which it wants them."""

from collections.abc import Sequence
from dataclasses import dataclass

from commonpool.model.amounts import GPU_MILLI
from commonpool.model.ids import PoolName
from commonpool.model.pools import Grade, PoolOrder
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Blocked, Pool, Snapshot, Wish, Workload
from commonpool.planner.quota import Quota
from commonpool.planner.tree import TenantTree

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Candidates:
    """The pools to try, or why there are none."""

    pools: tuple[PoolName, ...] = ()
    obstacle: Blocked | None = None
    grades: tuple[Grade, ...] = ()
    """How good each of `pools` is to it."""
    later: tuple[PoolName, ...] = ()
    """Pools that would do as well, and that it likes so much less that it rather waits (`patience`)."""


class Chooser:
    """Matches wishes with pools."""

    def __init__(self, snapshot: Snapshot, tree: TenantTree, quota: Quota) -> None:
        self._pools = {pool.name: pool for pool in snapshot.pools}
        self._order = PoolOrder(snapshot.pools)
        self._tree = tree
        self._quota = quota

    def choose(self, workload: Workload) -> Candidates:
        """The pools of the workload, best first. One that has begun stays where it is: a gang is never split between pools."""
        obstacle = self._find_stranger(workload) or workload.blocked or self._find_priority_ban(workload)
        if obstacle is not None:
            return Candidates(obstacle=obstacle)
        wishes = _held_wishes(workload) or workload.wishes
        wanted = self._order.rank(wishes, workload.prefer)
        open_to_it = tuple(choice for choice in wanted if self._is_open(workload, choice.pool))
        if not open_to_it:
            return Candidates(obstacle=self._explain_none(wishes, tuple(choice.pool.name for choice in wanted)))
        able = tuple(choice for choice in open_to_it if _gives(choice.pool, workload))
        if not able:
            return Candidates(obstacle=_explain_groups(workload, [choice.pool for choice in open_to_it]))
        return Candidates(tuple(choice.pool.name for choice in able), grades=tuple(choice.grade for choice in able))

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

    def _is_open(self, workload: Workload, pool: Pool) -> bool:
        return pool.open_to_all or (workload.tenant is not None and self._quota.covers(workload.tenant, pool.name))

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


def _gives(pool: Pool, workload: Workload) -> bool:
    """Whether a pod of it asks for whole groups of accelerators. What runs there with so many each goes on, whatever groups there are."""
    if pool.group_size == 1 or workload.shape.gpu_milli % (pool.group_size * GPU_MILLI) == 0:
        return True
    return any(holding.pool == pool.name and holding.amounts.gpu_milli == workload.shape.gpu_milli for holding in workload.holdings)


def _explain_groups(workload: Workload, pools: Sequence[Pool]) -> Blocked:
    """Of pools that all give groups: what would do in the one that it likes best, and that the others are no better."""
    size = pools[0].group_size
    asked = -(-workload.shape.gpu_milli // (size * GPU_MILLI)) * size
    others = "".join(f", pool `{pool.name}` of `{pool.group_size}`" for pool in pools[1:])
    return Blocked(
        Reason.NO_POOL_MATCHES,
        f"pool `{pools[0].name}` gives accelerators in whole groups of `{size}`{others}: ask for `{asked}` a pod, or another multiple",
    )


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
