"""Rounds on a fake API with the true planner and the reference engine: what is written, in which order."""

import pytest
from tests.kube.objects import (
    NAMESPACE,
    Body,
    deployment_body,
    inference_body,
    job_body,
    make_metadata,
    node_body,
    own_body,
    pod_body,
    service_pod_body,
    tracked_body,
    training_body,
)
from tests.kube.readings import line
from tests.kube.stage import Stage

from commonpool.errors import BugError
from commonpool.kube.promises import Promises
from commonpool.kube.resources import (
    CUSTOM_RESOURCES,
    DEPLOYMENTS,
    EVENTS,
    GPU_WORKLOADS,
    JOBS,
    NAMESPACES,
    NODES,
    PODS,
    RESOURCE_QUOTAS,
    ROUNDS,
    TENANTS,
)
from commonpool.model.ids import Seat
from commonpool.model.plan import Plan
from commonpool.model.reasons import Reason


async def test_a_plan_becomes_a_round_then_children_then_words() -> None:
    stage = Stage()
    await stage.settled()
    stage.put(GPU_WORKLOADS, training_body())
    await stage.round()
    wrote = stage.api.wrote()
    assert wrote[:3] == ["create Round r-0000000001-1", "create Service pretrain", "create Job pretrain"]
    assert sorted(wrote[3:]) == ["patch-status GPUPool h100", "patch-status Tenant vision"]
    [round_] = stage.api.all(ROUNDS)
    [gang] = round_["spec"]["gangs"]
    assert (gang["workload"], gang["kind"], gang["ranks"], round_["spec"]["epoch"]) == ("vision-dev/pretrain", "Job", "0-1", 1)
    assert "patch-status GPUWorkload pretrain" in await stage.settled()
    assert stage.state() == "Placed"
    assert stage.api.all(EVENTS) == []


async def test_what_is_so_is_not_written_again() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body(), training_body("giant", replicas=9))
    stage.put(JOBS, job_body("plain", suspended=True, held=True))
    assert await stage.settled()
    stage.put(PODS, *(pod_body(f"{job}-{rank}", job=job, rank=rank) for job in ("pretrain", "plain") for rank in range(2)))
    await stage.settled()
    for _ in range(3):
        stage.now_at += 100
        await stage.round()
    assert stage.api.wrote() == []


async def test_a_round_goes_when_its_pods_are_bound() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    await stage.settled()
    stage.put(PODS, pod_body("pretrain-0", job="pretrain", rank=0, node="gpu-0", gpus=8))
    await stage.settled()
    assert len(stage.api.all(ROUNDS)) == 1
    stage.put(PODS, pod_body("pretrain-1", job="pretrain", rank=1, node="gpu-1", gpus=8))
    assert "delete Round r-0000000001-1" in await stage.settled()
    assert stage.api.all(ROUNDS) == []
    assert [holding.bound for holding in (await stage.workload()).holdings] == [True, True]


async def test_a_held_job_is_tracked_placed_and_let_go_once() -> None:
    stage = Stage()
    stage.put(JOBS, job_body("plain", suspended=True, held=True))
    wrote = await stage.settled()
    order = [wrote.index(each) for each in ("create GPUWorkload plain", "create Round r-0000000001-1", "patch Job plain")]
    assert order == sorted(order)
    job = stage.api.find(JOBS, "plain", NAMESPACE)
    assert job is not None
    assert (job["spec"]["suspend"], job["metadata"]["annotations"]) == (False, {})


async def test_a_job_that_its_owner_suspends_afterwards_is_left_alone() -> None:
    stage = Stage()
    stage.put(JOBS, job_body("plain", suspended=True, held=True))
    await stage.settled()
    stage.put(JOBS, job_body("plain", suspended=True))
    wrote = await stage.settled()
    assert "patch Job plain" not in wrote
    assert "delete Round r-0000000001-1" in wrote
    assert stage.state("plain") == "SuspendedByOwner"


async def test_a_job_replaced_under_the_same_name_is_not_let_go_by_an_old_promise() -> None:
    stage = Stage()
    stage.put(JOBS, job_body("plain", suspended=True, held=True))
    stage.put(GPU_WORKLOADS, tracked_body("plain"))
    another = job_body("plain", suspended=True, held=True)
    another["metadata"]["uid"] = "uid-another"
    stage.api.objects[JOBS.plural, NAMESPACE, "plain"] = another
    await stage.round()
    assert [failure.subject for failure in stage.cluster.failures] == ["Job vision-dev/plain"]
    assert another["spec"]["suspend"] is True


async def test_a_service_has_the_pods_that_it_wants_and_new_ones_get_their_places_by_name() -> None:
    stage = Stage()

    def find_replicas() -> int:
        return int(stage.api.objects[DEPLOYMENTS.plural, NAMESPACE, "chat"]["spec"]["replicas"])

    stage.put(GPU_WORKLOADS, inference_body(replicas=2, gpus=1))
    await stage.settled()
    assert find_replicas() == 2
    stage.put(PODS, service_pod_body("chat-a", "chat", node="gpu-0"), service_pod_body("chat-b", "chat", node="gpu-0"))
    await stage.settled()
    stage.put(GPU_WORKLOADS, inference_body(replicas=3, gpus=1, generation=2))
    await stage.settled()
    assert (find_replicas(), stage.api.all(ROUNDS)) == (3, [])
    stage.put(PODS, service_pod_body("chat-c", "chat"))
    await stage.settled()
    [round_] = stage.api.all(ROUNDS)
    assert round_["spec"]["gangs"][0]["pods"] == "chat-c"
    stage.put(GPU_WORKLOADS, inference_body(replicas=1, gpus=1, generation=3))
    await stage.settled()
    assert find_replicas() == 1


async def test_void_entries_are_patched_out_and_the_rest_stays() -> None:
    stage = Stage()
    stage.put(DEPLOYMENTS, deployment_body("web"))
    stage.put(GPU_WORKLOADS, tracked_body("web", "Deployment"))
    stage.put(PODS, service_pod_body("web-a", "web"), service_pod_body("web-b", "web"), service_pod_body("web-c", "web", node="gpu-0"))
    await stage.settled()
    gone = stage.mirror.pods.find_uid(NAMESPACE, "web-b")
    stage.mirror.pods.drop((NAMESPACE, "web-b"), gone)
    assert "patch Round r-0000000001-1" in await stage.settled()
    [round_] = stage.api.all(ROUNDS)
    assert round_["spec"]["gangs"][0]["pods"] == "web-a"


async def test_a_large_plan_is_written_in_parts_that_know_each_other() -> None:
    stage = Stage()
    promises = Promises(stage.api, stage.mirror)
    lines = [line("Job", f"job-{index:04}", (Seat(0), "gpu-0")) for index in range(2001)]
    assert await promises.write(1, 7, lines) == []
    specs = [round_["spec"] for round_ in stage.api.all(ROUNDS)]
    assert [(spec["part"], spec["parts"]) for spec in specs] == [(part, len(specs)) for part in range(1, len(specs) + 1)]
    assert sum(len(spec["gangs"]) for spec in specs) == 2001
    assert len(specs) > 1


async def test_a_plan_for_another_snapshot_is_refused() -> None:
    stage = Stage()
    old = stage.cluster.read()
    stage.now_at += 1
    stage.cluster.read()
    with pytest.raises(BugError):
        await stage.cluster.apply(old, Plan(1, 1))


async def test_a_tenants_quota_counts_workloads_only_when_the_quota_controller_knows_them() -> None:
    stage = Stage()
    stage.put(CUSTOM_RESOURCES, {"metadata": make_metadata("gpuworkloads.commonpool.dev")})
    stage.put(TENANTS, own_body("Tenant", "vision", {"namespaces": [NAMESPACE]}, generation=2))

    def find_counts() -> set[str]:
        return set(stage.api.objects[RESOURCE_QUOTAS.plural, NAMESPACE, "commonpool-objects"]["spec"]["hard"])

    await stage.settled()
    assert "count/jobs.batch" in find_counts()
    assert "count/gpuworkloads.commonpool.dev" not in find_counts()
    stage.now_at += 60
    assert await stage.settled() == []
    stage.now_at += 60
    assert await stage.settled() == ["apply ResourceQuota commonpool-objects"]
    assert "count/gpuworkloads.commonpool.dev" in find_counts()


async def test_a_workload_that_cannot_be_read_is_told_once_and_again_when_it_changes() -> None:
    stage = Stage()
    body = training_body()
    deep: Body = {}
    for _ in range(100):
        deep = {"a": deep}
    body["spec"]["training"]["template"]["spec"]["affinity"] = deep
    stage.put(GPU_WORKLOADS, body)
    await stage.settled()
    assert stage.state() == "InvalidSpec"
    assert "nested more than" in stage.status()["wait"]["message"]
    await stage.round()
    assert stage.api.wrote() == []
    stage.put(GPU_WORKLOADS, {**training_body(), "metadata": {**body["metadata"], "generation": 2}})
    await stage.settled()
    assert stage.state() == "Placed"


async def test_what_a_tenant_holds_outside_every_pool_is_told_as_uncounted_until_it_is_counted() -> None:
    stage = Stage()
    stage.put(NODES, node_body("lone", gpus=8, labels={"gpu": "other"}))
    stage.put(PODS, pod_body("before", node="lone", gpus=4))
    await stage.settled()

    def counted() -> Body:
        tenant = stage.api.objects["tenants", "", "vision"]
        [condition] = [each for each in tenant["status"]["conditions"] if each["type"] == "Counted"]
        return dict(condition)

    assert (counted()["status"], counted()["reason"]) == ("False", Reason.NOT_COUNTED)
    assert counted()["message"].startswith(
        "`4` accelerators are held on nodes of no pool and count against no quota, by `vision-dev/before`"
    )
    stage.put(TENANTS, {**own_body("Tenant", "vision", {}), "status": stage.api.objects["tenants", "", "vision"]["status"]})
    stage.put(NODES, node_body("lone", gpus=8))
    await stage.settled()
    assert (counted()["status"], counted()["reason"]) == ("True", Reason.COUNTED)


async def test_a_namespace_that_nobody_lists_any_more_is_looked_at_again_until_it_has_lost_its_label() -> None:
    """No watch tells when what it was given has gone."""
    stage = Stage()
    stage.put(TENANTS, own_body("Tenant", "vision", {"namespaces": ["vision-dev"]}))
    await stage.settled()
    stage.put(TENANTS, own_body("Tenant", "vision", {"namespaces": []}, generation=2))
    stage.mirror.stirred.clear()
    await stage.round()
    assert stage.mirror.stirred.is_set()
    await stage.settled()
    stage.mirror.stirred.clear()
    await stage.round()
    assert not stage.mirror.stirred.is_set()
    namespace = stage.api.find(NAMESPACES, "vision-dev")
    assert namespace is not None
    assert "commonpool.dev/tenant" not in namespace["metadata"].get("labels", {})
