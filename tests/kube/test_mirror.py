from functools import partial

import pytest
from tests.kube.objects import BORN, NAMESPACE, Body, FilledMirror, pod_body, service_pod_body, training_body

from commonpool.kube import mirror as mirror_module
from commonpool.kube.resources import PODS

job_pod = partial(pod_body, job="pretrain", rank=0)


def hear(*bodies: Body) -> tuple[bool, bool]:
    """Whether the last of them asks for a decision, and whether it is only to be told."""
    mirror = FilledMirror(nodes=1)
    for body in bodies:
        mirror.dirty.clear()
        mirror.stirred.clear()
        mirror.see(PODS, body)
    return mirror.dirty.is_set(), mirror.stirred.is_set()


def test_a_pod_that_is_its_own_or_a_services_asks_for_a_place() -> None:
    assert hear(pod_body("alone")) == (True, False)
    assert hear(service_pod_body("web-1", "web")) == (True, False)


def test_a_jobs_pod_comes_when_its_place_is_there_so_nobody_waits_for_a_decision() -> None:
    assert hear(job_pod("pretrain-0")) == (False, True)


@pytest.mark.parametrize("job", ["", "pretrain"])
def test_a_pod_that_is_bound_needs_no_decision(job: str) -> None:
    assert hear(pod_body("it", job=job), pod_body("it", job=job, node="gpu-0")) == (False, True)


def test_a_pod_that_ends_makes_room() -> None:
    assert hear(job_pod("it", node="gpu-0"), job_pod("it", node="gpu-0", phase="Succeeded")) == (True, False)


def test_what_an_answer_to_our_own_write_has_shown_is_not_read_again_when_the_watch_tells_it() -> None:
    mirror = FilledMirror(nodes=1)
    body = training_body()
    mirror.own(body)
    [known] = mirror.workloads
    mirror.own(body)
    assert next(iter(mirror.workloads)) is known
    later = {**body, "metadata": {**body["metadata"], "resourceVersion": str(int(body["metadata"]["resourceVersion"]) + 1)}}
    mirror.own(later)
    assert next(iter(mirror.workloads)) is not known
    mirror.remember("gpuworkloads", {**body, "metadata": {**body["metadata"], "uid": "another"}}, gone=True)
    assert len(mirror.workloads) == 1
    mirror.remember("gpuworkloads", body, gone=True)
    assert len(mirror.workloads) == 0


def test_pods_that_had_begun_are_kept_when_they_go_the_latest_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror_module, "MOST_DEPARTED", 2)
    mirror = FilledMirror()
    begun = {"phase": "Running", "startTime": BORN}
    bodies = [{**pod_body(f"train-{index}", node="gpu-0"), "status": begun} for index in range(3)]
    mirror.pods_are(*bodies, pod_body("never-began", node="gpu-0"), {**pod_body("no-gpu", node="gpu-0", gpus=0), "status": begun})
    for name in ("train-0", "never-began", "no-gpu", "train-1"):
        mirror.pods.drop((NAMESPACE, name), f"uid-{name}")
    assert [pod.name for pod in mirror.departed.values()] == ["train-0", "train-1"]
    again = {**bodies[2], "metadata": {**bodies[2]["metadata"], "uid": "uid-again", "resourceVersion": "999999"}}
    mirror.pods_are(again)  # the list after an outage: the name is there, another pod bears it
    assert [pod.uid for pod in mirror.departed.values()] == ["uid-train-1", "uid-train-2"]
    mirror.settle("uid-train-1")
    assert list(mirror.departed) == ["uid-train-2"]
