"""One pool and who is in it, in few words."""

from collections.abc import Iterable

from tests.builders import START_AT, make_nodes, make_pool, make_quota, make_tenant

from commonpool.engine.reference import ReferenceEngine
from commonpool.model.assume import assume_plan
from commonpool.model.plan import Plan
from commonpool.model.snapshot import Node, Pool, QuotaLine, Snapshot, Tenant, Workload, build_snapshot
from commonpool.planner import plan_round

ENGINE = ReferenceEngine()


def make_situation(
    *workloads: Workload,
    nodes: int | Iterable[Node] = 4,
    quotas: Iterable[QuotaLine] = (),
    pool: Pool | None = None,
    tenants: Iterable[Tenant] | None = None,
    now: int = 0,
) -> Snapshot:
    """Nodes with eight accelerators each; a tenant for each that is named. `now`: seconds after the start."""
    quotas = tuple(quotas)
    names = {workload.tenant for workload in workloads} | {line.tenant for line in quotas}
    return build_snapshot(
        now_at=START_AT + now,
        epoch=1,
        number=1,
        pools=[pool or make_pool()],
        nodes=make_nodes(nodes) if isinstance(nodes, int) else nodes,
        tenants=tenants if tenants is not None else [make_tenant(name) for name in names if name is not None],
        quotas=quotas,
        workloads=workloads,
    )


def plan(snapshot: Snapshot) -> Plan:
    """What the round decides; a second round must find nothing to do."""
    decided = plan_round(snapshot, ENGINE)
    again = plan_round(assume_plan(snapshot, decided), ENGINE)
    assert (again.place, again.shrink, again.evict, again.scale) == ((), (), (), ())
    return decided


def guarantee(tenant: str, accelerators: int) -> QuotaLine:
    return make_quota(tenant, guaranteed=accelerators)
