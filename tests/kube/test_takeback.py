"""Shrinks and evictions on a fake API: who is told what, in which order, and what is written when."""

from datetime import timedelta

import pytest
from tests.kube.objects import (
    BORN,
    NAMESPACE,
    Body,
    deployment_body,
    job_body,
    pod_body,
    service_pod_body,
    tracked_body,
    training_body,
    workload_body,
)
from tests.kube.readings import NOW_AT, line
from tests.kube.scene import GRACE_SECONDS, WHY, Scene, elastic_body, evict, instant, ready_pod_body, shrink

from commonpool.kube.due import UNDONE_SECONDS
from commonpool.kube.errors import Unavailable
from commonpool.kube.resources import DEPLOYMENTS, EVENTS, GPU_WORKLOADS, JOBS, PODS, ROUNDS
from commonpool.model.ids import Seat
from commonpool.model.plan import Evict


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


async def test_a_shrink_that_could_not_be_told_is_tried_again_without_haste(scene: Scene) -> None:
    scene.api.faults = {"patch-status GPUWorkload pretrain": [Unavailable("away")]}
    scene.now_at = NOW_AT + 1  # who has started within this second is not asked
    await scene.decide(shrink(2, NOW_AT + GRACE_SECONDS))
    assert "resize" not in scene.status()
    assert scene.cluster.next_due_at == scene.now_at + UNDONE_SECONDS
    await scene.decide(shrink(2, NOW_AT + GRACE_SECONDS))
    assert scene.cluster.next_due_at == scene.now_at


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


async def test_who_has_started_within_this_second_is_looked_at_again_in_the_next(scene: Scene) -> None:
    await scene.decide()
    await scene.decide()
    [found] = scene.cluster.read().workloads
    assert (found.started_at, scene.cluster.next_due_at) == (NOW_AT, NOW_AT + 1)
    scene.now_at = NOW_AT + 1
    await scene.decide()
    assert scene.cluster.next_due_at is None
