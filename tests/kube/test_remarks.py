from typing import Any

from tests.api.manifests import a_pool, a_tenant, edited
from tests.builders import START_AT
from tests.kube.objects import FilledMirror, deployment_body, inference_body, job_body, pool_body, tracked_body, training_body
from tests.kube.readings import world
from tests.kube.stage import Stage

from commonpool.api import GPUPool, Tenant
from commonpool.api.conditions import find_condition
from commonpool.api.wishes import MIN_RUNTIME_SECONDS, TIER
from commonpool.kube.read.bounds import Bounds
from commonpool.kube.read.fleet import find_rival
from commonpool.kube.resources import GPU_POOLS
from commonpool.kube.status import Breath, Progress, WorkloadView, build_pool_status, build_tenant_status, build_workload_status
from commonpool.kube.status.remarks import list_tenant_remarks, list_workload_remarks
from commonpool.model.demand import NO_DEMAND
from commonpool.model.ids import PoolName, TenantName
from commonpool.model.usage import NO_USE, PoolUse, Usage

SCALE = {"scale": {"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "name": "h100"}}


def hear(body: dict[str, Any]) -> tuple[str, ...]:
    mirror = FilledMirror()
    mirror.own(body)
    read = world(mirror)
    return list_workload_remarks(read.runs[0], read.fleet.pools)


def test_who_asks_for_nothing_that_is_missing_hears_nothing() -> None:
    assert hear(training_body()) == ()
    assert hear(inference_body(gpus=1)) == ()


def test_an_annotation_that_nobody_understands_is_told() -> None:
    mirror = FilledMirror()
    mirror.own(tracked_body("finetune"))
    job = job_body("finetune")
    job["metadata"]["annotations"] = {TIER: "Gold"}
    mirror.jobs_are(job)
    [run] = world(mirror).runs
    assert list_workload_remarks(run, {}) == (
        f"annotation {TIER} `Gold` is not understood and has no effect: use one of Guaranteed, Standard, Spot",
    )


def test_a_minimum_run_time_and_a_grace_beyond_what_administrators_allow_count_as_that_much_and_are_told() -> None:
    mirror = FilledMirror()
    body = training_body()
    body["spec"]["training"] |= {"minRuntimeSeconds": 2_592_000, "checkpoint": {"intervalSeconds": 600, "graceSeconds": 86_400}}
    mirror.own(body)
    read = world(mirror)
    assert [(each.min_runtime_seconds, each.grace_seconds) for each in read.snapshot.workloads] == [(3600, 600)]
    assert hear(body) == (
        "`minRuntimeSeconds` `2592000` counts as `3600`: administrators allow no more",
        "`checkpoint.graceSeconds` `86400` counts as `600`: administrators allow no more",
    )
    [workload] = (wide := world(mirror, bounds=Bounds(2_592_000, 86_400))).snapshot.workloads
    assert (workload.min_runtime_seconds, workload.grace_seconds) == (2_592_000, 86_400)
    assert list_workload_remarks(wide.runs[0], {}, wide.bounds) == ()


def test_a_pods_own_grace_beyond_what_administrators_allow_counts_as_that_much_and_is_told() -> None:
    words = ("`terminationGracePeriodSeconds` `86400` counts as `600`: administrators allow no more",)
    body = training_body()
    body["spec"]["training"]["template"]["spec"]["terminationGracePeriodSeconds"] = 86_400
    assert hear(body) == words
    mirror = FilledMirror()
    mirror.own(tracked_body("web", "Deployment"))
    deployment = deployment_body("web")
    deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 86_400
    mirror.deployments_are(deployment)
    [run] = world(mirror).runs
    assert list_workload_remarks(run, {}) == words


def test_a_minimum_run_time_that_is_annotated_counts_no_longer_than_administrators_allow() -> None:
    mirror = FilledMirror()
    mirror.own(tracked_body("finetune"))
    job = job_body("finetune")
    job["metadata"]["annotations"] = {MIN_RUNTIME_SECONDS: "2592000"}
    mirror.jobs_are(job)
    read = world(mirror)
    assert read.snapshot.workloads[0].min_runtime_seconds == 3600
    assert list_workload_remarks(read.runs[0], {}) == (
        f"annotation {MIN_RUNTIME_SECONDS} `2592000` counts as `3600`: administrators allow no more",
    )


def test_a_preferred_level_that_no_pool_has_is_told_and_one_that_some_pool_has_is_not() -> None:
    assert hear(training_body(placement={"preferred": "topology.commonpool.dev/block"})) == ()
    [remark] = hear(training_body(placement={"preferred": "example.com/row"}))
    assert remark.startswith("`placement.preferred` has no effect: none of its pools has a topology level `example.com/row`; they have: `")
    wish = {"perReplica": 8, "anyOf": [{"pool": "nowhere"}]}
    assert hear(training_body(placement={"preferred": "example.com/row"}, accelerators=wish)) == ()


def test_remarks_stand_in_the_condition_that_says_that_it_may_run() -> None:
    mirror = FilledMirror()
    mirror.own(tracked_body("finetune"))
    job = job_body("finetune")
    job["metadata"]["annotations"] = {TIER: "Gold"}
    mirror.jobs_are(job)
    [run] = (read := world(mirror)).runs
    assert run.own is not None
    assert run.own.parsed is not None
    view = WorkloadView(run.own.parsed, read.snapshot.workloads[0], None, Progress(want=2), remarks=list_workload_remarks(run, {}))
    admitted = find_condition(build_workload_status(view, {}, START_AT).conditions or [], "Admitted")
    assert admitted is not None
    assert admitted.status == "True"
    assert admitted.message.startswith(f"it may run for tenant `vision`; annotation {TIER} `Gold` is not understood")


def test_a_pool_that_cannot_breathe_and_a_tenant_with_a_budget_hear_it_too() -> None:
    use = PoolUse(nodes=1, total=8000, use=NO_USE, foreign=0, free=8000, unhealthy=0, free_in_whole_nodes=8000, largest_node=8000)
    pool = GPUPool.model_validate(edited(a_pool(), scaling={"maxNodes": 4, "provider": SCALE}))
    [_, scaling] = build_pool_status(pool, use, START_AT).conditions or []
    assert scaling.message == "there is no node to see what a new one would be: say in `scaling.node` what it gives to pods"
    tenant = Tenant.model_validate(edited(a_tenant(), budget={"amount": "10", "currency": "EUR"}))
    usage = Usage(pools={PoolName("h100"): use}, tenants={}, subtrees={}, lines={})
    [ready] = build_tenant_status(tenant, usage, {TenantName("vision"): NO_DEMAND}, [], START_AT).conditions or []
    assert ready.message == "2 namespaces, 0 members; `budget` has no effect yet: nothing waits when it is spent"


def test_a_tenant_hears_which_of_its_priority_classes_do_not_exist() -> None:
    tenant = Tenant.model_validate(edited(a_tenant(), priorityClasses=["low", "gold", "high"]))
    assert list_tenant_remarks(tenant, {"low"}) == (
        "there is no PriorityClass `gold`, `high`: make it, or take it out of `priorityClasses`",
    )
    assert list_tenant_remarks(tenant, {"low", "gold", "high"}) == ()


def test_a_pool_without_nodes_hears_which_pool_has_those_that_match() -> None:
    stage = Stage()
    stage.put(GPU_POOLS, pool_body("zoo"))
    read = world(stage.mirror)
    assert (find_rival(read.fleet, PoolName("zoo")), find_rival(read.fleet, PoolName("h100"))) == ("h100", None)
    pool = GPUPool.model_validate(a_pool())
    [ready] = build_pool_status(pool, None, START_AT, Breath(rival=PoolName("other"))).conditions or []
    assert ready.message == "pool `other` has the nodes that match `nodes`: a node is in one pool only, so let the selectors differ"


def test_a_pool_tells_by_which_resource_pods_ask_for_it_also_if_the_catalogue_knew() -> None:
    status = build_pool_status(GPUPool.model_validate(a_pool()), None, START_AT)
    assert status.resource_name == "nvidia.com/gpu"
