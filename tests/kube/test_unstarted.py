"""Pods that have their nodes and do not start there: they keep their places, and their workload says what kubelet says."""

from typing import Any

import msgspec
import pytest
from tests.kube.objects import NAMESPACE, Body, deployment_body, pod_body, service_pod_body, tracked_body, training_body
from tests.kube.stage import Stage

from commonpool.api import GPUWorkload
from commonpool.cli.story import render_story
from commonpool.kube import records
from commonpool.kube.facts import read_pod
from commonpool.kube.resources import DEPLOYMENTS, GPU_WORKLOADS, PODS, ROUNDS
from commonpool.model.reasons import Reason

UNKNOWN = 'rpc error: code = NotFound desc = failed to pull and unpack image "registry.example/train:2": not found'
NO_CONFIG = 'configmap "settings" not found'


def waiting(reason: str, message: str = "") -> Body:
    return {"name": "main", "state": {"waiting": {"reason": reason, "message": message}}}


def with_containers(pod: Body, *containers: Body, init: tuple[Body, ...] = (), **status: Any) -> Body:  # noqa: ANN401 fields of a status
    known = {"phase": "Pending", "containerStatuses": list(containers), "initContainerStatuses": list(init)}
    return {**pod, "status": known | status}


def read(pod: Body) -> str:
    return read_pod(msgspec.convert(pod, records.Pod)).unstarted


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing", "CrashLoopBackOff", "RunContainerError", ""])
def test_what_is_on_its_way_or_has_begun_once_is_no_news(reason: str) -> None:
    assert read(with_containers(pod_body("a"), waiting(reason, "any"))) == ""


def test_the_first_container_that_does_not_start_is_told_init_containers_before_all_others() -> None:
    runs = {"name": "sidecar", "state": {"running": {}}}
    assert read(with_containers(pod_body("a"), runs, waiting("CreateContainerConfigError", NO_CONFIG))) == (
        f"CreateContainerConfigError: {NO_CONFIG}"
    )
    held_up = with_containers(pod_body("a"), waiting("PodInitializing"), init=(waiting("InvalidImageName"),))
    assert read(held_up) == "InvalidImageName"


def test_a_pull_and_the_pause_after_it_are_the_same_news() -> None:
    """They take turns for as long as the image is missing: else each turn would be written."""
    pull = with_containers(pod_body("a"), waiting("ErrImagePull", UNKNOWN))
    pause = with_containers(
        pod_body("a"), waiting("ImagePullBackOff", f'Back-off pulling image "registry.example/train:2": ErrImagePull: {UNKNOWN}')
    )
    assert read(pull) == read(pause) == f"ErrImagePull: {UNKNOWN}"
    older = with_containers(pod_body("a"), waiting("ImagePullBackOff", 'Back-off pulling image "registry.example/train:2"'))
    assert read(older) == 'ImagePullBackOff: Back-off pulling image "registry.example/train:2"'


def test_what_kubelet_says_is_bounded_and_on_one_line() -> None:
    told = read(with_containers(pod_body("a"), waiting("E" * 100, "x\n\x1b[31m\ty" + "z" * 5000)))
    assert len(told) <= 400
    assert told.isprintable()


def test_a_pod_that_has_finished_says_it_no_more() -> None:
    assert read(with_containers(pod_body("a"), waiting("ErrImagePull", UNKNOWN), phase="Failed")) == ""


async def start(stage: Stage, *, broken: tuple[int, ...], reason: str = "ErrImagePull", message: str = UNKNOWN) -> None:
    """A gang of four whose pods are on their nodes; `broken` ranks do not start, the others run."""
    stage.put(GPU_WORKLOADS, training_body(replicas=4))
    await stage.settled()
    for rank in range(4):
        pod = pod_body(f"pretrain-{rank}", job="pretrain", rank=rank, gpus=8, node=f"gpu-{rank}")
        ready = {**pod, "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
        stage.put(PODS, with_containers(pod, waiting(reason, message)) if rank in broken else ready)
    await stage.settled()


def find_running(stage: Stage, name: str = "pretrain") -> dict[str, Any]:
    [running] = [each for each in stage.status(name)["conditions"] if each["type"] == "Running"]
    return dict(running)


async def test_a_gang_whose_pod_does_not_start_says_which_and_why_and_keeps_its_places() -> None:
    stage = Stage()
    await start(stage, broken=(2, 3))
    running = find_running(stage)
    assert (running["status"], running["reason"], stage.state()) == ("False", Reason.CANNOT_START, Reason.CANNOT_START)
    assert running["message"].endswith(f"; pod `pretrain-2` does not start: ErrImagePull: {UNKNOWN}")
    assert stage.status()["accelerators"] == 32
    assert "wait" not in stage.status()
    body = stage.api.find(GPU_WORKLOADS, "pretrain", NAMESPACE)
    assert f"pod `pretrain-2` does not start: ErrImagePull: {UNKNOWN}" in render_story(GPUWorkload.model_validate(body), None, stage.now_at)


async def test_the_turns_of_pulling_and_pausing_are_written_once() -> None:
    stage = Stage()
    await start(stage, broken=(0,))
    pod = pod_body("pretrain-0", job="pretrain", rank=0, gpus=8, node="gpu-0")
    pause = f'Back-off pulling image "registry.example/train:2": ErrImagePull: {UNKNOWN}'
    stage.put(PODS, with_containers(pod, waiting("ImagePullBackOff", pause)))
    assert await stage.settled() == []


async def test_it_is_over_when_the_pod_starts() -> None:
    stage = Stage()
    await start(stage, broken=(1,), reason="CreateContainerConfigError", message=NO_CONFIG)
    assert stage.state() == Reason.CANNOT_START
    await start(stage, broken=())
    assert stage.state() == Reason.RUNNING
    assert "does not start" not in find_running(stage)["message"]


async def test_a_service_that_runs_and_has_a_pod_that_does_not_start_says_both() -> None:
    stage = Stage()
    stage.put(DEPLOYMENTS, deployment_body("web"))
    stage.put(GPU_WORKLOADS, tracked_body("web", "Deployment"))
    pods = [service_pod_body(f"web-{letter}", "web", node=f"gpu-{number}") for number, letter in enumerate("ab")]
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    stage.put(PODS, {**pods[0], "status": ready}, with_containers(pods[1], waiting("CreateContainerConfigError", NO_CONFIG)))
    await stage.settled()
    running = find_running(stage, "web")
    assert (running["status"], running["reason"]) == ("True", Reason.RUNNING)
    assert f"pod `web-b` does not start: CreateContainerConfigError: {NO_CONFIG}" in running["message"]
    assert stage.api.all(ROUNDS) == []
