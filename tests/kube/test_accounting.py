"""What is counted of each pod: its time by its kubelet's word, once, whoever counts it and whatever was seen of it."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import START_AT, make_pool
from tests.kube.objects import Body, pod_body, training_body
from tests.kube.readings import NOW_AT
from tests.kube.stage import Stage

from commonpool.api.conditions import Condition
from commonpool.api.workloadstatus import GPUWorkloadStatus
from commonpool.kube.read.stints import Stint
from commonpool.kube.resources import GPU_WORKLOADS, JOBS, PODS
from commonpool.kube.status.accounting import account, count_until, is_settled
from commonpool.kube.status.conditions import read_instant
from commonpool.kube.status.spans import Known, build_spans, parse_spans
from commonpool.model.ids import PoolName

POOLS = {PoolName("h100"): make_pool()}
RUNS = GPUWorkloadStatus(accelerators=8, pool="h100")


def make_stint(number: int = 0, since: int = 2, until: int | None = None, *, gpus: int = 8, pool: str = "h100", created: int = 0) -> Stint:
    """A pod of the workload; instants after START_AT."""
    return Stint(
        uid=f"{number:08x}",
        accelerators=gpus,
        pool=pool,
        created_at=START_AT + created,
        since_at=START_AT + since,
        ended=until is not None,
        until_at=START_AT + until if until is not None else 0,
    )


def end(status: GPUWorkloadStatus) -> GPUWorkloadStatus:
    over = Condition(type="Succeeded", status="True", reason="Completed", message="", last_transition_time=read_instant(START_AT))
    return status.model_copy(update={"conditions": [over]})


@dataclass(frozen=True)
class Life:
    """One pod: when it began and ended, how much later each was seen, and whether it went when it ended."""

    number: int
    gpus: int
    since: int
    lasts: int
    late: int
    goes: bool

    @property
    def until(self) -> int:
        return self.since + self.lasts

    def look(self, at: int) -> Stint | None:
        """What the API says of it, while it is there."""
        if at < self.since + self.late or (self.goes and at >= self.until + self.late):
            return None
        return make_stint(self.number, self.since, self.until if at >= self.until + self.late else None, gpus=self.gpus)


@dataclass
class Operator:
    """Counts, and sees every pod that goes."""

    status: GPUWorkloadStatus = field(default_factory=lambda: RUNS)
    departed: dict[int, Stint] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)

    def look(self, lives: list[Life], at: int, *, answers: bool) -> None:
        there = {number: stint for number, life in enumerate(lives) if (stint := life.look(at)) is not None}
        for number, life in enumerate(lives):
            if life.goes and at >= life.until + life.late and number not in self.gone:
                self.gone.add(number)
                self.departed[number] = make_stint(life.number, life.since, life.until, gpus=life.gpus)
        known = parse_spans(self.status.spans or ())
        self.departed = {number: stint for number, stint in self.departed.items() if not is_settled(self.status, known, stint)}
        written = account(self.status, RUNS, [*there.values(), *self.departed.values()], POOLS, START_AT + at)
        if answers:
            self.status = written


lives = st.builds(
    Life,
    number=st.integers(0, 7),
    gpus=st.integers(1, 8),
    since=st.integers(0, 300) | st.just(2),
    lasts=st.integers(0, 300),
    late=st.integers(0, 60),
    goes=st.booleans(),
)
LAST = 300 + 300 + 60
histories = st.lists(lives, max_size=6, unique_by=lambda life: life.number)


@given(histories, st.lists(st.tuples(st.integers(0, LAST), st.booleans()), max_size=30).map(sorted))
def test_what_is_counted_at_the_end_is_what_the_kubelets_say_whenever_it_was_looked(
    pods: list[Life], looks: list[tuple[int, bool]]
) -> None:
    """A look whose answer is lost has written nothing that the next one knows; it counts the same again, and not twice."""
    operator, sums = Operator(), [0]
    for at, answers in [*looks, (LAST, True)]:
        operator.look(pods, at, answers=answers)
        sums.append(operator.status.accelerator_seconds or 0)
    assert sums[-1] == sum(life.gpus * life.lasts for life in pods)
    assert sums == sorted(sums)


@given(histories, st.integers(0, LAST), st.integers(0, LAST))
def test_a_pod_that_nobody_saw_end_was_held_until_it_was_missed(pods: list[Life], told: int, missed: int) -> None:
    """The operator is down between the two; whoever it finds again is counted as the kubelet says."""
    told, missed = sorted((told, missed))
    there = [stint for life in pods if (stint := life.look(told)) is not None]
    before = account(RUNS, RUNS, there, POOLS, START_AT + told)
    found = [stint for life in pods if (stint := life.look(missed)) is not None]
    after = account(before, RUNS, found, POOLS, START_AT + missed)
    ended = sum(life.gpus * life.lasts for life in pods if not life.goes and missed >= life.until + life.late)
    lost = [life for life in pods if life.goes and life.since + life.late <= told < life.until + life.late <= missed]
    assert (after.accelerator_seconds or 0) == ended + sum(life.gpus * (missed - life.since) for life in lost)


@given(histories, st.integers(0, LAST), st.integers(0, 10_000))
def test_time_alone_counts_nothing(pods: list[Life], at: int, later: int) -> None:
    there = [stint for life in pods if (stint := life.look(at)) is not None]
    status = account(RUNS, RUNS, there, POOLS, START_AT + at)
    assert account(status, RUNS, there, POOLS, START_AT + at + later) == status
    assert account(GPUWorkloadStatus.model_validate(status.build_manifest()), RUNS, there, POOLS, START_AT + at + later) == status


@given(created=st.integers(0, 500), since=st.integers(-10_000, 10_000), until=st.integers(-10_000, 10_000), now=st.integers(0, 600))
def test_no_clock_of_a_node_makes_a_pod_longer_than_it_has_been_there(created: int, since: int, until: int, now: int) -> None:
    stint = make_stint(since=since, until=until, created=created)
    counted = stint.count_seconds(START_AT + now)
    assert 0 <= counted <= max(0, now - created)
    assert counted <= now - since or since > now, "nothing ends after now"


def test_a_node_whose_clock_is_wrong_says_well_how_long_a_pod_ran() -> None:
    for off in (-3600, 0, 3600):
        assert make_stint(since=2 + off, until=60 + off).count_seconds(START_AT + 62) == 58


def test_a_pod_costs_what_its_pool_does_and_a_workload_of_two_pools_both() -> None:
    prices = (("h100", 2_000_000), ("a100", 1_000_000))
    pools = {PoolName(name): make_pool(name, price_micro_per_hour=price) for name, price in prices}
    stints = [make_stint(0, 0, 3600), make_stint(1, 0, 3600, pool="a100")]
    status = account(RUNS, RUNS, stints, pools, START_AT + 3600)
    assert status.accelerator_seconds == 16 * 3600
    assert status.cost is not None
    assert status.cost.amount == "24.00"


def test_prices_in_another_currency_are_not_added() -> None:
    first = account(RUNS, RUNS, [make_stint(0, 0, 3600)], POOLS, START_AT + 3600)
    dollars = {PoolName("h100"): replace(make_pool(), currency="USD")}
    second = account(first, RUNS, [make_stint(0, 0, 3600), make_stint(1, 0, 3600)], dollars, START_AT + 3600)
    assert (second.cost, second.accelerator_seconds) == (first.cost, 2 * 8 * 3600)


def test_what_is_told_of_its_pods_is_short_and_goes_with_the_end() -> None:
    running = [make_stint(number) for number in range(4)]
    status = account(RUNS, RUNS, running, POOLS, START_AT + 5)
    every = "00000000 00000001 00000002 00000003"
    assert status.build_manifest()["spans"] == [{"since": "2027-01-15T08:00:02Z", "accelerators": 8, "pods": every}]
    half = account(status, RUNS, [replace(stint, ended=stint.uid < "00000002") for stint in running], POOLS, START_AT + 9)
    assert [(span.pods, span.ended) for span in half.spans or ()] == [("00000002 00000003", None), ("00000000 00000001", True)]
    assert half.accelerator_seconds == 2 * 8 * 7, "nobody says when they ended: they were held until they were seen"
    ended = [replace(stint, ended=True) for stint in running]
    over = account(half, end(RUNS), ended, POOLS, START_AT + 9)
    assert (over.spans, over.accelerator_seconds) == (None, 4 * 8 * 7)
    assert account(over, end(RUNS), [*ended, make_stint(7, 30)], POOLS, START_AT + 60) == over


def test_what_is_told_of_the_pods_of_the_largest_job_is_within_the_bounds_of_its_field() -> None:
    known = {(f"{number:08x}", START_AT): Known(START_AT, 8) for number in range(100_000)}
    assert parse_spans(build_spans(known) or ()) == known


def test_a_pod_on_a_node_of_no_pool_is_in_nobodys_sum_unless_it_was_before() -> None:
    stray = make_stint(pool="")
    assert account(RUNS, RUNS, [stray], POOLS, START_AT + 5).spans is None
    known = account(RUNS, RUNS, [make_stint()], POOLS, START_AT + 5)
    assert account(known, RUNS, [replace(stray, ended=True)], POOLS, START_AT + 9).accelerator_seconds == 8 * 7


def test_as_of_now_is_what_has_ended_and_what_runs() -> None:
    status = account(RUNS, RUNS, [make_stint(0, 0, 10), make_stint(1, 5)], POOLS, START_AT + 20)
    assert status.accelerator_seconds == 80
    used, cost = count_until(status, make_pool(), START_AT + 105)
    assert (used, cost is not None) == (80 + 800, True)
    assert count_until(status, None, START_AT + 105) == (880, status.cost)


def make_first(number: int, gpus: int, phase: str = "Running") -> Body:
    """A pod that says it is the first of Job `pretrain`; who may make pods may write so on as many as he likes."""
    body = pod_body(f"pretrain-0-{number}", job="pretrain", rank=0, node="gpu-0", gpus=gpus, phase=phase)
    body["metadata"]["ownerReferences"][0]["uid"] = "uid-Job-pretrain"
    ends = {"containerStatuses": [{"state": {"terminated": {"finishedAt": "2026-11-22T12:01:42Z"}}}]} if phase == "Failed" else {}
    return {**body, "status": {**body["status"], "startTime": "2026-11-22T12:00:02Z", **ends}}


@pytest.mark.parametrize("sizes", [(1,) * 8, (7, 1), (1, 7)])
async def test_pods_that_all_say_they_are_the_first_and_begin_in_one_second_are_each_counted(sizes: tuple[int, ...]) -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    await stage.round()
    stage.put(PODS, *(make_first(number, gpus) for number, gpus in enumerate(sizes)))
    await stage.settled()
    stage.now_at = NOW_AT + 102
    stage.put(PODS, *(make_first(number, gpus, "Failed") for number, gpus in enumerate(sizes)))
    await stage.settled()
    assert stage.status()["acceleratorSeconds"] == 8 * 100


@pytest.mark.parametrize(
    ("conditions", "late", "seconds"),
    [
        ((("FailureTarget", "12:01:02"), ("Failed", "12:01:12")), 600, 70),
        ((("FailureTarget", "12:01:02"),), 600, 598),
        ((("FailureTarget", "12:01:02"), ("Failed", "13:00:00")), 600, 598),
    ],
    ids=["its Job says when", "its Job waits for them", "the clock of who says so is ahead"],
)
async def test_pods_that_went_while_no_operator_looked_ended_at_the_latest_when_their_job_had(
    conditions: tuple[tuple[str, str], ...], late: int, seconds: int
) -> None:
    stage = Stage()
    stage.put(GPU_WORKLOADS, training_body())
    await stage.round()
    stage.put(PODS, *(make_first(number, 4) for number in range(2)))
    await stage.settled()

    after = Stage(epoch=2, api=stage.api)
    after.now_at = NOW_AT + late
    after.mirror.own(*stage.api.all(GPU_WORKLOADS))
    [job] = stage.api.all(JOBS)
    said = [{"type": kind, "status": "True", "lastTransitionTime": f"2026-11-22T{time}Z"} for kind, time in conditions]
    after.put(JOBS, {**job, "status": {"conditions": said}})
    await after.settled()
    assert after.status()["acceleratorSeconds"] == 2 * 4 * seconds
