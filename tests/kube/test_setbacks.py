"""Work that fails for reasons of its own: its place goes to others, it is told what to mend, and starts when that is done."""

from tests.kube.objects import NAMESPACE, Body, deployment_body, job_body, pod_body, service_pod_body, tracked_body, training_body
from tests.kube.readings import NOW_AT
from tests.kube.stage import Stage

from commonpool.kube.errors import Forbidden, Invalid
from commonpool.kube.read.stalls import START_SECONDS
from commonpool.kube.resources import DEPLOYMENTS, GPU_WORKLOADS, JOBS, PODS, ROUNDS
from commonpool.model.reasons import Reason

MISSING_CLAIM = 'persistentvolumeclaim "data" not found'


async def test_a_refused_child_gives_its_place_back_and_is_tried_again_later() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    refusal = Invalid("exceeded quota: count/jobs.batch")
    stage.api.faults["create Job pretrain"] = [refusal, refusal]
    await stage.settled()
    assert stage.api.all(ROUNDS) == []
    assert stage.state() == Reason.CHILD_REFUSED
    assert "exceeded quota" in stage.status()["wait"]["message"]
    stage.now_at += 59
    assert await stage.settled() == []
    stage.now_at += 1
    await stage.settled()
    assert stage.api.all(JOBS) == []
    stage.now_at += 119
    assert await stage.settled() == []
    stage.now_at += 1
    await stage.settled()
    assert len(stage.api.all(JOBS)) == 1


async def test_a_right_that_is_missing_for_a_moment_costs_no_place() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    stage.api.faults["create Job pretrain"] = [Forbidden("the roles are not known yet")]
    await stage.round()
    assert [type(failure.error).__name__ for failure in stage.cluster.failures] == ["Forbidden"]
    assert len(stage.api.all(ROUNDS)) == 1
    await stage.round()
    assert len(stage.api.all(JOBS)) == 1
    await stage.settled()
    assert stage.state() == Reason.PLACED


async def test_a_refused_child_is_tried_again_at_once_when_its_workload_changes() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    stage.api.faults["create Job pretrain"] = [Invalid("no")]
    await stage.settled()
    stage.put(GPU_WORKLOADS, training_body(generation=2))
    await stage.settled()
    assert len(stage.api.all(JOBS)) == 1


async def test_a_job_of_that_name_that_somebody_makes_meanwhile_is_not_taken() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    stage.api.objects[JOBS.plural, NAMESPACE, "pretrain"] = job_body("pretrain")
    await stage.settled()
    assert stage.state() == Reason.CHILD_REFUSED
    assert stage.api.all(ROUNDS) == []


async def test_a_pod_that_cannot_take_its_place_is_told_in_the_schedulers_words() -> None:
    stage = Stage()
    stage.put(DEPLOYMENTS, deployment_body("web"))
    stage.put(GPU_WORKLOADS, tracked_body("web", "Deployment"))
    pod = service_pod_body("web-a", "web")
    stage.put(PODS, pod)
    await stage.settled()
    refused = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "persistentvolumeclaim `data` not found"}
    stage.put(PODS, {**pod, "status": {**pod.get("status", {}), "conditions": [refused]}})
    await stage.settled()
    [running] = [each for each in stage.status("web")["conditions"] if each["type"] == "Running"]
    assert "pod `web-a` cannot take its place: persistentvolumeclaim `data` not found" in running["message"]


def refuse_binding(stage: Stage, *pods: Body, reason: str = "Unschedulable") -> None:
    """The scheduler says that it cannot bind them."""
    refused = {"type": "PodScheduled", "status": "False", "reason": reason, "message": MISSING_CLAIM}
    stage.put(PODS, *({**pod, "status": {"phase": "Pending", "conditions": [refused]}} for pod in pods))


async def test_a_gang_whose_pods_cannot_be_made_gives_its_places_to_others_and_starts_when_they_exist() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body(replicas=4))
    await stage.settled()
    stage.put(GPU_WORKLOADS, training_body("other", replicas=4))
    await stage.settled()
    stage.now_at = NOW_AT + START_SECONDS - 1
    assert (await stage.settled(), stage.cluster.next_due_at) == ([], stage.now_at + 1)
    stage.now_at += 1
    await stage.settled()
    assert (stage.state(), stage.state("other")) == (Reason.PODS_MISSING, Reason.PLACED)
    told = stage.status()["wait"]["message"]
    assert told.startswith("`0` of the `4` pods of its Job exist, and it starts when all do: `kubectl describe job pretrain`")
    assert "ServiceAccount" in told
    stage.put(PODS, *(pod_body(f"pretrain-{rank}", job="pretrain", rank=rank, gpus=8) for rank in range(3)))
    await stage.settled()
    assert stage.status()["wait"]["message"].startswith("`3` of the `4` pods")
    stage.put(PODS, pod_body("pretrain-3", job="pretrain", rank=3, gpus=8))
    await stage.settled()
    assert stage.state() == Reason.INSUFFICIENT_CAPACITY
    stage.finish("other")
    await stage.settled()
    assert stage.state() == Reason.PLACED
    [round_] = stage.api.all(ROUNDS)
    assert round_["spec"]["gangs"][0]["pods"] == "pretrain-0 pretrain-1 pretrain-2 pretrain-3"


async def test_pods_that_never_come_take_nothing_however_long_one_waits() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    await stage.settled()
    for _ in range(5):
        stage.now_at += START_SECONDS
        await stage.settled()
        assert stage.api.all(ROUNDS) == []


async def test_a_pod_that_the_scheduler_cannot_bind_gives_its_place_back_for_ever_longer_pauses() -> None:
    stage = Stage()
    pod = service_pod_body("web-a", "web")
    stage.put(DEPLOYMENTS, deployment_body("web", replicas=1))
    stage.put(GPU_WORKLOADS, tracked_body("web", "Deployment"))
    stage.put(PODS, pod)
    await stage.settled()
    refuse_binding(stage, pod)
    await stage.settled()
    for pause in (START_SECONDS, 2 * START_SECONDS, 4 * START_SECONDS):
        assert stage.state("web") == Reason.PLACED
        stage.now_at += START_SECONDS
        await stage.settled()
        assert (stage.state("web"), stage.api.all(ROUNDS)) == (Reason.CANNOT_START, [])
        assert MISSING_CLAIM in stage.status("web")["wait"]["message"]
        assert stage.cluster.next_due_at == stage.now_at + pause
        stage.now_at += pause - 1
        assert await stage.settled() == []
        stage.now_at += 1
        await stage.settled()
    stage.put(PODS, service_pod_body("web-a", "web", node="gpu-0"))
    await stage.settled()
    assert [holding.bound for holding in (await stage.workload("web")).holdings] == [True]


async def test_a_pod_of_which_nothing_is_said_keeps_its_place_because_the_scheduler_may_be_away() -> None:
    stage = Stage()
    stage.put(DEPLOYMENTS, deployment_body("web", replicas=1))
    stage.put(GPU_WORKLOADS, tracked_body("web", "Deployment"))
    stage.put(PODS, service_pod_body("web-a", "web"))
    await stage.settled()
    stage.now_at += 10 * START_SECONDS
    assert await stage.settled() == []
    assert stage.state("web") == Reason.PLACED


async def test_what_an_earlier_leader_promised_is_not_given_back_because_he_was_away() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    await stage.settled()
    stage.now_at += 10 * START_SECONDS
    stage.cluster.epoch = 2
    await stage.round()
    assert stage.state() == Reason.PLACED
    stage.put(PODS, *(pod_body(f"pretrain-{rank}", job="pretrain", rank=rank, node=f"gpu-{rank}", gpus=8) for rank in range(2)))
    await stage.settled()
    assert [holding.bound for holding in (await stage.workload()).holdings] == [True, True]


async def test_a_place_of_a_gang_whose_last_pod_cannot_be_made_goes_and_the_rest_is_told_it() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    await stage.settled()
    stage.put(PODS, pod_body("pretrain-0", job="pretrain", rank=0, node="gpu-0", gpus=8))
    await stage.settled()
    stage.now_at += START_SECONDS
    await stage.settled()
    assert stage.api.all(ROUNDS) == []
    assert (stage.status()["replicas"]["summary"], stage.status()["wait"]["reason"]) == ("1/2", Reason.PODS_MISSING)
    stage.put(PODS, pod_body("pretrain-1", job="pretrain", rank=1, gpus=8))
    await stage.settled()
    assert stage.state() == Reason.PLACED


async def test_a_deployment_says_itself_why_it_has_no_pods() -> None:
    stage = Stage()
    body = deployment_body("web")
    refused = {"type": "ReplicaFailure", "status": "True", "message": 'pods "web-" is forbidden: exceeded quota: team'}
    stage.put(DEPLOYMENTS, {**body, "status": {"conditions": [refused]}})
    stage.put(GPU_WORKLOADS, tracked_body("web", "Deployment"))
    await stage.settled()
    assert stage.cluster.next_due_at == NOW_AT + START_SECONDS
    stage.now_at += START_SECONDS
    await stage.settled()
    assert stage.state("web") == Reason.PODS_MISSING
    assert "exceeded quota: team" in stage.status("web")["wait"]["message"]


async def test_a_job_that_cannot_be_made_at_all_does_not_keep_its_place_either() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    stage.api.faults["create Job pretrain"] = [Forbidden("the roles are not known")] * 99
    await stage.round()
    stage.now_at += START_SECONDS
    await stage.round()
    await stage.round()
    assert (stage.state(), stage.api.all(ROUNDS)) == (Reason.CANNOT_START, [])
    stage.now_at += START_SECONDS
    stage.api.faults = {}
    await stage.settled()
    assert len(stage.api.all(JOBS)) == 1
