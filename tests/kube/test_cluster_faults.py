"""Rounds on a fake API after a fault: nothing is promised twice, and nothing is lost."""

import pytest
from tests.kube.objects import NAMESPACE, deployment_body, pod_body, service_pod_body, tracked_body, training_body
from tests.kube.stage import Stage

from commonpool.kube.errors import Forbidden, Unavailable
from commonpool.kube.resources import DEPLOYMENTS, GPU_WORKLOADS, JOBS, PODS, ROUNDS


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


async def test_a_failure_is_logged_once_and_again_only_after_it_was_gone(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    stage.api.faults["create Round r-0000000001-1"] = [Forbidden("no"), Forbidden("no")]
    await stage.round()
    await stage.round()
    await stage.settled()
    assert [record.message for record in caplog.records] == ["Round r-0000000001-1: no"]
