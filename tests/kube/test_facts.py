"""What is read of a pod's own word about its beginning and its end."""

from datetime import datetime
from typing import Any

import pytest
from tests.kube.objects import job_body, pod_body, read

from commonpool.kube.facts import PodView
from commonpool.kube.resources import JOBS, PODS

T = "2026-11-22T12:00:"


def look(phase: str, *containers: dict[str, Any], init: tuple[dict[str, Any], ...] = ()) -> PodView:
    body = pod_body("pretrain-0", node="gpu-0", phase=phase)
    states = {"containerStatuses": [{"name": "x", "state": state} for state in containers]}
    states |= {"initContainerStatuses": [{"name": "i", "state": state} for state in init]} if init else {}
    view: PodView = read(PODS, {**body, "status": {**body["status"], "startTime": f"{T}01Z", **states}})
    return view


def ended(second: int | None) -> dict[str, Any]:
    return {"terminated": {"exitCode": 0, "finishedAt": None if second is None else f"{T}{second:02d}Z"}}


def seconds(second: int) -> int:
    return int(datetime.fromisoformat(f"{T}{second:02d}Z").timestamp())


@pytest.mark.parametrize(
    ("containers", "init", "says"),
    [
        ((ended(30),), (), seconds(30)),
        ((ended(30), ended(50), ended(40)), (), seconds(50)),
        ((ended(30),), (ended(45),), seconds(45)),
        ((ended(None), ended(30)), (), seconds(30)),
        ((ended(None),), (), 0),
        ((), (), 0),
    ],
)
def test_a_pod_has_ended_when_the_last_of_its_containers_has(containers: tuple[Any, ...], init: tuple[Any, ...], says: int) -> None:
    for phase in ("Succeeded", "Failed"):
        view = look(phase, *containers, init=init)
        assert (view.started_at, view.finished_at) == (seconds(1), says)


def test_a_container_that_ends_and_is_started_again_is_no_end_of_its_pod() -> None:
    assert look("Running", ended(30)) == look("Running", ended(40)) == look("Running", {"running": {"startedAt": f"{T}41Z"}})


def test_a_pod_that_no_kubelet_has_taken_has_not_begun() -> None:
    assert read(PODS, pod_body("pretrain-0", node="gpu-0")).started_at == 0


@pytest.mark.parametrize(
    ("owner_uid", "reason", "says"),
    [
        ("uid-1", "DeadlineExceeded", "its walltime of 12 s is over"),
        ("", "DeadlineExceeded", "its `activeDeadlineSeconds` of 12 s is over"),
        ("uid-1", "BackoffLimitExceeded", "in its own words"),
    ],
)
def test_a_job_that_was_stopped_by_the_clock_is_told_its_time(owner_uid: str, reason: str, says: str) -> None:
    body = job_body("solve", owner_uid=owner_uid)
    body["spec"]["activeDeadlineSeconds"] = 12
    body["status"]["conditions"] = [
        {"type": kind, "status": "True", "reason": reason, "message": "in its own words"} for kind in ("FailureTarget", "Failed")
    ]
    job = read(JOBS, body)
    assert (job.failed, job.failing, job.message) == (True, False, says)
