"""What `commonpool top` tells, in kubectl's words."""

from dataclasses import replace
from datetime import UTC, datetime

from tests.builders import START_AT, Held, make_node, make_pool, make_tenant, make_workload
from tests.cli.scenes import make_small, make_view

from commonpool.api import GPUPool, GPUQuota, GPUWorkload
from commonpool.api.timestamp import render_timestamp
from commonpool.api.workloadstatus import GPUWorkloadStatus
from commonpool.cli.report import Told, View, build_report, render_report
from commonpool.cli.story import tell
from commonpool.model.snapshot import build_snapshot


def test_a_pool_is_told_as_its_status_tells_it() -> None:
    pools = {row["pool"]: row for row in build_report(make_view())["pools"]}
    assert pools["h100"] == {
        "pool": "h100",
        "nodes": 4,
        "total": 16,
        "promised": 10,
        "free": 3,
        "largestFreeGang": 0,
        "unhealthy": 2,
        "starting": 4,
        "foreign": 1,
    }
    assert pools["l40s"]["total"] == 0


def test_a_tenant_is_told_by_its_quota_and_one_without_by_what_it_holds() -> None:
    assert build_report(make_view())["tenants"] == [
        {"tenant": "nlp", "pools": ["h100"], "used": 2},
        {"tenant": "vision", "pools": ["h100"], "guaranteed": 4, "limit": 8, "used": 8, "borrowed": 4, "lent": 0},
    ]


def test_a_workload_is_told_with_what_its_tenant_reads() -> None:
    rows = {row["workload"].rpartition("/")[2]: row for row in build_report(make_view())["workloads"]}
    assert (rows["pretrain"]["kind"], rows["pretrain"]["state"], rows["pretrain"]["waitsFor"]) == ("Training", "Starting", None)
    assert rows["pretrain"]["replicas"] == {"have": 1, "promised": 1, "want": 2}
    assert (rows["waits"]["waitsFor"], rows["waits"]["accelerators"], rows["waits"]["pool"]) == ("QuotaReached", 0, None)
    assert rows["chat"]["kind"] == "Job", "nobody has written a status yet"


def test_what_runs_has_used_and_cost_by_now_what_explain_says() -> None:
    since = render_timestamp(datetime.fromtimestamp(START_AT - 1800, UTC))
    status = GPUWorkloadStatus.model_validate(
        {
            "pool": "h100",
            "accelerators": 2,
            "acceleratorSeconds": 3600,
            "cost": {"amount": "2.00", "currency": "EUR"},
            "accountedAt": since,
            "spans": [{"since": since, "accelerators": 2, "pods": "5eed0000"}],
        }
    )
    pool = replace(make_pool(price_micro_per_hour=2_000_000), currency="EUR")
    manifest = {
        "metadata": {"name": "pretrain", "namespace": "vision-dev"},
        "spec": {"accelerators": {"perReplica": 2}},
        "status": status.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    explained = tell(manifest, pool, START_AT)
    snapshot = make_small()
    snapshot = replace(snapshot, pools=tuple(pool if each.name == "h100" else each for each in snapshot.pools))
    name = next(workload.name for workload in snapshot.workloads if workload.name.endswith("/pretrain"))
    report = build_report(View(snapshot, {name: Told(status=status)}))
    rows = {row["workload"].rpartition("/")[2]: row for row in report["workloads"]}
    known = ("acceleratorSeconds", "cost", "accountedAt")
    assert [rows["pretrain"][key] for key in known] == [explained[key] for key in known]
    assert rows["pretrain"]["acceleratorSeconds"] == 3600 + 2 * 1800
    text = render_report(report, wide=True)
    assert "2.00" in text, "accelerator-hours"
    assert "4.00 EUR" in text
    assert not [key for key in known if key in rows["chat"]], "nothing was written of it"


def test_elastic_work_does_not_want_what_it_could_grow_by() -> None:
    elastic = make_workload("elastic", replicas=1, most=4, held=(Held("n0"),))
    snapshot = build_snapshot(
        now_at=START_AT, epoch=0, number=1, pools=[make_pool()], nodes=[make_node("n0")], tenants=[make_tenant()], workloads=[elastic]
    )
    [row] = build_report(View(snapshot, {}))["workloads"]
    assert row["replicas"] == {"have": 1, "promised": 0, "want": 1}


def test_the_columns_have_kubectls_names() -> None:
    tables = render_report(build_report(make_view()), wide=True).split("\n\n")
    ours = {"TENANT", "POOLS", "BORROWED", "LENT", "NODES", "NAME", "WORKLOAD", "STARTING", "FOREIGN", "HOURS"}
    for table, kind in zip(tables, (GPUPool, GPUQuota, GPUWorkload), strict=True):
        theirs = {column.name.upper() for column in kind.resource.columns}
        assert set(table.splitlines()[0].split()) <= theirs | ours


def test_what_the_operator_has_written_is_read_from_the_status() -> None:
    manifest = {
        "metadata": {"name": "a", "namespace": "dev"},
        "spec": {
            "accelerators": {"perReplica": 1},
            "hpc": {"nodes": 1, "walltimeSeconds": 60, "template": {"spec": {"containers": [{"name": "main", "image": "i"}]}}},
        },
        "status": {
            "kind": "HPC",
            "conditions": [
                {
                    "type": "Succeeded",
                    "status": "Unknown",
                    "reason": "QuotaReached",
                    "message": "",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                }
            ],
            "wait": {"reason": "QuotaReached", "message": "too much"},
        },
    }
    workload = GPUWorkload.model_validate(manifest)
    assert Told.read(workload) == Told("HPC", "QuotaReached", "QuotaReached", workload.status)
    del manifest["status"]
    assert Told.read(GPUWorkload.model_validate(manifest)) == Told()


def test_where_there_is_no_pool_the_way_to_one_is_told() -> None:
    empty = View(build_snapshot(now_at=START_AT, epoch=0, number=1), {})
    assert "kubectl explain gpupool.spec" in render_report(build_report(empty))
