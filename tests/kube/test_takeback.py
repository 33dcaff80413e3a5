"""Shrinks and evictions on a fake API: who is told what, in which order, and what is written when."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

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
from tests.kube.readings import NOW_AT, line
from tests.kube.stage import Stage

from commonpool.kube.due import UNDONE_SECONDS
from commonpool.kube.errors import Unavailable
from commonpool.kube.resources import DEPLOYMENTS, EVENTS, GPU_WORKLOADS, JOBS, NAMESPACES, PODS, ROUNDS, TENANTS
from commonpool.kube.rounds import build_round
from commonpool.model.ids import ChildKey, Seat, WorkloadName
from commonpool.model.names import TENANT_LABEL
from commonpool.model.plan import Evict, Hold, Plan, Shrink
from commonpool.model.reasons import Reason
from commonpool.model.rounds import Line, Round, RoundId

GRACE_SECONDS = 60
WHY = Reason.RECLAIMED_FOR_GUARANTEE


def elastic_body(name: str = "pretrain", least: int = 2, most: int = 8, gpus: int = 8) -> Body:
    said = {"replicas": {"min": least, "max": most}, "checkpoint": {"intervalSeconds": 600, "graceSeconds": GRACE_SECONDS}}
    return workload_body(name, "training", said, gpus=gpus)


def ready_pod_body(rank: int, name: str = "pretrain") -> Body:
    body = pod_body(f"{name}-{rank}", job=name, rank=rank, node=f"gpu-{rank}", gpus=8)
    body["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    return body


def name_of(name: str) -> WorkloadName:
    return WorkloadName(f"{NAMESPACE}/{name}")


def shrink(keep: int, by_at: int, name: str = "pretrain", kind: str = "Job") -> Shrink:
    return Shrink(name_of(name), ChildKey(kind, NAMESPACE, name), keep, by_at, WHY, "its places are needed")


def evict(name: str, kind: str = "Job") -> Evict:
    return Evict(name_of(name), ChildKey(kind, NAMESPACE, name), WHY, "its places are needed")


def instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Scene(Stage):
    """A stage on which a test decides what is taken back."""

    async def decide(self, *actions: Shrink | Evict, claimed: bool = True) -> list[str]:
        """One round with this plan; what it wrote, without statuses of others and Events. `claimed`: somebody waits for others' places."""
        snapshot = self.cluster.read()
        shrinks = tuple(action for action in actions if isinstance(action, Shrink))
        evicts = tuple(action for action in actions if isinstance(action, Evict))
        self.api.wrote()
        holds = (Hold(WorkloadName("nlp-dev/claim"), Reason.WAITS_FOR_RECLAIM, "soon"),) if claimed else ()
        await self.cluster.apply(snapshot, Plan(snapshot.epoch, snapshot.number, hold=holds, shrink=shrinks, evict=evicts))
        return [each for each in self.api.wrote() if not each.startswith(("patch-status GPUPool", "patch-status Tenant", "create Event"))]

    def play(self, size: int, name: str = "pretrain") -> None:
        """An elastic training of so many pods, all bound."""
        self.put(JOBS, job_body(name, pods=size, gpus=8, owner_uid=f"uid-GPUWorkload-{name}"))
        self.put(PODS, *(ready_pod_body(rank, name) for rank in range(size)))

    def promise(self, *lines: Line) -> None:
        manifest = build_round(Round(RoundId(1, 1, 1), lines), 1)
        self.put(
            ROUNDS,
            {
                **manifest,
                "metadata": {**manifest["metadata"], "uid": "uid-round", "resourceVersion": "7", "creationTimestamp": instant(self.now_at)},
            },
        )

    def job(self, name: str = "pretrain") -> Body:
        body = self.api.find(JOBS, name, NAMESPACE)
        assert body is not None
        return body

    def signal(self, name: str = "pretrain-0") -> Any:  # noqa: ANN401 whatever JSON says
        body = self.api.find(PODS, name, NAMESPACE)
        assert body is not None
        text = body["metadata"].get("annotations", {}).get("commonpool.dev/resize")
        return json.loads(text) if text else None


@pytest.fixture
async def scene() -> Scene:
    scene = Scene()
    scene.put(GPU_WORKLOADS, elastic_body())
    scene.play(4)
    await scene.decide()
    return scene


async def test_a_shrink_is_told_in_the_status_and_on_rank_0_and_nothing_goes_before_its_grace_is_over(scene: Scene) -> None:
    due_at = NOW_AT + GRACE_SECONDS
    assert await scene.decide(shrink(2, due_at)) == ["patch-status GPUWorkload pretrain", "patch Pod pretrain-0"]
    told = {"at": instant(due_at), "reason": "ReclaimedForGuarantee", "replicas": 2}
    assert scene.signal() == told
    resize = scene.status()["resize"]
    assert (resize["replicas"], resize["at"], resize["toldAt"], resize["reason"]) == (2, told["at"], BORN, told["reason"])
    assert scene.state() == "Shrinking"
    assert [each["reason"] for each in scene.api.all(EVENTS)][-1] == "Shrinking"
    assert scene.cluster.next_due_at == scene.now_at
    scene.now_at = due_at - 1
    assert await scene.decide() == []
    assert scene.cluster.next_due_at == due_at
    scene.now_at = due_at
    assert await scene.decide() == ["patch Job pretrain"]
    assert (scene.job()["spec"]["parallelism"], scene.job()["spec"]["completions"]) == (2, 2)


async def test_a_shrink_is_over_when_the_last_pod_has_gone_and_the_signal_goes_with_it(scene: Scene) -> None:
    scene.now_at = NOW_AT + 1
    await scene.decide(shrink(2, NOW_AT + 1))
    await scene.decide()
    assert scene.job()["spec"]["parallelism"] == 2
    assert scene.status()["resize"]["replicas"] == 2
    assert await scene.decide(claimed=False) == []  # its pods end: the plan has nothing more to say
    scene.put(
        PODS, *(pod_body(f"pretrain-{rank}", job="pretrain", rank=rank, node=f"gpu-{rank}", gpus=8, phase="Failed") for rank in (2, 3))
    )
    assert await scene.decide() == ["patch-status GPUWorkload pretrain", "patch Pod pretrain-0"]
    assert "resize" not in scene.status()
    assert scene.signal() is None


async def test_a_checkpoint_after_the_signal_ends_the_grace(scene: Scene) -> None:
    due_at = NOW_AT + GRACE_SECONDS
    await scene.decide(shrink(2, due_at))
    for saved_at, wrote in ((NOW_AT - 5, []), (NOW_AT + 5, ["patch Job pretrain"])):
        body = elastic_body()
        body["metadata"]["annotations"] = {"commonpool.dev/checkpointed-at": instant(saved_at)}
        scene.mirror.dirty.clear()
        scene.put(GPU_WORKLOADS, body)
        assert scene.mirror.dirty.is_set()
        scene.now_at = NOW_AT + 10
        assert await scene.decide() == wrote


async def test_a_shrink_for_which_nobody_waits_any_more_is_withdrawn(scene: Scene) -> None:
    await scene.decide(shrink(2, NOW_AT + GRACE_SECONDS))
    assert await scene.decide(claimed=False) == ["patch-status GPUWorkload pretrain", "patch Pod pretrain-0"]
    assert (scene.signal(), scene.state()) == (None, "Running")
    scene.now_at = NOW_AT + GRACE_SECONDS
    assert await scene.decide() == []
    assert scene.job()["spec"]["parallelism"] == 4


async def test_a_forged_signal_means_nothing(scene: Scene) -> None:
    pod = ready_pod_body(0)
    pod["metadata"]["annotations"] = {"commonpool.dev/resize": '{"replicas":0}'}
    scene.put(PODS, pod)
    assert await scene.decide() == ["patch Pod pretrain-0"]
    assert (scene.signal(), scene.job()["spec"]["parallelism"]) == (None, 4)


async def test_a_place_that_is_taken_back_is_out_of_the_round_before_its_pod_goes(scene: Scene) -> None:
    seats = [(Seat(rank), f"gpu-{rank}") for rank in range(4)]
    scene.promise(line("Job", "other", (Seat(0), "gpu-3")), line("Job", "pretrain", *seats))
    scene.put(GPU_WORKLOADS, training_body("other", replicas=1, gpus=1))
    await scene.decide(shrink(2, NOW_AT))
    assert await scene.decide() == ["patch Round r-0000000001-1", "patch Job pretrain"]
    [round_] = scene.api.all(ROUNDS)
    assert [gang.get("ranks") for gang in round_["spec"]["gangs"]] == ["0", "0-1"]


async def test_nobody_is_shrunk_while_the_round_cannot_be_changed(scene: Scene) -> None:
    scene.promise(line("Job", "pretrain", (Seat(2), "gpu-2"), (Seat(4), "gpu-1")))
    await scene.decide(shrink(2, NOW_AT))
    scene.promise(line("Job", "pretrain", (Seat(2), "gpu-2"), (Seat(1), "gpu-1")))
    scene.api.faults = {f"{verb} Round r-0000000001-1": [Unavailable("away")] * 4 for verb in ("patch", "delete")}
    assert "patch Job pretrain" not in await scene.decide()
    scene.api.faults = {}
    assert (await scene.decide())[-1] == "patch Job pretrain"


async def test_an_elastic_job_grows_by_the_ranks_that_are_promised(scene: Scene) -> None:
    found = next(each for each in scene.cluster.read().workloads)
    assert (found.needs, found.needs_min) == (tuple(Seat(rank) for rank in range(4, 8)), 0)
    scene.promise(line("Job", "pretrain", (Seat(4), "gpu-0"), (Seat(5), "gpu-1"), (Seat(7), "gpu-2")))
    assert (await scene.decide())[0] == "patch Job pretrain"
    assert (scene.job()["spec"]["parallelism"], scene.job()["spec"]["completions"]) == (6, 6)


async def test_its_owner_may_want_fewer_at_most(scene: Scene) -> None:
    scene.put(GPU_WORKLOADS, elastic_body(most=3))
    assert "patch Job pretrain" in await scene.decide()
    assert scene.job()["spec"]["parallelism"] == 3


async def test_an_evicted_job_is_told_why_stops_and_queues_again_as_old_as_it_is(scene: Scene) -> None:
    seats = [(Seat(rank), f"gpu-{rank}") for rank in range(4)]
    scene.promise(line("Job", "pretrain", *seats))
    wrote = await scene.decide(evict("pretrain"))
    assert wrote[-2:] == ["patch-status GPUWorkload pretrain", "patch Job pretrain"]
    job = scene.job()
    assert (job["spec"]["suspend"], job["metadata"]["annotations"]) == (True, {"commonpool.dev/held": "true"})
    assert scene.status()["lastEviction"] == {"rule": "ReclaimedForGuarantee", "by": "a workload within its tenant's guarantee", "at": BORN}
    assert scene.state() == "Evicted"
    assert scene.api.all(ROUNDS) == []
    assert await scene.decide(evict("pretrain")) == []
    assert [(each.leaving, each.needs) for each in scene.cluster.read().workloads] == [(True, ())]
    for rank in range(4):
        scene.mirror.forget(PODS, NAMESPACE, f"pretrain-{rank}", f"uid-pretrain-{rank}")
    [waits] = scene.cluster.read().workloads
    assert (waits.leaving, waits.needs_min, len(waits.needs), waits.created_at) == (False, 2, 8, NOW_AT)


async def test_an_evicted_gang_comes_back_with_the_size_that_it_gets(scene: Scene) -> None:
    scene.put(JOBS, job_body("pretrain", pods=4, gpus=8, owner_uid="uid-GPUWorkload-pretrain", suspended=True, held=True))
    for rank in range(4):
        scene.mirror.forget(PODS, NAMESPACE, f"pretrain-{rank}", f"uid-pretrain-{rank}")
    scene.promise(line("Job", "pretrain", *((Seat(rank), f"gpu-{rank}") for rank in range(3))))
    assert "patch Job pretrain" in await scene.decide()
    spec = scene.job()["spec"]
    assert (spec["suspend"], spec["parallelism"], spec["completions"]) == (False, 3, 3)


async def test_an_evicted_bare_pod_leaves_an_event_about_itself_because_nothing_else_of_it_stays(scene: Scene) -> None:
    scene.put(GPU_WORKLOADS, tracked_body("notebook", "Pod"))
    scene.put(PODS, pod_body("notebook", node="gpu-3"))
    await scene.decide()
    wrote = await scene.decide(evict("notebook", "Pod"))
    assert wrote == ["patch-status GPUWorkload notebook", "delete Pod notebook"]
    [event] = [each for each in scene.api.all(EVENTS) if each["reason"] == "Evicted"]
    assert event["regarding"] == {"apiVersion": "v1", "kind": "Pod", "name": "notebook", "namespace": NAMESPACE, "uid": "uid-notebook"}
    assert (event["metadata"]["namespace"], event["note"]) == (NAMESPACE, "its places are needed")


async def test_nobody_is_evicted_who_could_not_be_told(scene: Scene) -> None:
    scene.api.faults = {"patch-status GPUWorkload pretrain": [Unavailable("away")]}
    await scene.decide(evict("pretrain"))
    assert scene.job()["spec"]["suspend"] is False
    await scene.decide(evict("pretrain"))
    assert scene.job()["spec"]["suspend"] is True


@pytest.mark.parametrize("owner", ["tenant", "ours"])
async def test_of_a_service_the_pods_go_and_hold_their_places_until_they_have_ended(owner: str) -> None:
    scene = Scene()
    scene.put(
        GPU_WORKLOADS,
        tracked_body("web", "Deployment")
        if owner == "tenant"
        else workload_body("web", "inference", {"replicas": {"min": 2, "max": 2}}, gpus=1),
    )
    scene.put(DEPLOYMENTS, deployment_body("web", owner_uid="" if owner == "tenant" else "uid-GPUWorkload-web"))
    scene.put(PODS, *(service_pod_body(f"web-{name}", "web", node="gpu-0") for name in "ab"))
    await scene.decide()
    wrote = await scene.decide(evict("web", "Deployment"))
    assert wrote == ["patch-status GPUWorkload web", "delete Pod web-a", "delete Pod web-b"]
    assert len(scene.cluster.read().workloads[0].holdings) == 2
    for name in "ab":
        body = service_pod_body(f"web-{name}", "web", node="gpu-0")
        scene.put(PODS, {**body, "metadata": {**body["metadata"], "deletionTimestamp": BORN}})
    scene.put(PODS, service_pod_body("web-c", "web"))
    assert await scene.decide(evict("web", "Deployment")) == []
    [found] = scene.cluster.read().workloads
    assert (found.leaving, len(found.holdings), found.needs) == (True, 2, (Seat(pod="web-c"),))


async def test_a_service_that_shrinks_loses_its_youngest_pods() -> None:
    scene = Scene()
    scene.put(GPU_WORKLOADS, tracked_body("web", "Deployment"))
    scene.put(DEPLOYMENTS, deployment_body("web", replicas=3))
    scene.put(PODS, *(service_pod_body(f"web-{name}", "web", node="gpu-0") for name in "abc"))
    await scene.decide(shrink(1, NOW_AT, "web", "Deployment"))
    assert await scene.decide() == ["delete Pod web-b", "delete Pod web-c"]


async def test_who_has_been_told_before_the_operator_was_killed_keeps_the_rest_of_its_grace() -> None:
    scene = Scene()
    body = elastic_body()
    due_at = NOW_AT + GRACE_SECONDS
    body["status"] = {"resize": {"replicas": 2, "at": instant(due_at), "toldAt": BORN, "reason": "ReclaimedForGuarantee", "message": ""}}
    scene.put(GPU_WORKLOADS, body)
    scene.play(4)
    [found] = scene.cluster.read().workloads
    assert found.resize is not None
    assert (found.resize.keep, found.resize.by_at, found.needs) == (2, due_at, ())
    scene.now_at = due_at + int(timedelta(minutes=1).total_seconds())
    assert "patch Job pretrain" in await scene.decide()


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


async def test_a_shrink_that_could_not_be_told_is_tried_again_without_haste(scene: Scene) -> None:
    scene.api.faults = {"patch-status GPUWorkload pretrain": [Unavailable("away")]}
    await scene.decide(shrink(2, NOW_AT + GRACE_SECONDS))
    assert "resize" not in scene.status()
    assert scene.cluster.next_due_at == NOW_AT + UNDONE_SECONDS
    await scene.decide(shrink(2, NOW_AT + GRACE_SECONDS))
    assert scene.cluster.next_due_at == NOW_AT


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


def slow(body: Body, *, ending_seconds: int | None = None) -> Body:
    """A pod that asks for a day to end, and, if it is being deleted, has got so long."""
    metadata = body["metadata"]
    if ending_seconds is not None:
        metadata = {**metadata, "deletionTimestamp": BORN, "deletionGracePeriodSeconds": ending_seconds}
    return {**body, "metadata": metadata, "spec": {**body["spec"], "terminationGracePeriodSeconds": 86_400}}


async def test_no_pod_keeps_its_place_longer_than_administrators_allow_and_none_gets_longer_than_it_asks_for() -> None:
    scene = Scene()
    scene.put(GPU_WORKLOADS, tracked_body("web", "Deployment"))
    scene.put(DEPLOYMENTS, deployment_body("web"))
    bodies = [service_pod_body(f"web-{name}", "web", node="gpu-0") for name in "abcd"]
    scene.put(PODS, bodies[0], slow(bodies[1]), slow(bodies[2], ending_seconds=86_400), slow(bodies[3], ending_seconds=30))
    await scene.decide()
    wrote = await scene.decide(evict("web", "Deployment"))
    assert wrote[1:] == ["delete Pod web-a", "delete Pod web-b within 600 s", "delete Pod web-c within 600 s"]


async def test_the_pods_of_an_evicted_job_end_in_time_although_its_controller_gives_them_what_they_ask_for(scene: Scene) -> None:
    await scene.decide(evict("pretrain"))
    scene.put(PODS, slow(ready_pod_body(0), ending_seconds=86_400), slow(ready_pod_body(1), ending_seconds=600))
    assert (await scene.decide())[-1] == "delete Pod pretrain-0 within 600 s"
    scene.put(PODS, slow(ready_pod_body(0), ending_seconds=600))
    assert await scene.decide() == []


async def test_so_do_those_beyond_the_size_of_a_job_that_shrinks_and_no_others(scene: Scene) -> None:
    await scene.decide(shrink(2, NOW_AT))
    await scene.decide()
    scene.put(PODS, slow(ready_pod_body(1), ending_seconds=86_400), slow(ready_pod_body(3), ending_seconds=86_400))
    assert await scene.decide() == ["delete Pod pretrain-3 within 600 s"]


async def test_pods_that_a_deleted_workload_left_behind_are_taken_although_nobody_can_be_told() -> None:
    scene = Scene()
    scene.put(PODS, slow(pod_body("gone-0", job="gone", rank=0, node="gpu-0"), ending_seconds=86_400))
    [left] = scene.cluster.read().workloads
    told = Evict(left.name, left.child, WHY, "its places are needed")
    assert await scene.decide(told) == ["delete Pod gone-0 within 600 s"]
