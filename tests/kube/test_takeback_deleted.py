"""What is taken back of work that its owner has deleted and that a finalizer of his keeps, on a fake API."""

import pytest
from tests.kube.objects import (
    BORN,
    NAMESPACE,
    Body,
    deployment_body,
    job_body,
    make_metadata,
    own_body,
    pod_body,
    service_pod_body,
    tracked_body,
    training_body,
    workload_body,
)
from tests.kube.readings import NOW_AT
from tests.kube.scene import GRACE_SECONDS, Scene, elastic_body, evict, shrink

from commonpool.kube.resources import DEPLOYMENTS, GPU_WORKLOADS, JOBS, NAMESPACES, PODS, TENANTS
from commonpool.model.names import TENANT_LABEL


def deleted(body: Body) -> Body:
    """The same, deleted by its owner, and kept by a finalizer of his own."""
    return {**body, "metadata": {**body["metadata"], "deletionTimestamp": BORN, "finalizers": ["vision.example.com/archive"]}}


async def test_elastic_work_that_is_being_deleted_is_told_and_shrunk_like_any_other(scene: Scene) -> None:
    scene.put(GPU_WORKLOADS, deleted(scene.api.find(GPU_WORKLOADS, "pretrain", NAMESPACE) or {}))
    due_at = NOW_AT + GRACE_SECONDS
    assert await scene.decide(shrink(2, due_at)) == ["patch-status GPUWorkload pretrain", "patch Pod pretrain-0"]
    assert scene.status()["resize"]["replicas"] == 2
    scene.now_at = due_at
    assert await scene.decide() == ["patch Job pretrain"]
    assert scene.job()["spec"]["parallelism"] == 2


async def test_of_a_service_that_is_being_deleted_the_pods_go_when_it_is_evicted() -> None:
    scene = Scene()
    scene.put(GPU_WORKLOADS, deleted(workload_body("web", "inference", {"replicas": {"min": 2, "max": 2}}, gpus=1)))
    scene.put(DEPLOYMENTS, deployment_body("web", owner_uid="uid-GPUWorkload-web"))
    scene.put(PODS, *(service_pod_body(f"web-{name}", "web", node="gpu-0") for name in "ab"))
    assert await scene.decide() == []
    wrote = await scene.decide(evict("web", "Deployment"))
    assert wrote == ["patch-status GPUWorkload web", "delete Pod web-a", "delete Pod web-b"]


@pytest.mark.parametrize("suspended", [False, True], ids=["running", "suspended too late"])
async def test_a_job_that_is_being_deleted_cannot_stop_its_pods_so_they_are_deleted(suspended: bool) -> None:  # noqa: FBT001 a parameter
    scene = Scene()
    scene.put(GPU_WORKLOADS, tracked_body("train"))
    scene.put(JOBS, deleted(job_body("train", suspended=suspended, held=suspended)))
    scene.put(PODS, *(pod_body(f"train-{rank}", job="train", rank=rank, node=f"gpu-{rank}") for rank in range(2)))
    wrote = await scene.decide(*(() if suspended else (evict("train"),)))
    assert wrote[-2:] == ["delete Pod train-0", "delete Pod train-1"]
    assert "patch Job train" not in wrote
    for rank in range(2):
        scene.put(PODS, deleted(pod_body(f"train-{rank}", job="train", rank=rank, node=f"gpu-{rank}")))
    assert [(each.leaving, each.needs) for each in scene.cluster.read().workloads] == [(True, ())]
    assert not [each for each in await scene.decide() if not each.startswith("patch-status")]


async def test_an_elastic_job_that_is_being_deleted_loses_its_highest_ranks(scene: Scene) -> None:
    await scene.decide(shrink(2, NOW_AT))
    scene.put(JOBS, deleted(scene.job()))
    assert await scene.decide() == ["delete Pod pretrain-2", "delete Pod pretrain-3"]


@pytest.mark.parametrize("gone", ["GPUWorkload", "Job"])
async def test_a_claim_gets_what_deleted_work_has_borrowed_and_the_plan_says_so_once(gone: str) -> None:
    scene = Scene()
    scene.put(TENANTS, own_body("Tenant", "nlp", {}))
    scene.mirror.own(own_body("GPUQuota", "nlp", {"tenant": "nlp", "pools": [{"pool": "h100", "guaranteed": 16}]}))
    scene.mirror.see(NAMESPACES, {"metadata": make_metadata("nlp-dev", labels={TENANT_LABEL: "nlp"})})
    scene.put(GPU_WORKLOADS, elastic_body())
    scene.play(4)
    scene.now_at = NOW_AT + 1
    await scene.round()
    scene.now_at = NOW_AT + 10
    resource = GPU_WORKLOADS if gone == "GPUWorkload" else JOBS
    scene.put(resource, deleted(scene.api.find(resource, "pretrain", NAMESPACE) or {}))
    claim = training_body("claim", replicas=2, gpus=8)
    scene.put(GPU_WORKLOADS, {**claim, "metadata": {**claim["metadata"], "namespace": "nlp-dev"}})
    first, second = await scene.round(), await scene.round()
    assert [(each.workload, each.keep) for each in first.plan.shrink] == [(f"{NAMESPACE}/pretrain", 2)]
    assert (second.plan.shrink, second.plan.evict) == ((), ())
    assert scene.cluster.next_due_at == scene.now_at + GRACE_SECONDS
    scene.now_at += GRACE_SECONDS
    scene.api.wrote()
    await scene.round()
    taken = ["patch Job pretrain"] if gone == "GPUWorkload" else ["delete Pod pretrain-2", "delete Pod pretrain-3"]
    assert [each for each in scene.api.wrote() if "pretrain" in each] == taken
