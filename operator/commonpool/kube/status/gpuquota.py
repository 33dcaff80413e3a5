"""How each line of a quota stands, and whether what it guarantees can be kept."""

from collections.abc import Collection, Iterable

from commonpool.api import GPUQuota
from commonpool.api.gpuquota import GPUQuotaStatus, QuotaLine, QuotaSummary, QuotaUsage
from commonpool.kube.status.conditions import Judgement, build_conditions, shorten
from commonpool.model.amounts import GPU_MILLI
from commonpool.model.ids import TenantName
from commonpool.model.reasons import Reason
from commonpool.model.usage import LineUse, Usage

NOTHING = LineUse(used=0, borrowed=0, lent=0, guaranteed_together=0, available=0)


def build_quota_status(quota: GPUQuota, usage: Usage, tenants: Collection[TenantName], now_at: int) -> GPUQuotaStatus:
    """The status as it should be; `usage` is of the whole snapshot, `tenants` are all there are."""
    previous, generation = quota.status or GPUQuotaStatus(), quota.metadata.generation
    named: dict[str, QuotaLine] = {}
    for line in quota.spec.pools:
        name = "+".join(_pools(line))
        named[name if name not in named else f"{name} ({line.unit})"] = line
    uses = {name: _find_use(quota, line, usage) for name, line in named.items()}
    lines = [
        QuotaUsage(
            name=name,
            guaranteed=line.guaranteed,
            limit=line.limit,
            used=-(-uses[name].used // GPU_MILLI),
            lent=uses[name].lent // GPU_MILLI,
            borrowed=-(-uses[name].borrowed // GPU_MILLI),
        )
        for name, line in named.items()
    ]
    return GPUQuotaStatus(
        observed_generation=generation,
        usage=lines,
        summary=QuotaSummary(
            guaranteed=_summarize((line.name, line.guaranteed) for line in lines),
            limit=_summarize((line.name, line.limit) for line in lines),
            used=_summarize((line.name, line.used) for line in lines),
        ),
        conditions=build_conditions(previous.conditions, [_judge(quota, uses, named, usage, tenants)], now_at, generation),
        kopf=previous.kopf,
    )


def _pools(line: QuotaLine) -> list[str]:
    return sorted(line.pools or [line.pool or ""])


def _find_use(quota: GPUQuota, line: QuotaLine, usage: Usage) -> LineUse:
    """The planner's line that was read from this one: of the pools that exist."""
    pools = tuple(pool for pool in _pools(line) if pool in usage.pools)
    limit = None if line.limit is None else line.limit * GPU_MILLI
    return next(
        (
            use
            for read, use in usage.lines.items()
            if (read.tenant, read.pools, read.guaranteed, read.limit) == (quota.spec.tenant, pools, line.guaranteed * GPU_MILLI, limit)
        ),
        NOTHING,
    )


def _judge(
    quota: GPUQuota, uses: dict[str, LineUse], named: dict[str, QuotaLine], usage: Usage, tenants: Collection[TenantName]
) -> Judgement:
    if quota.spec.tenant not in tenants:
        return _refuse(Reason.TENANT_NOT_FOUND, f"there is no Tenant `{quota.spec.tenant}`: make it, or delete this quota")
    absent = sorted({pool for line in named.values() for pool in _pools(line)} - usage.pools.keys())
    if absent:
        return _refuse(Reason.POOL_NOT_FOUND, f"there is no GPUPool `{absent[0]}`: make it, or take it out of the quota")
    for name, use in uses.items():
        if use.guaranteed_together > use.available and named[name].guaranteed:
            return _judge_excess(name, use)
    return Judgement("Ready", "True", Reason.READY, "all that is guaranteed is there")


def _judge_excess(name: str, use: LineUse) -> Judgement:
    together, available = use.guaranteed_together // GPU_MILLI, use.available // GPU_MILLI
    if use.within_parent:
        message = f"the parent's `{name}` guarantees {available}, its children's together {together}: raise the one or lower the others"
        return _refuse(Reason.GUARANTEES_EXCEED_PARENT, message)
    message = f"all guarantees in `{name}` come to {together}, and there are {available}: lower guarantees or add nodes"
    return _refuse(Reason.GUARANTEES_EXCEED_CAPACITY, message)


def _refuse(reason: Reason, message: str) -> Judgement:
    return Judgement("Ready", "False", reason, message)


def _summarize(amounts: Iterable[tuple[str, int | None]]) -> str:
    return shorten(" ".join(f"{name}={'none' if amount is None else amount}" for name, amount in amounts))
