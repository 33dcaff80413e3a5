"""Rounds on a fake API with the true planner and the reference engine: what is written, in which order, and what after a fault."""

from typing import Any

import pytest
from tests.kube.fakeapi import FakeApi
from tests.kube.objects import (
    BORN,
    NAMESPACE,
    Body,
    FilledMirror,
    deployment_body,
    inference_body,
    job_body,
    make_metadata,
    node_body,
    own_body,
    pod_body,
    pool_body,
    service_pod_body,
    tracked_body,
    training_body,
)
from tests.kube.readings import NOW_AT, line

from commonpool.cycle import Cycle, run_cycle
from commonpool.engine.reference import ReferenceEngine
from commonpool.errors import BugError
from commonpool.kube.cluster import LiveCluster
from commonpool.kube.errors import Forbidden, Invalid, Unavailable
from commonpool.kube.promises import Promises
from commonpool.kube.resources import (
    CUSTOM_RESOURCES,
    DEPLOYMENTS,
    EVENTS,
    GPU_POOLS,
    GPU_WORKLOADS,
    JOBS,
    NODES,
    PODS,
    RESOURCE_QUOTAS,
    ROUNDS,
    TENANTS,
    Resource,
)
from commonpool.kube.status.delay import START_SECONDS, STEP_SECONDS
from commonpool.model.ids import Seat
from commonpool.model.plan import Plan
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Workload


def ready_pod(name: str, rank: int) -> Body:
    body = pod_body(name, job="pretrain", rank=rank, node=f"gpu-{rank}", gpus=8)
    return {**body, "status": {**body["status"], "conditions": [{"type": "Ready", "status": "True"}]}}


class Stage:
    """A live cluster on a fake API, one round at a time; a test moves the clock and plays Kubernetes."""

    def __init__(self, epoch: int = 1) -> None:
        self.api = FakeApi()
        self.mirror = FilledMirror()
        self.now_at = NOW_AT
        self.cluster = LiveCluster(self.api, self.mirror, lambda: self.now_at)
        self.cluster.epoch = epoch
        self.put(GPU_POOLS, pool_body())
        self.put(TENANTS, own_body("Tenant", "vision", {}))

    def put(self, resource: Resource, *bodies: Body) -> None:
        """Objects that somebody made or changed, in the API and in the mirror."""
        for body in bodies:
            stored = self.api.put(resource, body)
            if resource in {GPU_POOLS, TENANTS, GPU_WORKLOADS}:
                self.mirror.own(stored)
            else:
                self.mirror.see(resource, stored)

    async def round(self) -> Cycle:
        return await run_cycle(self.cluster, ReferenceEngine())

    async def settled(self) -> list[str]:
        """Rounds until nothing is written any more, what is kept back for a few seconds included; what they wrote before."""
        wrote: list[str] = []
        for _ in range(9):
            await self.round()
            now, due_at = self.api.wrote(), self.cluster.next_due_at
            wrote += now
            if not now and (due_at is None or due_at > self.now_at + STEP_SECONDS):
                return wrote
            if not now and due_at is not None:
                self.now_at = due_at
        pytest.fail(f"never quiet: {wrote}")

    async def workload(self, name: str = "pretrain") -> Workload:
        snapshot = (await self.round()).snapshot
        [found] = [each for each in snapshot.workloads if each.name == f"{NAMESPACE}/{name}"]
        return found

    def status(self, name: str = "pretrain") -> dict[str, Any]:
        body = self.api.find(GPU_WORKLOADS, name, NAMESPACE)
        assert body is not None
        status: dict[str, Any] = body.get("status", {})
        return status

    def state(self, name: str = "pretrain") -> str:
        [reason] = [each["reason"] for each in self.status(name)["conditions"] if each["type"] == "Succeeded"]
        return str(reason)


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
    assert stage.status()["acceleratorSeconds"] == 2 * 16


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
    assert stage.cluster.next_due_at is None


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
    assert (stage.state(), stage.status()["promisedAt"], stage.status()["acceleratorSeconds"]) == ("Placed", BORN, 3 * 16)


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
        stage.put(PODS, pod_body(f"short-{rank}", job="short", rank=rank, node=f"gpu-{rank}", phase="Failed"))
    stage.put(JOBS, job_body("short", done="Failed"))
    await stage.settled()
    status = stage.status("short")
    said = {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}
    assert (said["Placed"], said["Succeeded"]) == (("True", "Failed"), ("False", "Failed"))
    assert (status["pool"], status["acceleratorSeconds"], status["promisedAt"]) == ("h100", 2 * 2, BORN)


async def test_what_is_so_is_not_written_again() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body(), training_body("giant", replicas=9))
    stage.put(JOBS, job_body("plain", suspended=True, held=True))
    assert await stage.settled()
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


async def test_a_refused_round_releases_nothing_and_is_written_by_the_next() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    stage.api.faults["create Round r-0000000001-1"] = [Forbidden("no")]
    await stage.round()
    assert [failure.subject for failure in stage.cluster.failures] == ["Round r-0000000001-1"]
    assert stage.api.all(JOBS) == []
    assert stage.state() != "Placed"
    await stage.settled()
    assert stage.state() == "Placed"
    assert stage.cluster.failures == ()


async def test_a_round_whose_answer_was_lost_is_found_before_another_is_written() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    stage.api.lossy = Unavailable("connection reset")
    await stage.round()
    assert stage.api.all(JOBS) == []
    await stage.settled()
    assert [round_["metadata"]["name"] for round_ in stage.api.all(ROUNDS)] == ["r-0000000001-1"]
    assert len(stage.api.all(JOBS)) == 1


async def test_as_long_as_nobody_knows_whether_a_round_was_written_none_is() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    stage.api.faults = {
        "create Round r-0000000001-1": [Unavailable("timeout")],
        "get Round r-0000000001-1": [Unavailable("timeout"), Unavailable("timeout")],
    }
    for _ in range(3):
        await stage.round()
        assert stage.api.all(ROUNDS) == []
    await stage.round()
    assert len(stage.api.all(ROUNDS)) == 1


async def test_a_round_of_the_same_name_that_says_something_else_is_not_ours() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    other = {"epoch": 0, "number": 1, "part": 1, "parts": 1, "gangs": []}
    stage.api.objects["rounds", "", "r-0000000001-1"] = {
        "metadata": {"name": "r-0000000001-1", "uid": "x", "resourceVersion": "1"},
        "spec": other,
    }
    await stage.round()
    assert [type(failure.error).__name__ for failure in stage.cluster.failures] == ["Conflict"]
    await stage.settled()
    assert [round_["spec"]["number"] for round_ in stage.api.all(ROUNDS)] == [2]


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


async def test_children_that_were_made_before_a_crash_are_taken_as_they_are() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    await stage.settled()
    job = stage.api.find(JOBS, "pretrain", NAMESPACE)
    again = Stage(epoch=2)
    again.api.objects = dict(stage.api.objects)
    again.put(GPU_WORKLOADS, training_body())
    again.mirror.see(ROUNDS, *stage.api.all(ROUNDS))
    await again.settled()
    assert again.api.find(JOBS, "pretrain", NAMESPACE) == job
    assert again.cluster.failures == ()


async def test_a_job_of_that_name_that_somebody_makes_meanwhile_is_not_taken() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    stage.api.objects[JOBS.plural, NAMESPACE, "pretrain"] = job_body("pretrain")
    await stage.settled()
    assert stage.state() == Reason.CHILD_REFUSED
    assert stage.api.all(ROUNDS) == []


async def test_one_failure_does_not_stop_the_others() -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body("first", replicas=1), training_body("second", replicas=1))
    stage.api.faults["create Job first"] = [Unavailable("timeout")]
    await stage.round()
    assert [job["metadata"]["name"] for job in stage.api.all(JOBS)] == ["second"]
    await stage.settled()
    assert [job["metadata"]["name"] for job in stage.api.all(JOBS)] == ["first", "second"]


async def test_a_new_leader_writes_what_is_owed_in_its_own_epoch_and_ends_the_old_rounds() -> None:
    stage = Stage(epoch=1)
    stage.put(GPU_WORKLOADS, training_body())
    await stage.settled()
    stage.put(PODS, pod_body("pretrain-0", job="pretrain", rank=0, node="gpu-0", gpus=8))
    stage.cluster.epoch = 2
    await stage.settled()
    [round_] = stage.api.all(ROUNDS)
    assert (round_["spec"]["epoch"], round_["spec"]["number"]) == (2, 2)
    assert len((await stage.workload()).holdings) == 2
    assert [job["metadata"]["name"] for job in stage.api.all(JOBS)] == ["pretrain"]


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


async def test_a_failure_is_logged_once_and_again_only_after_it_was_gone(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    stage.api.faults["create Round r-0000000001-1"] = [Forbidden("no"), Forbidden("no")]
    await stage.round()
    await stage.round()
    await stage.settled()
    assert [record.message for record in caplog.records] == ["Round r-0000000001-1: no"]


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


async def test_nothing_is_promised_as_long_as_what_is_void_still_stands() -> None:
    stage = Stage()
    stage.put(DEPLOYMENTS, deployment_body("web"))
    stage.put(GPU_WORKLOADS, tracked_body("web", "Deployment"))
    stage.put(PODS, service_pod_body("web-a", "web"))
    await stage.settled()
    stage.mirror.pods.drop((NAMESPACE, "web-a"), stage.mirror.pods.find_uid(NAMESPACE, "web-a"))
    stage.put(PODS, service_pod_body("web-b", "web"))
    stage.api.faults["delete Round r-0000000001-1"] = [Unavailable("no answer")]
    await stage.round()
    assert not [write for write in stage.api.wrote() if "Round" in write]
    await stage.round()
    assert [write for write in stage.api.wrote() if "Round" in write] == ["delete Round r-0000000001-1", "create Round r-0000000002-1"]


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
