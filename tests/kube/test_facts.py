"""What is read of a pod's own word about its beginning and its end."""

from datetime import datetime
from typing import Any

import pytest
from tests.kube.objects import job_body, pod_body, read

from commonpool.kube.facts import PodView
from commonpool.kube.resources import JOBS, PODS

T = "2026-11-22T12:00:"


def look(phase: str, *containers: dict[str, Any], init: tuple[dict[str, Any], ...] = (), sidecar: bool = False) -> PodView:
    body = pod_body("pretrain-0", node="gpu-0", phase=phase)
    states = {"containerStatuses": [{"name": "x", **state} for state in containers]}
    states |= {"initContainerStatuses": [{"name": "i", **state} for state in init]} if init else {}
    body["spec"]["initContainers"] = [{"name": "i", "restartPolicy": "Always"} if sidecar else {"name": "i"}]
    view: PodView = read(PODS, {**body, "status": {**body["status"], "startTime": f"{T}01Z", **states}})
    return view


def ended(second: int | None, *, before: int | None = None) -> dict[str, Any]:
    """`before`: when it ended the last time, before it was to start again."""
    last = {"lastState": ended(before)["state"]} if before is not None else {}
    return {"state": {"terminated": {"exitCode": 0, "finishedAt": None if second is None else f"{T}{second:02d}Z"}}, **last}


RUNS = {"state": {"running": {"startedAt": f"{T}02Z"}}}
WAITS = {"state": {"waiting": {"reason": "PodInitializing"}}}


def seconds(second: int) -> int:
    return int(datetime.fromisoformat(f"{T}{second:02d}Z").timestamp())


@pytest.mark.parametrize(
    ("containers", "init", "says"),
    [
        ((ended(30),), (), seconds(30)),
        ((ended(30), ended(50), ended(40)), (), seconds(50)),
        ((ended(30),), (ended(45),), seconds(45)),
        ((ended(30),), (ended(None),), seconds(30)),
        ((ended(None, before=40),), (ended(2),), seconds(40)),
        ((ended(None, before=40), ended(30)), (), seconds(40)),
        ((ended(30, before=20),), (), seconds(30)),
        (({**WAITS, "lastState": ended(40)["state"]},), (ended(2),), seconds(40)),
        ((WAITS,), (ended(2),), seconds(2)),
    ],
)
def test_a_pod_has_ended_when_the_last_of_its_containers_has(containers: tuple[Any, ...], init: tuple[Any, ...], says: int) -> None:
    for phase in ("Succeeded", "Failed"):
        view = look(phase, *containers, init=init)
        assert (view.started_at, view.finished_at) == (seconds(1), says)


@pytest.mark.parametrize(
    ("containers", "init", "sidecar"),
    [
        ((), (), False),
        ((ended(None),), (), False),
        ((ended(None), ended(30)), (), False),
        ((ended(None),), (ended(2),), False),
        ((RUNS,), (ended(2),), False),
        (({**RUNS, "lastState": ended(20)["state"]},), (ended(2),), False),
        ((ended(30),), (ended(None),), True),
        ((ended(30),), (RUNS,), True),
        ((WAITS,), (ended(None),), False),
    ],
)
def test_nobody_says_when_a_pod_has_ended_if_nobody_does_of_one_container_that_ran(
    containers: tuple[Any, ...], init: tuple[Any, ...], *, sidecar: bool
) -> None:
    """A kubelet that ends a pod in the pause before a container starts again writes of it that it has ended, not when."""
    for phase in ("Succeeded", "Failed"):
        assert look(phase, *containers, init=init, sidecar=sidecar).finished_at == 0


def test_a_container_that_ends_and_is_started_again_is_no_end_of_its_pod() -> None:
    assert look("Running", ended(30)) == look("Running", ended(40)) == look("Running", RUNS)


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


@pytest.mark.parametrize(("last", "says"), [("Failed", seconds(40)), ("Complete", seconds(40)), ("Suspended", 0)])
def test_a_job_has_ended_when_its_last_pod_had_and_not_when_it_began_to_fail(last: str, says: int) -> None:
    body = job_body("solve")
    body["status"]["conditions"] = [
        {"type": kind, "status": "True", "lastTransitionTime": f"{T}{second}Z"} for kind, second in (("FailureTarget", 20), (last, 40))
    ]
    assert read(JOBS, body).ended_at == says
