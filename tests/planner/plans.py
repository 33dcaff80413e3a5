"""A round in one call, for cases told in domain words."""

from collections.abc import Iterable

from tests.builders import START_AT, make_pool, make_tenant

from commonpool.engine.reference import ReferenceEngine
from commonpool.model.plan import Plan
from commonpool.model.snapshot import Node, Pool, QuotaLine, Tenant, Workload, build_snapshot
from commonpool.planner import plan_round


def plan(
    *workloads: Workload,
    nodes: Iterable[Node],
    pools: Iterable[Pool] | None = None,
    tenants: Iterable[Tenant] | None = None,
    quotas: Iterable[QuotaLine] = (),
) -> Plan:
    """One pool `h100` and the tenants `vision` and `nlp`, if nothing else is said."""
    snapshot = build_snapshot(
        now_at=START_AT,
        epoch=1,
        number=1,
        pools=[make_pool()] if pools is None else pools,
        nodes=nodes,
        tenants=[make_tenant("vision"), make_tenant("nlp")] if tenants is None else tenants,
        quotas=quotas,
        workloads=workloads,
    )
    return plan_round(snapshot, ReferenceEngine())
