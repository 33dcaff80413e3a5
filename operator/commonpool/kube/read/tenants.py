"""Tenants and their quotas."""

from collections.abc import Iterable, Mapping

from commonpool.api import GPUQuota
from commonpool.api import Tenant as TenantObject
from commonpool.kube.own import Own
from commonpool.model.ids import PoolName, TenantName
from commonpool.model.snapshot import Pool, QuotaLine, Tenant

ONE = 1000
"""A quota's unit in thousandths."""


def read_tenants(tenants: Iterable[Own[TenantObject]]) -> list[Tenant]:
    """All tenants that can be read."""
    return [_read_tenant(own.parsed) for own in tenants if own.parsed is not None]


def _read_tenant(tenant: TenantObject) -> Tenant:
    spec = tenant.spec
    return Tenant(
        name=TenantName(tenant.metadata.name),
        parent=TenantName(spec.parent) if spec.parent else None,
        weight=spec.weight,
        priority_classes=tuple(sorted(spec.priority_classes or ())),
    )


def read_quotas(quotas: Iterable[Own[GPUQuota]], pools: Mapping[PoolName, Pool]) -> list[QuotaLine]:
    """All quota lines that speak of pools which exist."""
    lines = []
    for own in quotas:
        if own.parsed is None:
            continue
        for line in own.parsed.spec.pools:
            named = sorted({PoolName(name) for name in (line.pools or [line.pool or ""])} & pools.keys())
            if not named:
                continue
            lines.append(
                QuotaLine(
                    tenant=TenantName(own.parsed.spec.tenant),
                    pools=tuple(named),
                    weights_milli=tuple(pools[name].reference_milli if line.unit == "reference" else ONE for name in named),
                    guaranteed=line.guaranteed * ONE,
                    limit=_thousandths(line.limit),
                    lendable=_thousandths(line.lendable),
                    borrowable=_thousandths(line.borrowable),
                )
            )
    return lines


def _thousandths(amount: int | None) -> int | None:
    return None if amount is None else amount * ONE
