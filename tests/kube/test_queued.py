"""From when a wait counts: as statuses tell it from round to round, whichever process reads them."""

from dataclasses import replace
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import START_AT, Held, make_pool, make_workload
from tests.kube.objects import FilledMirror, hpc_body, make_metadata
from tests.kube.readings import NOW_AT, workload
from tests.kube.test_children import make_gpuworkload

from commonpool.api.workloadstatus import GPUWorkloadStatus
from commonpool.kube.read.queued import read_queued_at
from commonpool.kube.status import Progress, WorkloadView, build_workload_status
from commonpool.model.ids import PoolName, WorkloadName
from commonpool.model.plan import Hold
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Workload

POOLS = {PoolName("h100"): make_pool()}
SINCE = make_metadata("any")["creationTimestamp"]
NAME = WorkloadName("vision-dev/pretrain")


class Stay(Enum):
    """What a workload does for a while."""

    QUEUED = Hold(NAME, Reason.INSUFFICIENT_CAPACITY, "no room", position=1)
    SUSPENDED = Hold(NAME, Reason.SUSPENDED_BY_OWNER, "its owner has suspended it")
    LATER = Hold(NAME, Reason.WAITS_FOR_START_TIME, "starts later")
    BROKEN = Hold(NAME, Reason.INVALID_SPEC, "it says nothing that can be done")
    RUNS = None


def look(stay: Stay, before: GPUWorkloadStatus | None, now_at: int, *, held: bool = False) -> tuple[Workload, GPUWorkloadStatus]:
    """What is read of it, and what it is told then; `held`: it still has its places."""
    places = (Held("h100-0000", 4),) if held or stay is Stay.RUNS else ()
    read = replace(make_workload(replicas=4, held=places), queued_at=read_queued_at(before or GPUWorkloadStatus(), START_AT, now_at))
    view = WorkloadView(make_gpuworkload().model_copy(update={"status": before}), read, stay.value, Progress(want=4))
    return read, build_workload_status(view, POOLS, now_at)


@given(st.lists(st.tuples(st.sampled_from(Stay), st.integers(0, 10_000)), min_size=1, max_size=8))
def test_only_time_that_it_could_have_run_counts(life: list[tuple[Stay, int]]) -> None:
    """It may be looked at any number of times, and what was told is all that is known. What its owner stops has not waited while it ran."""
    now_at, waited, ran = START_AT, 0, 0
    status: GPUWorkloadStatus | None = None
    for stay, seconds in life:
        read, status = look(stay, status, now_at)
        assert now_at - read.waits_since_at == waited
        waited -= ran if stay not in {Stay.QUEUED, Stay.RUNS} else 0
        ran = ran + seconds if stay is Stay.RUNS else 0
        now_at, waited = now_at + seconds, waited + (seconds if stay in {Stay.QUEUED, Stay.RUNS} else 0)
        status = GPUWorkloadStatus.model_validate(look(stay, status, now_at - seconds // 2)[1].build_manifest())


def test_pods_that_take_their_time_to_end_count_once() -> None:
    """From when its owner stops it: the time in which its pods end is neither one that it ran nor one that it waited."""
    _, status = look(Stay.QUEUED, None, START_AT)
    _, status = look(Stay.RUNS, status, START_AT + 100)
    for at in (1_100, 1_120):
        _, status = look(Stay.SUSPENDED, status, START_AT + at, held=True)
    assert status.promised_at is not None
    _, status = look(Stay.SUSPENDED, status, START_AT + 1_130)
    read, _ = look(Stay.QUEUED, status, START_AT + 2_000)
    assert read.waits_since_at == START_AT + 2_000 - 100


def test_what_asks_for_nothing_begins_to_wait_when_it_asks() -> None:
    """A service without pods, a Job for none: its owner could keep hundreds of them for the day when he wants all others to stand back."""
    idle = WorkloadView(make_gpuworkload(), make_workload(replicas=0), None, Progress(want=0))
    status = build_workload_status(idle, POOLS, START_AT)
    assert status.queued_at is None
    read, status = look(Stay.QUEUED, status, START_AT + 86_400)
    assert read.waits_since_at == START_AT + 86_400
    read, _ = look(Stay.QUEUED, status, START_AT + 86_500)
    assert read.waits_since_at == START_AT + 86_400


def test_an_evicted_workload_is_as_old_as_it_was() -> None:
    _, status = look(Stay.RUNS, None, START_AT)
    read, _ = look(Stay.QUEUED, status, START_AT + 86_400)
    assert read.waits_since_at == START_AT


@pytest.mark.parametrize(("kept", "counts_from"), [("False", NOW_AT + 3600), ("True", NOW_AT)])
def test_the_reading_says_it(kept: str, counts_from: int) -> None:
    said = {"type": "Admitted", "status": kept, "reason": "WaitsForStartTime", "message": "starts later", "lastTransitionTime": SINCE}
    status = {"conditions": [said], "wait": {"reason": "WaitsForStartTime", "message": "starts later"}}
    mirror = FilledMirror()
    mirror.own(hpc_body() | {"status": status})
    assert workload(mirror, "solver", now_at=NOW_AT + 3600).waits_since_at == counts_from
