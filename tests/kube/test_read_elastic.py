"""What the reading says of work that may grow, shrink or be evicted."""

from typing import Any

import pytest
from tests.kube.objects import BORN, FilledMirror, job_body, pod_body, pool_body, tracked_body, workload_body
from tests.kube.readings import EIGHT_GPUS, GIB, NOW_AT, line, workload, world

from commonpool.model.amounts import Amounts
from commonpool.model.ids import PoolName, Seat
from commonpool.model.snapshot import Elastic, Wish

OWNER = "uid-GPUWorkload-pretrain"


def elastic(most: int = 6, step: int = 2, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    said = {"replicas": {"min": 2, "max": most, "step": step}, "checkpoint": {"intervalSeconds": 60, "graceSeconds": 7}}
    return workload_body("pretrain", "training", {**said, "minRuntimeSeconds": 900}, **more)


def running(size: int = 2, **more: Any) -> FilledMirror:  # noqa: ANN401
    mirror = FilledMirror()
    mirror.own(elastic(**more))
    mirror.jobs_are(job_body("pretrain", pods=size, gpus=8, owner_uid=OWNER))
    mirror.pods_are(*(pod_body(f"pretrain-{rank}", job="pretrain", rank=rank, node=f"gpu-{rank}", gpus=8) for rank in range(size)))
    return mirror


def test_before_it_starts_it_could_use_all_ranks_and_needs_the_least_together() -> None:
    mirror = FilledMirror()
    mirror.own(elastic())
    found = workload(mirror)
    assert (found.needs, found.needs_min) == (tuple(Seat(rank) for rank in range(6)), 2)
    assert found.elastic == Elastic(2, 6, 2)
    assert (found.grace_seconds, found.min_runtime_seconds, found.started_at, found.tier) == (7, 900, 0, "Standard")


def test_what_is_promised_to_it_before_it_exists_is_all_it_gets_now() -> None:
    mirror = FilledMirror()
    mirror.own(elastic())
    mirror.promised(line("Job", "pretrain", *((Seat(rank), f"gpu-{rank}") for rank in range(4)), shape=EIGHT_GPUS))
    found = workload(mirror)
    assert (len(found.holdings), found.needs) == (4, ())


def test_when_all_its_ranks_are_there_it_may_grow_by_the_others_and_nobody_waits_for_them() -> None:
    found = workload(running())
    assert (found.needs, found.needs_min) == (tuple(Seat(rank) for rank in range(2, 6)), 0)
    assert [holding.seat for holding in found.holdings] == [Seat(0, "pretrain-0"), Seat(1, "pretrain-1")]


def test_a_pod_that_lost_its_place_comes_before_growth() -> None:
    mirror = running()
    mirror.pods_are(pod_body("pretrain-1", job="pretrain", rank=1, gpus=8))
    found = workload(mirror)
    assert (found.needs, found.needs_min) == ((Seat(pod="pretrain-1"),), 1)


@pytest.mark.parametrize("what", ["a rank is missing", "a rank is ending", "a rank is promised", "it shrinks"])
def test_it_does_not_grow_while_its_size_is_not_settled(what: str) -> None:
    mirror = running()
    match what:
        case "a rank is missing":
            mirror.jobs_are(job_body("pretrain", pods=3, gpus=8, owner_uid=OWNER))
        case "a rank is ending":
            body = pod_body("pretrain-1", job="pretrain", rank=1, node="gpu-1", gpus=8)
            mirror.pods_are({**body, "metadata": {**body["metadata"], "deletionTimestamp": BORN}})
        case "a rank is promised":
            mirror.promised(line("Job", "pretrain", (Seat(2), "gpu-2"), shape=EIGHT_GPUS))
        case _:
            resize = {"replicas": 2, "at": BORN, "toldAt": BORN, "reason": "X", "message": ""}
            mirror.own({**elastic(), "status": {"resize": resize}})
    assert workload(mirror).needs == ()


def test_who_has_begun_to_finish_keeps_its_size() -> None:
    mirror = running(size=3)
    job = job_body("pretrain", pods=3, gpus=8, owner_uid=OWNER)
    mirror.jobs_are({**job, "status": {"succeeded": 1}})
    mirror.pods_are(pod_body("pretrain-2", job="pretrain", rank=2, node="gpu-2", gpus=8, phase="Succeeded"))
    found = workload(mirror)
    assert (found.elastic, found.needs) == (None, ())


def test_places_of_ranks_that_its_owner_wants_no_more_are_not_kept() -> None:
    mirror = running(most=4)
    mirror.promised(line("Job", "pretrain", (Seat(3), "gpu-2"), (Seat(4), "gpu-3"), shape=EIGHT_GPUS))
    assert [promise.entry.seat for promise in world(mirror).standing.promises] == [Seat(3)]


def test_since_when_it_runs_is_what_the_status_says() -> None:
    mirror = running()
    mirror.own({**elastic(), "status": {"promisedAt": BORN}})
    assert workload(mirror).started_at == NOW_AT


def test_of_an_object_that_a_tenant_wrote_annotations_say_the_same() -> None:
    mirror = FilledMirror()
    job = job_body("plain")
    job["metadata"]["annotations"] = {"commonpool.dev/min-runtime-seconds": "60", "commonpool.dev/checkpointed-at": BORN}
    mirror.jobs_are(job)
    mirror.own(tracked_body("plain"))
    found = workload(mirror, "plain")
    assert (found.min_runtime_seconds, found.checkpointed_at, found.elastic) == (60, NOW_AT, None)


def test_an_evicted_training_comes_back_to_pools_whose_resource_its_template_names() -> None:
    mirror = FilledMirror()
    mirror.own(
        pool_body("mi300", model="MI300X-OAM-192GB", vendor="amd", resourceName="amd.com/gpu", nodes={"matchLabels": {"gpu": "amd"}})
    )
    wanted = {"perReplica": 8, "anyOf": [{"pool": "mi300"}, {"pool": "h100"}, {"memory": "80Gi"}]}
    mirror.own(elastic(accelerators=wanted))
    assert len(workload(mirror).wishes) == 3
    mirror.jobs_are(job_body("pretrain", gpus=8, owner_uid=OWNER, suspended=True, held=True))
    assert workload(mirror).wishes == (
        Wish(PoolName("h100"), "nvidia.com/gpu"),
        Wish(resource_name="nvidia.com/gpu", memory_bytes=80 * GIB),
    )
    assert workload(mirror).shape == Amounts(8000, 4000, 8 * GIB, 1)


def test_pods_that_end_for_another_reason_are_no_eviction() -> None:
    mirror = running()
    for rank in range(2):
        body = pod_body(f"pretrain-{rank}", job="pretrain", rank=rank, node=f"gpu-{rank}", gpus=8)
        mirror.pods_are({**body, "metadata": {**body["metadata"], "deletionTimestamp": BORN}})
    assert not workload(mirror).leaving
