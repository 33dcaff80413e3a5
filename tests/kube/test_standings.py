"""What the operator says of pools, tenants and quotas."""

from typing import Any

import pytest
from tests.builders import START_AT, Held, make_node, make_nodes, make_pool, make_quota, make_tenant, make_workload

from commonpool.api import GPUPool, GPUQuota, Tenant
from commonpool.api.resource import Model
from commonpool.kube.status import build_pool_status, build_quota_status, build_tenant_status, find_parent_problem, find_status_patch
from commonpool.model.demand import sum_demand
from commonpool.model.ids import PoolName, TenantName
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Blocked, Node, QuotaLine, Snapshot, Workload, build_snapshot
from commonpool.model.usage import sum_usage

TENANTS = [TenantName("vision"), TenantName("nlp")]


def make_snapshot(*workloads: Workload, nodes: list[Node] | None = None, quotas: tuple[QuotaLine, ...] = ()) -> Snapshot:
    return build_snapshot(
        now_at=START_AT,
        epoch=1,
        number=1,
        pools=[make_pool(), make_pool("a100")],
        nodes=make_nodes(4) if nodes is None else nodes,
        tenants=[make_tenant("vision"), make_tenant("nlp")],
        quotas=quotas,
        workloads=workloads,
    )


def make_gpupool(**spec: Any) -> GPUPool:  # noqa: ANN401 values of manifests
    whole = {"vendor": "nvidia", "model": "H100-SXM-80GB", "nodes": {"matchLabels": {"gpu": "h100"}}, **spec}
    return GPUPool.model_validate({"kind": "GPUPool", "metadata": {"name": "h100", "generation": 3}, "spec": whole})


def make_tenant_object(name: str = "vision", **spec: Any) -> Tenant:  # noqa: ANN401 values of manifests
    return Tenant.model_validate({"kind": "Tenant", "metadata": {"name": name, "generation": 1}, "spec": spec})


def make_gpuquota(*lines: dict[str, Any], tenant: str = "vision") -> GPUQuota:
    return GPUQuota.model_validate({"kind": "GPUQuota", "metadata": {"name": tenant}, "spec": {"tenant": tenant, "pools": list(lines)}})


def get_ready(status: Any) -> tuple[str, str, str]:  # noqa: ANN401 three kinds of status
    [condition] = status.conditions
    return condition.status, condition.reason, condition.message


def test_a_pool_tells_what_it_has() -> None:
    nodes = [*make_nodes(3), make_node("down", schedulable=False)]
    snapshot = make_snapshot(make_workload(gpus=4, held=(Held("h100-0000"), Held("h100-0001", bound=False)), replicas=2), nodes=nodes)
    status = build_pool_status(make_gpupool(), sum_usage(snapshot).pools[PoolName("h100")], START_AT)
    assert status.build_manifest() == {
        "observedGeneration": 3,
        "nodes": 4,
        "accelerators": {"total": 32, "promised": 8, "free": 16, "unhealthy": 8},
        "resourceName": "nvidia.com/gpu",
        "largestFreeGang": 8,
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "Ready",
                "message": "4 nodes offer 32 `nvidia.com/gpu`",
                "lastTransitionTime": "2027-01-15T08:00:00Z",
                "observedGeneration": 3,
            }
        ],
    }


@pytest.mark.parametrize(
    ("pool", "nodes", "reason", "way_out"),
    [
        (make_gpupool(), [], Reason.NO_NODES, "--show-labels"),
        (make_gpupool(), [make_node("n", gpus=0)], Reason.NO_ACCELERATORS, "device plugin"),
        (make_gpupool(groupSize=16), make_nodes(2), Reason.NO_ACCELERATORS, "the largest offers 8 `nvidia.com/gpu`: lower `groupSize`"),
        (make_gpupool(model="Other", deviceClassName="gpu.example.com"), make_nodes(2), Reason.NOT_SUPPORTED, "`resourceName`"),
    ],
)
def test_a_pool_that_cannot_be_used_says_why_and_what_to_do(pool: GPUPool, nodes: list[Node], reason: Reason, way_out: str) -> None:
    use = sum_usage(make_snapshot(nodes=nodes)).pools[PoolName("h100")]
    status, word, message = get_ready(build_pool_status(pool, use, START_AT))
    assert (status, word) == ("False", reason)
    assert way_out in message


def test_a_pool_that_no_snapshot_knows_is_empty() -> None:
    assert build_pool_status(make_gpupool(), None, START_AT).nodes == 0


def test_a_tenant_tells_what_it_holds_and_waits_for() -> None:
    snapshot = make_snapshot(make_workload("runs", held=(Held("h100-0000"),)), make_workload("waits", pools=("a100",), replicas=2))
    tenant = make_tenant_object(namespaces=["vision-dev"])
    status = build_tenant_status(tenant, sum_usage(snapshot), sum_demand(snapshot), (), START_AT)
    assert [line.build_manifest() for line in status.usage or []] == [
        {"pool": "a100", "accelerators": 0, "waiting": 16},
        {"pool": "h100", "accelerators": 8, "waiting": 0},
    ]
    assert (status.summary, status.share, status.workloads, status.waiting) == ("h100=8", "25%", 1, 1)
    assert get_ready(status) == ("True", "Ready", "1 namespace, 0 members")


def test_a_tenant_with_problems_tells_all_of_them() -> None:
    snapshot = make_snapshot()
    problems = [Blocked(Reason.NAMESPACE_TAKEN, "first"), Blocked(Reason.PARENT_NOT_FOUND, "second")]
    status = build_tenant_status(make_tenant_object(), sum_usage(snapshot), sum_demand(snapshot), problems, START_AT)
    assert get_ready(status) == ("False", "NamespaceTaken", "first; second")


def test_a_parent_must_exist_and_not_be_its_own_descendant() -> None:
    alone, orphan = make_tenant_object("alone"), make_tenant_object("orphan", parent="gone")
    one, two = make_tenant_object("one", parent="two"), make_tenant_object("two", parent="one")
    known = {tenant.metadata.name: tenant for tenant in (alone, orphan, one, two)}
    told = [find_parent_problem(tenant, known) for tenant in known.values()]
    assert [problem and problem.reason for problem in told] == [None, Reason.PARENT_NOT_FOUND, Reason.PARENT_CIRCLE, Reason.PARENT_CIRCLE]


def test_a_quota_tells_how_each_line_stands() -> None:
    quotas = (make_quota("vision", guaranteed=8, limit=32), make_quota("nlp", guaranteed=24))
    snapshot = make_snapshot(make_workload(held=(Held("h100-0000"), Held("h100-0001")), replicas=2), quotas=quotas)
    usage = sum_usage(snapshot)
    status = build_quota_status(make_gpuquota({"pool": "h100", "guaranteed": 8, "limit": 32}), usage, TENANTS, START_AT)
    assert [line.build_manifest() for line in status.usage or []] == [
        {"name": "h100", "guaranteed": 8, "limit": 32, "used": 16, "lent": 0, "borrowed": 8}
    ]
    assert status.summary is not None
    assert status.summary.build_manifest() == {"guaranteed": "h100=8", "limit": "h100=32", "used": "h100=16"}
    assert get_ready(status)[:2] == ("True", "Ready")
    lender = build_quota_status(make_gpuquota({"pool": "h100", "guaranteed": 24}, tenant="nlp"), usage, TENANTS, START_AT)
    assert [line.lent for line in lender.usage or []] == [8]
    assert lender.summary is not None
    assert lender.summary.limit == "h100=none"


@pytest.mark.parametrize(
    ("quota", "read", "reason"),
    [
        (make_gpuquota({"pool": "h100"}, tenant="gone"), (), Reason.TENANT_NOT_FOUND),
        (make_gpuquota({"pools": ["h100", "b200"], "guaranteed": 8}), (), Reason.POOL_NOT_FOUND),
        (make_gpuquota({"pool": "h100", "guaranteed": 33}), (make_quota("vision", guaranteed=33),), Reason.GUARANTEES_EXCEED_CAPACITY),
        (
            make_gpuquota({"pool": "h100", "guaranteed": 8}),
            (make_quota("vision", guaranteed=8), make_quota("nlp", guaranteed=30)),
            Reason.GUARANTEES_EXCEED_CAPACITY,
        ),
    ],
)
def test_a_quota_that_cannot_be_kept_says_so(quota: GPUQuota, read: tuple[QuotaLine, ...], reason: Reason) -> None:
    status = build_quota_status(quota, sum_usage(make_snapshot(quotas=read)), TENANTS, START_AT)
    assert get_ready(status)[:2] == ("False", reason)
    assert "nlp" not in get_ready(status)[2]


def test_a_childs_guarantees_must_fit_into_its_parents() -> None:
    snapshot = build_snapshot(
        now_at=START_AT,
        epoch=1,
        number=1,
        pools=[make_pool()],
        nodes=make_nodes(4),
        tenants=[make_tenant("research"), make_tenant("vision", parent="research")],
        quotas=[make_quota("research", guaranteed=16), make_quota("vision", guaranteed=24)],
    )
    names = [tenant.name for tenant in snapshot.tenants]
    usage = sum_usage(snapshot)
    child = build_quota_status(make_gpuquota({"pool": "h100", "guaranteed": 24}), usage, names, START_AT)
    parent = build_quota_status(make_gpuquota({"pool": "h100", "guaranteed": 16}, tenant="research"), usage, names, START_AT)
    assert get_ready(child)[1] == Reason.GUARANTEES_EXCEED_PARENT
    assert get_ready(parent)[1] == Reason.READY


def test_two_lines_of_the_same_pools_have_names_of_their_own() -> None:
    quota = make_gpuquota({"pool": "h100", "guaranteed": 8}, {"pools": ["h100"], "unit": "reference", "guaranteed": 16})
    status = build_quota_status(quota, sum_usage(make_snapshot()), TENANTS, START_AT)
    assert [line.name for line in status.usage or []] == ["h100", "h100 (reference)"]


def test_time_alone_writes_nothing() -> None:
    snapshot = make_snapshot(make_workload(held=(Held("h100-0000"),)), quotas=(make_quota("vision", guaranteed=8),))
    usage, demands = sum_usage(snapshot), sum_demand(snapshot)
    pool, tenant, quota = make_gpupool(), make_tenant_object(), make_gpuquota({"pool": "h100", "guaranteed": 8})

    def build(now_at: int) -> list[Model]:
        return [
            build_pool_status(pool, usage.pools[PoolName("h100")], now_at),
            build_tenant_status(tenant, usage, demands, (), now_at),
            build_quota_status(quota, usage, TENANTS, now_at),
        ]

    before = build(START_AT)
    pool.status, tenant.status, quota.status = before  # type: ignore[assignment]
    assert [find_status_patch(old, new) for old, new in zip(before, build(START_AT + 99), strict=True)] == [None, None, None]
