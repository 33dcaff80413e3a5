"""What Prometheus sees of a round."""

from dataclasses import replace

from prometheus_client import CollectorRegistry
from tests.builders import make_node, make_pool

from commonpool.cycle import Cycle
from commonpool.live.metrics import Metrics
from commonpool.model.amounts import Amounts
from commonpool.model.ids import ChildKey, NodeName, PoolName, Seat, TenantName, WorkloadName
from commonpool.model.plan import Evict, Hold, Plan, ScalePool, Shrink
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Holding, Scaling, Workload, build_snapshot


def read_value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"commonpool_{name}", labels)


def make_cycle(bound: int, promised: int, holds: tuple[Hold, ...] = ()) -> Cycle:
    eight = Amounts(8000, 1000, 1, 1)
    holdings = tuple(
        Holding(NodeName(f"n{rank}"), PoolName("h100"), Seat(rank=rank), bound=rank < bound, amounts=eight)
        for rank in range(bound + promised)
    )
    workload = Workload(WorkloadName("dev/a"), ChildKey("Job", "dev", "a"), TenantName("vision"), eight, created_at=1, holdings=holdings)
    nodes = [make_node(f"n{index}") for index in range(4)]
    snapshot = build_snapshot(now_at=1, epoch=1, number=1, pools=[make_pool()], nodes=nodes, workloads=[workload])
    return Cycle(snapshot, Plan(1, 1, hold=holds))


def test_a_pools_accelerators_are_told_by_state() -> None:
    metrics = Metrics()
    metrics.observe(make_cycle(bound=2, promised=1))
    seen = {state: read_value(metrics.registry, "pool_accelerators", pool="h100", state=state) for state in ("total", "bound", "promised")}
    assert seen == {"total": 32.0, "bound": 16.0, "promised": 8.0}
    assert read_value(metrics.registry, "tenant_accelerators", tenant="vision", pool="h100") == 24.0


def test_a_reason_that_nobody_waits_for_any_more_disappears() -> None:
    metrics = Metrics()
    metrics.observe(make_cycle(1, 0, (Hold(WorkloadName("dev/b"), Reason.QUOTA_REACHED, "over"),)))
    assert read_value(metrics.registry, "waiting_workloads", reason="QuotaReached") == 1.0
    metrics.observe(make_cycle(1, 0))
    assert read_value(metrics.registry, "waiting_workloads", reason="QuotaReached") is None


def test_what_is_taken_back_is_counted_by_its_reason_and_what_a_provider_owes_by_pool() -> None:
    metrics, cycle = Metrics(), make_cycle(1, 0)
    name, child, why = WorkloadName("dev/a"), ChildKey("Job", "dev", "a"), Reason.RECLAIMED_FOR_GUARANTEE
    pool = replace(make_pool(), scaling=Scaling(1, 9, 4, Amounts(8000, 1, 1, 1)))
    scale = ScalePool(PoolName("h100"), 6, Reason.WORK_NEEDS_NODES, "")
    plan = Plan(1, 1, shrink=(Shrink(name, child, 1, 9, why, ""),), evict=(Evict(name, child, why, ""),), scale=(scale,))
    metrics.observe(Cycle(replace(cycle.snapshot, pools=(pool,)), plan))
    for counted in ("shrunk_workloads_total", "evicted_workloads_total"):
        assert read_value(metrics.registry, counted, reason="ReclaimedForGuarantee") == 1.0
    assert read_value(metrics.registry, "pool_wanted_nodes", pool="h100") == 6.0
