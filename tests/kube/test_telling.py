"""When a workload is told what: at once, or after a few seconds if nobody waits for the news."""

from tests.kube.objects import BORN, NAMESPACE, Body, job_body, node_body, pod_body, training_body
from tests.kube.readings import NOW_AT
from tests.kube.stage import Stage

from commonpool.kube.cluster import LiveCluster
from commonpool.kube.read import stalls
from commonpool.kube.resources import EVENTS, GPU_WORKLOADS, JOBS, NODES, PODS
from commonpool.kube.status.delay import START_SECONDS, STEP_SECONDS
from commonpool.model.plan import Plan


def gang_pod(name: str, rank: int, *, phase: str = "Pending", owner: str = "uid-Job-pretrain") -> Body:
    body = pod_body(name, job="pretrain", rank=rank, node=f"gpu-{rank}", gpus=8, phase=phase)
    body["metadata"]["ownerReferences"][0]["uid"] = owner
    return body


def ready_pod(name: str, rank: int, began: int = 2, **more: str) -> Body:
    body = gang_pod(name, rank, **more)
    return {**body, "status": {**body["status"], "conditions": [{"type": "Ready", "status": "True"}], "startTime": write_time(began)}}


def ended_pod(name: str, rank: int, *, ended: int, began: int = 2) -> Body:
    body = gang_pod(name, rank, phase="Failed")
    containers = [{"state": {"terminated": {"finishedAt": write_time(ended - each)}}} for each in (5, 0)]
    return {**body, "status": {**body["status"], "startTime": write_time(began), "containerStatuses": containers}}


def write_time(later: int) -> str:
    return f"2026-11-22T12:{later // 60:02d}:{later % 60:02d}Z"


async def test_a_gang_that_starts_at_once_is_told_once() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    await stage.round()
    stage.now_at += 1
    for rank in (0, 1):
        stage.put(PODS, pod_body(f"pretrain-{rank}", job="pretrain", rank=rank, node=f"gpu-{rank}", gpus=8))
    await stage.round()
    stage.now_at += 1
    for rank in (0, 1):
        stage.put(PODS, ready_pod(f"pretrain-{rank}", rank))
    wrote = [*stage.api.wrote(), *await stage.settled()]
    assert wrote.count("patch-status GPUWorkload pretrain") == 1
    assert stage.state() == "Running"
    assert stage.api.all(EVENTS) == []
    assert stage.status()["promisedAt"] == BORN
    assert stage.status()["spans"] == [{"since": "2026-11-22T12:00:02Z", "accelerators": 8, "pods": "etrain-0 etrain-1"}]


async def test_what_takes_longer_to_start_is_told_where_it_is() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    await stage.round()
    assert stage.status() == {}
    assert stage.cluster.next_due_at == NOW_AT + START_SECONDS
    stage.now_at = NOW_AT + START_SECONDS - 1
    await stage.round()
    assert stage.status() == {}
    stage.now_at += 1
    await stage.round()
    assert stage.state() == "Placed"
    assert stage.cluster.next_due_at == NOW_AT + stalls.START_SECONDS


async def test_the_steps_of_a_slow_start_are_told_now_and_then_and_its_end_at_once() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    await stage.round()
    stage.now_at += START_SECONDS
    await stage.round()
    for rank in (0, 1):
        stage.now_at += 1
        stage.put(PODS, pod_body(f"pretrain-{rank}", job="pretrain", rank=rank, node=f"gpu-{rank}", gpus=8))
        await stage.round()
    assert (stage.state(), stage.status()["replicas"]["summary"]) == ("Placed", "0/2")
    assert stage.cluster.next_due_at == NOW_AT + START_SECONDS + STEP_SECONDS
    stage.now_at = stage.cluster.next_due_at
    await stage.round()
    assert (stage.state(), stage.status()["replicas"]["summary"]) == ("Starting", "2/2")
    stage.now_at += 1
    for rank in (0, 1):
        stage.put(PODS, ready_pod(f"pretrain-{rank}", rank))
    await stage.round()
    assert stage.state() == "Running"


async def test_what_was_kept_back_is_told_by_the_next_leader_at_the_same_instant() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    await stage.round()
    stage.cluster = LiveCluster(stage.api, stage.mirror, lambda: stage.now_at)
    stage.cluster.epoch = 1
    stage.now_at += 1
    await stage.round()
    assert stage.status() == {}
    assert stage.cluster.next_due_at == NOW_AT + START_SECONDS
    stage.now_at = NOW_AT + START_SECONDS
    await stage.round()
    assert (stage.state(), stage.status()["promisedAt"], stage.status()["acceleratorSeconds"]) == ("Placed", BORN, 0)


async def test_where_clocks_differ_nothing_is_kept_back() -> None:
    stage = Stage()
    stage.now_at = NOW_AT - 60
    stage.put(GPU_WORKLOADS, training_body())
    await stage.round()
    stage.now_at += 1
    await stage.round()
    assert (stage.state(), stage.status()["promisedAt"]) == ("Placed", "2026-11-22T11:59:01Z")


async def test_a_plan_knows_since_when_work_holds_its_places_before_anybody_was_told() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    await stage.round()
    stage.now_at += 1
    assert (await stage.workload()).started_at == NOW_AT
    assert stage.status() == {}


async def test_work_that_has_waited_is_told_of_its_places_at_once_and_with_an_event() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body(replicas=5))
    await stage.round()
    assert stage.state() == "GangLargerThanPool"
    stage.mirror.see(NODES, node_body("gpu-4"))
    await stage.round()
    assert stage.state() == "Placed"
    assert {event["reason"] for event in stage.api.all(EVENTS)} == {"GangLargerThanPool", "Placed"}


async def test_what_ends_before_it_was_told_anything_is_booked_and_was_placed() -> None:
    stage = Stage()
    stage.put(JOBS, job_body("short", suspended=True, held=True))
    await stage.round()
    await stage.round()
    stage.now_at += 2
    for rank in (0, 1):
        body = pod_body(f"short-{rank}", job="short", rank=rank, node=f"gpu-{rank}", phase="Failed")
        ended = [{"state": {"terminated": {"finishedAt": write_time(2)}}}]
        stage.put(PODS, {**body, "status": {**body["status"], "startTime": write_time(1), "containerStatuses": ended}})
    stage.put(JOBS, job_body("short", done="Failed"))
    await stage.settled()
    status = stage.status("short")
    said = {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}
    assert (said["Placed"], said["Succeeded"]) == (("True", "Failed"), ("False", "Failed"))
    assert (status["pool"], status["acceleratorSeconds"], status["promisedAt"]) == ("h100", 2 * 1, BORN)


async def run_gang(stage: Stage) -> None:
    """Two pods of eight, taken by their kubelets 2 seconds after the beginning."""
    stage.put(GPU_WORKLOADS, training_body())
    await stage.round()
    stage.now_at += 2
    for rank in (0, 1):
        stage.put(PODS, ready_pod(f"pretrain-{rank}", rank))
    await stage.settled()


def go(stage: Stage, *names: str) -> None:
    """Pods are deleted, as the watch tells it."""
    for name in names:
        stage.mirror.pods.drop((NAMESPACE, name), f"uid-{name}")


async def test_what_a_pod_that_is_gone_has_used_is_what_its_kubelet_said_last() -> None:
    stage = Stage()
    await run_gang(stage)
    stage.put(PODS, ended_pod("pretrain-1", 1, ended=52))
    go(stage, "pretrain-1")
    stage.now_at += 100
    await stage.settled()
    assert stage.status()["acceleratorSeconds"] == 8 * 50
    assert stage.mirror.departed == {}
    stage.now_at += 100
    stage.put(PODS, ended_pod("pretrain-0", 0, ended=202))
    stage.finish("pretrain")
    await stage.settled()
    assert stage.state() == "Completed"
    assert stage.status()["acceleratorSeconds"] == 8 * (50 + 200)
    assert "spans" not in stage.status()


async def test_a_pod_that_goes_while_no_operator_looks_is_counted_by_the_next_until_it_misses_it() -> None:
    stage = Stage()
    await run_gang(stage)
    stage.put(PODS, ended_pod("pretrain-0", 0, ended=52))
    go(stage, "pretrain-1")
    stage.mirror.departed.clear()  # another process has another mirror
    stage.cluster = LiveCluster(stage.api, stage.mirror, lambda: stage.now_at)
    stage.cluster.epoch = 2
    stage.now_at = NOW_AT + 102
    await stage.settled()
    assert stage.status()["acceleratorSeconds"] == 8 * 50 + 8 * 100


async def test_who_stood_by_counts_what_went_without_a_leader_and_nothing_that_another_leader_has_counted() -> None:
    stage = Stage()
    await run_gang(stage)
    stage.put(PODS, ended_pod("pretrain-1", 1, ended=52))
    go(stage, "pretrain-1")
    seen = dict(stage.mirror.departed)
    stage.now_at += 100
    await stage.settled()
    stage.put(PODS, ready_pod("pretrain-1-again", 1, began=60))
    await stage.settled()
    assert all(span.get("ended") is None for span in stage.status()["spans"])
    stage.put(PODS, ended_pod("pretrain-0", 0, ended=202))
    go(stage, "pretrain-0")
    stage.mirror.departed = seen | stage.mirror.departed  # who stood by has seen both go
    stage.cluster = LiveCluster(stage.api, stage.mirror, lambda: stage.now_at)
    stage.cluster.epoch = 2
    stage.now_at += 300
    await stage.settled()
    assert stage.status()["acceleratorSeconds"] == 8 * 50 + 8 * 200
    assert stage.mirror.departed == {}


async def test_a_pod_that_goes_in_the_middle_of_a_round_is_not_forgotten_before_the_next_has_counted_it() -> None:
    stage = Stage()
    await run_gang(stage)
    stage.cluster.read()
    stage.put(PODS, ended_pod("pretrain-1", 1, ended=52))
    world, plan = stage.cluster._world, Plan(epoch=1, number=1)  # noqa: SLF001 between the two halves of a round
    assert world is not None
    go(stage, "pretrain-1")
    await stage.cluster.apply(world.snapshot, plan)
    assert list(stage.mirror.departed) == ["uid-pretrain-1"]
    stage.now_at += 100
    await stage.settled()
    assert stage.status()["acceleratorSeconds"] == 8 * 50
    assert stage.mirror.departed == {}


async def test_the_pods_of_a_job_that_was_made_anew_are_not_those_of_the_one_before() -> None:
    stage = Stage()
    await run_gang(stage)
    stage.put(PODS, ready_pod("pretrain-2", 2, owner="uid-older"))
    await stage.settled()
    assert [span["pods"] for span in stage.status()["spans"]] == ["etrain-0 etrain-1"]
