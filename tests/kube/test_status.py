"""What the operator says of a workload, over its whole life."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import START_AT, Held, make_node, make_nodes, make_pool, make_quota, make_tenant, make_workload
from tests.kube.objects import FilledMirror, deployment_body, job_body, service_pod_body
from tests.kube.test_children import make_gpuworkload

from commonpool.api import GPUWorkload
from commonpool.api.conditions import Condition, find_condition
from commonpool.api.workloadstatus import GPUWorkloadStatus, Resize, Wait
from commonpool.engine.reference import ReferenceEngine
from commonpool.kube.events import find_event
from commonpool.kube.read.stints import Stint
from commonpool.kube.status import Progress, Untold, WorkloadView, build_workload_status, find_status_patch, find_telling_at, read_progress
from commonpool.kube.status.delay import START_SECONDS
from commonpool.kube.status.taken import describe_shrink
from commonpool.model.assume import assume_plan
from commonpool.model.ids import ChildKey, PoolName, WorkloadName
from commonpool.model.plan import Evict, Hold
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Snapshot, build_snapshot
from commonpool.planner import plan_round

POOLS = {PoolName("h100"): make_pool()}
WORDS = [Reason.QUOTA_REACHED, Reason.INSUFFICIENT_CAPACITY, Reason.POOL_NOT_FOUND, Reason.SUSPENDED_BY_OWNER]


@dataclass(frozen=True)
class Moment:
    """What is known of a gang of four at one time."""

    promised: int = 0
    bound: int = 0
    ready: int = 0
    hold: Hold | None = None
    outcome: Reason | None = None
    refused: bool = False
    ending: bool = False
    succeeded: int = 0
    failed: int = 0
    failing: bool = False
    message: str = ""
    began: int = 0
    """Pods that were taken by their kubelets at START_AT."""
    ended: int = 0
    """Of these, at START_AT + 90, and are gone since."""
    later: int = 0
    """Seconds since the moment before."""


def look(workload: GPUWorkload, moment: Moment) -> WorkloadView:
    held = (Held("n", moment.bound), Held("n", moment.promised, bound=False))
    outcome = moment.outcome
    assert outcome in {None, Reason.COMPLETED, Reason.FAILED}
    return WorkloadView(
        workload=workload,
        planned=make_workload(replicas=max(4 - moment.succeeded - moment.failed, moment.bound + moment.promised), held=held)
        if moment.bound or not moment.failing
        else None,
        hold=moment.hold,
        progress=Progress(
            want=4,
            ready=moment.ready,
            succeeded=moment.succeeded,
            failed=moment.failed,
            failing=moment.failing,
            outcome=outcome,
            message="the API said no" if moment.refused else moment.message,
            refused=moment.refused,
            ending=moment.ending,
        ),
        stints=tuple(
            Stint(f"5eed000{rank}", 8, "h100", START_AT, START_AT, rank < moment.ended, START_AT + 90) for rank in range(moment.began)
        ),
    )


def live(moments: list[Moment]) -> list[tuple[int, GPUWorkloadStatus]]:
    """The statuses of one workload from moment to moment, with their times."""
    workload, now_at, told = make_gpuworkload(), START_AT, []
    for moment in moments:
        now_at += moment.later
        status = build_workload_status(look(workload, moment), POOLS, now_at)
        told.append((now_at, status))
        workload = workload.model_copy(update={"status": status})
    return told


def get_condition(status: GPUWorkloadStatus, kind: str) -> Condition:
    condition = find_condition(status.conditions or [], kind)
    assert condition is not None
    return condition


def get_state(status: GPUWorkloadStatus) -> str:
    return get_condition(status, "Succeeded").reason


holds = st.none() | st.builds(
    Hold, st.just(WorkloadName("vision-dev/pretrain")), st.sampled_from(WORDS), st.just("because"), position=st.integers(0, 3)
)
moments = st.builds(
    Moment,
    promised=st.integers(0, 4),
    bound=st.integers(0, 4),
    ready=st.integers(0, 4),
    hold=holds,
    outcome=st.sampled_from([None, None, None, Reason.COMPLETED, Reason.FAILED]),
    refused=st.booleans(),
    ending=st.booleans(),
    succeeded=st.integers(0, 4),
    failed=st.integers(0, 4),
    failing=st.booleans(),
    began=st.integers(0, 4),
    ended=st.integers(0, 4),
    later=st.integers(0, 10_000),
)


@given(st.lists(moments, min_size=1, max_size=6), st.integers(0, 1_000_000))
def test_time_alone_writes_nothing(life: list[Moment], later: int) -> None:
    _, status = live(life)[-1]
    workload = make_gpuworkload().model_copy(update={"status": status})
    again = build_workload_status(look(workload, life[-1]), POOLS, START_AT + 1_000_000 + later)
    assert find_status_patch(status, again) is None
    assert find_event(workload, again, START_AT) is None
    read_back = GPUWorkloadStatus.model_validate(status.build_manifest())
    assert find_status_patch(read_back, again) is None


@given(st.lists(moments, min_size=2, max_size=6))
def test_a_transition_has_the_time_of_the_moment_when_the_answer_changed(life: list[Moment]) -> None:
    for (_, before), (now_at, after) in pairwise(live(life)):
        for condition in after.conditions or []:
            old = get_condition(before, condition.type)
            assert (condition.last_transition_time == old.last_transition_time) or condition.last_transition_time.timestamp() == now_at
            assert condition.status == old.status or condition.last_transition_time.timestamp() == now_at


def test_between_the_end_of_its_pods_and_the_word_of_its_job_nothing_is_told_but_what_it_gives_back() -> None:
    told = live([Moment(bound=4, ready=4), Moment(ending=True, later=5), Moment(outcome=Reason.COMPLETED, later=1)])
    (_, running), (_, ending), (_, completed) = told
    assert ending.conditions == running.conditions
    assert (ending.replicas, ending.pool, ending.promised_at) == (running.replicas, running.pool, running.promised_at)
    assert (ending.accelerators, running.accelerators) == (0, 32)
    assert get_state(completed) == Reason.COMPLETED


def test_a_gang_does_not_become_smaller_while_its_pods_end_one_after_another() -> None:
    told = live([Moment(bound=4 - done, ready=4 - done, succeeded=done) for done in range(4)] + [Moment(outcome=Reason.COMPLETED)])
    assert [status.replicas.summary for _, status in told if status.replicas] == ["4/4"] * 5
    placed = [get_condition(status, "Placed") for _, status in told]
    assert {(each.status, each.message) for each in placed} == {("True", "all 4 pods have their places in pool `h100`")}
    assert get_condition(told[1][1], "Running").message == "3 of 4 pods run in pool `h100`, 1 is done"


@pytest.mark.parametrize(
    "ways",
    [
        [Moment(bound=3, ready=3, failing=True), Moment(bound=1, ready=0, failing=True), Moment(failing=True)],
        [Moment(bound=3, ready=3, failed=1), Moment(bound=3, ready=3, failed=1, failing=True), Moment(failing=True)],
        [Moment(bound=3, ready=3, succeeded=1, failing=True), Moment(failing=True, succeeded=4)],
    ],
    ids=["its walltime is over", "a rank fails", "its ranks end well when they are told"],
)
def test_a_gang_does_not_become_smaller_nor_lose_its_pool_while_it_fails(ways: list[Moment]) -> None:
    over = Moment(outcome=Reason.FAILED, message="its walltime of 12 s is over", later=1)
    told = [status for _, status in live([Moment(bound=4, ready=4), *ways, over])]
    assert [status.replicas.want for status in told if status.replicas] == [4] * len(told)
    assert {status.pool for status in told} == {"h100"}
    assert [get_state(status) for status in told] == ["Running"] * (len(told) - 1) + ["Failed"]
    assert {get_condition(status, "Placed").status for status in told} == {"True"}
    assert get_condition(told[-1], "Succeeded").message == "its walltime of 12 s is over"


def test_work_that_failed_before_it_had_its_places_is_told_that_it_has_ended() -> None:
    (_, told) = live([Moment(hold=WAIT), Moment(outcome=Reason.FAILED, message="its walltime of 12 s is over")])[-1]
    placed = get_condition(told, "Placed")
    assert (placed.status, placed.reason, placed.message) == ("False", "Failed", "its walltime of 12 s is over")


def test_a_service_that_is_rolled_out_is_as_large_as_it_is_meant_to_be_although_it_has_pods_of_two_sorts() -> None:
    view = look(make_gpuworkload("inference"), Moment(bound=4, ready=4))
    both = replace(view, planned=make_workload(replicas=8, held=(Held("n", 4),)), hold=WAIT)
    status = build_workload_status(both, POOLS, START_AT)
    assert status.replicas is not None
    assert (status.replicas.summary, status.replicas.ready) == ("4/4", 4)
    assert get_condition(status, "Running").message == "4 of 4 pods run in pool `h100`"
    assert status.wait is not None


def test_an_end_on_another_day_has_its_date() -> None:
    told_at = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)
    soon, later = (
        Resize(replicas=2, at=told_at + timedelta(seconds=seconds), told_at=told_at, reason="Why", message="so") for seconds in (30, 90)
    )
    assert describe_shrink(soon) == "2 pods stay, the others end at 23:59:30 UTC: so"
    assert describe_shrink(later) == "2 pods stay, the others end at 2026-11-23 00:00:30 UTC: so"


def merge(target: Any, patch: Any) -> Any:  # noqa: ANN401 any part of a manifest
    """RFC 7396, as the apiserver does it."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


@given(st.lists(moments, min_size=1, max_size=6))
def test_a_patch_makes_the_old_status_the_new_one_and_leaves_kopfs_part_alone(life: list[Moment]) -> None:
    kopf = {"progress": {"kept": True}}
    manifest: Any = {"status": {"kopf": kopf}}
    before: GPUWorkloadStatus | None = None
    for _, status in live(life):
        manifest = merge(manifest, find_status_patch(before, status) or {})
        assert manifest == {"status": {**status.build_manifest(), "kopf": kopf}}
        before = status


def test_a_gang_goes_from_the_queue_to_its_end() -> None:
    wait = Hold(WorkloadName("vision-dev/pretrain"), Reason.INSUFFICIENT_CAPACITY, "32 free accelerators are needed", position=1)
    life = [
        Moment(hold=wait),
        Moment(promised=4, later=10),
        Moment(promised=2, bound=2, later=1),
        Moment(bound=4, ready=3, later=1),
        Moment(bound=4, ready=4, began=4, later=1),
        Moment(bound=0, outcome=Reason.COMPLETED, began=4, ended=4, later=100),
    ]
    told = [status for _, status in live(life)]
    assert [get_state(status) for status in told] == ["InsufficientCapacity", "Placed", "Placed", "Starting", "Running", "Completed"]
    assert [status.replicas and status.replicas.summary for status in told] == ["0/4", "0/4", "2/4", "4/4", "4/4", "4/4"]
    assert [status.wait is not None for status in told] == [True, False, False, False, False, False]
    assert get_condition(told[-1], "Placed").status == "True"
    assert told[-1].accelerator_seconds == 90 * 32
    assert told[-1].cost is not None
    assert told[-1].cost.amount == "1.92"


def test_an_end_stays_told_when_the_object_is_gone() -> None:
    end = Moment(outcome=Reason.FAILED, later=5)
    (_, failed), (_, later) = live([end, Moment(later=1000)])
    assert get_state(later) == "Failed"
    assert find_status_patch(failed, later) is None


def test_who_loses_all_its_places_waits_again_and_its_next_promise_counts_anew() -> None:
    wait = Hold(WorkloadName("vision-dev/pretrain"), Reason.INSUFFICIENT_CAPACITY, "no room", position=1)
    running = Moment(bound=4, ready=4, began=4)
    told = [status for _, status in live([running, Moment(hold=wait, later=50), Moment(promised=4, later=50)])]
    assert told[1].promised_at is None
    assert told[1].pool is None
    assert get_condition(told[1], "Placed").status == "False"
    assert told[2].promised_at is not None
    assert told[2].promised_at.timestamp() == START_AT + 100
    assert told[2].accelerator_seconds == 50 * 32


def test_children_that_the_api_refuses_are_told_with_its_words() -> None:
    [(_, status)] = live([Moment(promised=4, refused=True)])
    assert get_state(status) == "ChildRefused"
    assert status.wait is not None
    assert status.wait.message == "the API said no"


def test_a_service_runs_as_soon_as_one_replica_is_ready() -> None:
    view = look(make_gpuworkload("inference"), Moment(bound=2, ready=1))
    assert get_state(build_workload_status(view, POOLS, START_AT)) == "Running"
    assert get_state(build_workload_status(replace(view, workload=make_gpuworkload()), POOLS, START_AT)) == "Starting"


WAIT = Hold(WorkloadName("vision-dev/pretrain"), Reason.INSUFFICIENT_CAPACITY, "no room", position=1)
AT_ONCE = {
    "it waits": Moment(hold=WAIT),
    "it has a part of its places": Moment(promised=3, hold=WAIT),
    "the API refuses its pods": Moment(promised=4, refused=True),
    "it runs": Moment(bound=4, ready=4),
    "it has ended": Moment(outcome=Reason.COMPLETED),
    "its pods have ended": Moment(ending=True),
}


@pytest.mark.parametrize("moment", AT_ONCE.values(), ids=AT_ONCE)
def test_what_is_no_step_of_a_start_is_told_at_once(moment: Moment) -> None:
    assert find_telling_at(replace(look(make_gpuworkload(), moment), why="WithinGuarantee"), START_AT) is None


@pytest.mark.parametrize("moment", [Moment(promised=4), Moment(promised=2, bound=2), Moment(bound=4, ready=3)])
def test_the_steps_of_a_start_are_kept_back_until_it_has_lasted(moment: Moment) -> None:
    view = replace(look(make_gpuworkload(), moment), untold=Untold(START_AT, "h100"))
    assert [find_telling_at(view, START_AT + later) for later in (0, 2, 3)] == [START_AT + START_SECONDS] * 2 + [None]
    assert find_telling_at(replace(view, untold=None), START_AT) is None, "nobody knows since when"
    name, child = WorkloadName("vision-dev/pretrain"), ChildKey("Job", "vision-dev", "pretrain")
    evicted = Evict(name, child, Reason.RECLAIMED_FOR_GUARANTEE, "it has to go")
    assert find_telling_at(replace(view, evict=evicted), START_AT) is None


def test_an_event_is_told_once_and_under_the_same_name_if_told_again() -> None:
    [(_, waiting)] = live([Moment(hold=Hold(WorkloadName("vision-dev/pretrain"), Reason.QUOTA_REACHED, "no", position=1))])
    workload = make_gpuworkload().model_copy(update={"status": waiting})
    status = build_workload_status(look(workload, Moment(promised=4)), POOLS, START_AT)
    event = find_event(workload, status, START_AT)
    assert event is not None
    assert event["reason"] == "Placed"
    assert event == find_event(workload, status, START_AT)
    assert find_event(workload.model_copy(update={"status": status}), status, START_AT + 1) is None


@st.composite
def worlds(draw: st.DrawFn) -> Snapshot:
    names = ["vision-lab-x", "nlp-lab-y", "robots-lab-z"]
    quotas = [
        make_quota(
            name, guaranteed=draw(st.integers(0, 16)), limit=draw(st.none() | st.integers(16, 40)), borrowable=draw(st.none() | st.just(4))
        )
        for name in names
    ]
    workloads = [
        make_workload(f"w{index}", tenant=draw(st.sampled_from(names)), replicas=draw(st.integers(1, 4)), gpus=draw(st.integers(1, 8)))
        for index in range(draw(st.integers(1, 8)))
    ]
    workloads.append(make_workload("held", tenant=names[0], held=(Held("extra"),)))
    return build_snapshot(
        now_at=START_AT,
        epoch=1,
        number=1,
        pools=[make_pool()],
        nodes=[*make_nodes(3), make_node("extra")],
        tenants=[make_tenant(name) for name in names],
        quotas=quotas,
        workloads=workloads,
    )


@given(worlds())
def test_nothing_that_a_tenant_reads_names_another(snapshot: Snapshot) -> None:
    plan = plan_round(snapshot, ReferenceEngine())
    after = assume_plan(snapshot, plan)
    reasons = {hold.workload: hold for hold in plan.hold}
    for planned in after.workloads:
        workload = make_gpuworkload()
        view = WorkloadView(workload, planned, reasons.get(planned.name), Progress(want=1))
        status = build_workload_status(view, POOLS, START_AT)
        told = str(status.build_manifest()) + str(find_event(workload, status, START_AT))
        assert not [tenant.name for tenant in snapshot.tenants if tenant.name != planned.tenant and tenant.name in told]


@pytest.mark.parametrize(
    ("replicas", "says"),
    [(0, "asks for no pods now: `spec.replicas` says how many"), (3, "has made none of its pods yet: if this lasts, `kubectl describe")],
)
def test_a_written_object_without_pods_is_told_why_it_has_none(replicas: int, says: str) -> None:
    mirror = FilledMirror()
    mirror.deployments_are(deployment_body("web", replicas=replicas))
    [made] = mirror.deployments
    assert says in read_progress(made, (), 0).idle
    mirror.pods_are(service_pod_body("web-x", "web"))
    assert not read_progress(made, mirror.pods, 0).idle


def test_a_job_that_waits_for_its_last_pods_to_end_is_not_asked_why_it_makes_none() -> None:
    mirror = FilledMirror()
    mirror.jobs_are(job_body("solve", done="FailureTarget"))
    [made] = mirror.jobs
    progress = read_progress(made, (), 2)
    assert (progress.failing, progress.idle, progress.outcome, progress.want) == (True, "", None, 2)


def test_what_is_written_can_stand_although_an_earlier_write_took_place_whose_answer_was_lost() -> None:
    """The wait ended, was told so, and nobody heard the answer: then what is written of the next wait is all of it."""
    lost, now = (GPUWorkloadStatus(wait=Wait(reason="QuotaReached", message=f"{each} others", position=each)) for each in (3, 2))
    patch = find_status_patch(lost, now)
    assert patch == {"status": {"wait": {"reason": "QuotaReached", "message": "2 others", "position": 2}}}
    assert find_status_patch(lost, GPUWorkloadStatus(wait=Wait(reason="QuotaReached", message="3 others"))) == {
        "status": {"wait": {"reason": "QuotaReached", "message": "3 others", "position": None}}
    }
