"""What Prometheus sees of a round."""

from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from tests.builders import make_node, make_pool, make_quota, make_tenant

from commonpool.cycle import Cycle
from commonpool.kube.reflector import Tally
from commonpool.live.metrics import Metrics
from commonpool.live.stopwatch import Stopwatch, Times
from commonpool.model.amounts import Amounts
from commonpool.model.ids import ChildKey, NodeName, PoolName, Seat, TenantName, WorkloadName
from commonpool.model.plan import Entry, Evict, Hold, Place, Plan, ScalePool, Shrink
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Holding, Scaling, Snapshot, Workload, build_snapshot
from commonpool.telemetry.instruments import INSTRUMENTS


def read_value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"commonpool_{name}", labels)


def make_metrics(epoch: int | None = 7) -> Metrics:
    return Metrics(lambda: epoch, "native", lambda: 0)


def make_cycle(bound: int, promised: int, holds: tuple[Hold, ...] = (), now_at: int = 100) -> Cycle:
    eight = Amounts(8000, 1000, 1, 1)
    holdings = tuple(
        Holding(NodeName(f"n{rank}"), PoolName("h100"), Seat(rank=rank), bound=rank < bound, amounts=eight)
        for rank in range(bound + promised)
    )
    workload = Workload(WorkloadName("dev/a"), ChildKey("Job", "dev", "a"), TenantName("vision"), eight, created_at=1, holdings=holdings)
    waits = Workload(
        WorkloadName("dev/b"),
        ChildKey("Job", "dev", "b"),
        TenantName("vision"),
        eight,
        created_at=10,
        queued_at=40,
        needs=(Seat(rank=0),),
        needs_min=1,
    )
    nodes = [make_node(f"n{index}") for index in range(4)]
    snapshot = build_snapshot(
        now_at=now_at,
        epoch=1,
        number=1,
        pools=[make_pool()],
        nodes=nodes,
        tenants=[make_tenant()],
        quotas=[make_quota(guaranteed=8, limit=16)],
        workloads=[workload, waits],
    )
    return Cycle(snapshot, Plan(1, 1, hold=holds))


def make_hold(reason: Reason, position: int = 0) -> Hold:
    return Hold(WorkloadName("dev/b"), reason, "over", position=position)


def test_a_pools_accelerators_are_told_by_state_and_the_states_add_up_to_what_there_is() -> None:
    metrics = make_metrics()
    metrics.observe(make_cycle(bound=2, promised=1))
    states = ("bound", "promised", "foreign", "free", "unhealthy")
    seen = {state: read_value(metrics.registry, "pool_accelerators", pool="h100", state=state) for state in states}
    assert seen == {"bound": 16.0, "promised": 8.0, "foreign": 0.0, "free": 8.0, "unhealthy": 0.0}
    assert read_value(metrics.registry, "pool_capacity_accelerators", pool="h100") == sum(filter(None, seen.values()))
    assert read_value(metrics.registry, "tenant_accelerators", tenant="vision", pool="h100", state="bound") == 16.0


def test_a_quota_line_is_told_with_what_it_guarantees_allows_and_lends() -> None:
    metrics = make_metrics()
    metrics.observe(make_cycle(bound=2, promised=1))
    line = {"tenant": "vision", "pools": "h100", "unit": "accelerator"}
    parts = ("guaranteed", "limit", "used", "borrowed", "lent")
    assert [read_value(metrics.registry, f"quota_{part}_accelerators", **line) for part in parts] == [8, 16, 24, 16, 0]


def test_a_reason_that_nobody_waits_for_any_more_disappears() -> None:
    metrics = make_metrics()
    metrics.observe(make_cycle(1, 0, (make_hold(Reason.QUOTA_REACHED, position=1),)))
    labels = {"tenant": "vision", "reason": "QuotaReached"}
    assert read_value(metrics.registry, "waiting_workloads", **labels) == 1.0
    assert read_value(metrics.registry, "waiting_accelerators", **labels) == 8.0
    metrics.observe(make_cycle(1, 0))
    assert read_value(metrics.registry, "waiting_workloads", **labels) is None


def test_the_oldest_in_the_queue_is_told_and_what_can_never_start_is_not_in_it() -> None:
    metrics = make_metrics()
    metrics.observe(make_cycle(1, 0, (make_hold(Reason.QUOTA_REACHED, position=1),)))
    assert read_value(metrics.registry, "oldest_waiting_timestamp_seconds", tenant="vision") == 40.0
    metrics.observe(make_cycle(1, 0, (make_hold(Reason.INVALID_SPEC),)))
    assert read_value(metrics.registry, "oldest_waiting_timestamp_seconds", tenant="vision") is None


def test_who_leads_no_longer_says_nothing_of_the_pool_for_its_successor_does() -> None:
    epochs: list[int | None] = [7]
    metrics = Metrics(lambda: epochs[-1], "native", lambda: 0)
    metrics.observe(make_cycle(2, 1))
    assert read_value(metrics.registry, "leader") == 1.0
    assert read_value(metrics.registry, "leader_epoch") == 7.0
    epochs.append(None)
    assert read_value(metrics.registry, "pool_capacity_accelerators", pool="h100") is None
    assert read_value(metrics.registry, "leader") == 0.0
    assert read_value(metrics.registry, "rounds_total", outcome="still") == 1.0


def test_a_wait_is_counted_once_and_again_when_its_reason_changes() -> None:
    metrics = make_metrics()
    for reason in (Reason.QUOTA_REACHED, Reason.QUOTA_REACHED, Reason.INSUFFICIENT_CAPACITY, Reason.QUOTA_REACHED):
        metrics.observe(make_cycle(1, 0, (make_hold(reason, position=1),)))
    assert read_value(metrics.registry, "actions_total", action="hold", reason="QuotaReached") == 2.0
    assert read_value(metrics.registry, "actions_total", action="hold", reason="InsufficientCapacity") == 1.0


def test_what_is_taken_back_is_counted_by_its_rule_and_what_a_provider_owes_by_pool() -> None:
    metrics, cycle = make_metrics(), make_cycle(1, 0)
    name, child, why = WorkloadName("dev/a"), ChildKey("Job", "dev", "a"), Reason.RECLAIMED_FOR_GUARANTEE
    pool = replace(make_pool(), scaling=Scaling(1, 9, 4, Amounts(8000, 1, 1, 1)))
    scale = ScalePool(PoolName("h100"), 6, Reason.WORK_NEEDS_NODES, "")
    plan = Plan(1, 1, shrink=(Shrink(name, child, 1, 9, why, ""),), evict=(Evict(name, child, why, ""),), scale=(scale,))
    metrics.observe(cycle)
    for counted in ("shrunk_workloads_total", "evicted_workloads_total"):
        assert read_value(metrics.registry, counted, tenant="vision", reason=why) == 0.0, (
            "there before the first, so that it is an increase"
        )
    metrics.observe(Cycle(replace(cycle.snapshot, pools=(pool,)), plan))
    for counted in ("shrunk_workloads_total", "evicted_workloads_total"):
        assert read_value(metrics.registry, counted, tenant="vision", reason=why) == 1.0
    for action in ("shrink", "evict"):
        assert read_value(metrics.registry, "actions_total", action=action, reason=why) == 1.0
    assert read_value(metrics.registry, "actions_total", action="scale", reason="WorkNeedsNodes") == 1.0
    assert read_value(metrics.registry, "pool_wanted_nodes", pool="h100") == 6.0


def make_place(why: Reason) -> Place:
    entries = (Entry(Seat(rank=0), NodeName("n3")),)
    child = ChildKey("Job", "dev", "b")
    return Place(
        WorkloadName("dev/b"), child, TenantName("vision"), PoolName("h100"), "nvidia.com/gpu", Amounts(8000, 1, 1, 1), entries, why
    )


@pytest.mark.parametrize(("why", "action", "waits"), [(Reason.BORROWED, "place", 1.0), (Reason.GREW, "grow", 0.0)])
def test_a_placement_tells_how_long_it_was_waited_for_and_growth_does_not(why: Reason, action: str, waits: float) -> None:
    metrics, cycle = make_metrics(), make_cycle(1, 0)
    metrics.observe(Cycle(cycle.snapshot, Plan(1, 1, place=(make_place(why),))), Times(0.1, 0.2, 0.3, ended_at=50.0), woken_at=48.0)
    assert read_value(metrics.registry, "actions_total", action=action, reason=why) == 1.0
    assert read_value(metrics.registry, "placed_pods_total", pool="h100", reason=why) == 1.0
    assert read_value(metrics.registry, "wait_duration_seconds_count", pool="h100") == waits
    assert read_value(metrics.registry, "wait_duration_seconds_sum", pool="h100") == 60.0 * waits
    assert read_value(metrics.registry, "decision_latency_seconds_sum") == 2.0
    assert read_value(metrics.registry, "round_duration_seconds_sum") == pytest.approx(0.6)
    assert read_value(metrics.registry, "round_part_duration_seconds_sum", part="plan") == 0.2


def test_accelerator_seconds_are_what_was_held_times_how_long_and_nothing_while_another_leads() -> None:
    clock = [0.0]
    metrics = Metrics(lambda: 7, "native", lambda: clock[-1])

    def counted() -> float | None:
        return read_value(metrics.registry, "tenant_accelerator_seconds_total", tenant="vision", pool="h100")

    for now_at, bound in ((100, 2), (100, 1), (110, 1), (130, 0)):
        metrics.observe(make_cycle(bound, 0, now_at=now_at))
    assert counted() == 8 * 10 + 8 * 20, "the last look of a second counts"
    metrics.observe(make_cycle(1, 0, now_at=131))
    clock.append(141.9)
    assert counted() == 240 + 8 * 10, "also where no round has come since"
    clock.append(120.0)
    assert counted() == 320, "a clock that was set back takes nothing away"
    metrics.stand_by()
    clock.append(400.0)
    assert counted() == 320
    for now_at in (500, 500):
        clock.append(now_at)
        assert counted() == 320
        metrics.observe(make_cycle(1, 0, now_at=now_at))
    clock.append(507.0)
    assert counted() == 320 + 8 * 7, "also if it was asked in the very second of the round"


def test_a_write_that_failed_is_counted_by_kind_and_never_by_name() -> None:
    metrics = make_metrics()
    metrics.observe_failures(["Job vision/a", "Job vision/b", "namespace x", "Anything a tenant could name"])
    assert read_value(metrics.registry, "failed_writes_total", subject="Job") == 2.0
    assert read_value(metrics.registry, "failed_writes_total", subject="other") == 2.0


def test_every_metric_is_one_of_the_table_and_its_labels_are_bounded() -> None:
    metrics, cycle = make_metrics(), make_cycle(1, 0, (make_hold(Reason.QUOTA_REACHED, position=1),))
    scaled = replace(make_pool(), scaling=Scaling(1, 9, 4, Amounts(8000, 1, 1, 1)))
    metrics.observe(Cycle(replace(cycle.snapshot, pools=(scaled,)), cycle.plan), Times(0.1, 0.1, 0.1, 1.0), 0.5)
    metrics.observe(make_cycle(1, 0, (make_hold(Reason.QUOTA_REACHED, position=1),), now_at=200))
    metrics.observe(Cycle(replace(cycle.snapshot, pools=(scaled,)), cycle.plan))
    metrics.observe_request("GET", "200", 0.1)
    metrics.follow({"pods": Tally()})
    ours = {family.name: family for family in metrics.registry.collect() if family.name.startswith("commonpool_")}
    known = {each.name.removesuffix("_total"): each for each in INSTRUMENTS}
    assert ours.keys() == known.keys()
    for name, family in ours.items():
        assert family.type == known[name].kind
        assert {*family.samples[0].labels} - {"le"} == {*known[name].labels}
    assert not {label for each in INSTRUMENTS for label in each.labels} & {"workload", "pod", "node", "namespace", "name"}


def test_what_a_watch_has_read_and_could_not_read_is_told_by_resource() -> None:
    metrics, tally = make_metrics(), Tally(lists=1)
    metrics.follow({"pods": tally})
    tally.lists, tally.events, tally.failures = 2, 30, 4
    tally.unreadable = {("dev", "a"), ("dev", "b")}
    counts = ("watch_lists_total", "watch_events_total", "watch_failures_total", "unreadable_objects")
    assert [read_value(metrics.registry, name, resource="pods") for name in counts] == [2, 30, 4, 2]


async def test_the_parts_of_a_round_are_timed_where_they_happen() -> None:
    clock = iter([10.0, 11.0, 13.0, 17.0])
    facts = make_cycle(1, 0).snapshot

    class Cluster:
        def read(self) -> Snapshot:
            return facts

        async def apply(self, snapshot: Snapshot, plan: Plan) -> None:
            assert (snapshot, plan) == (facts, Plan(1, 1))

    stopwatch = Stopwatch(Cluster(), lambda: next(clock))
    await stopwatch.apply(stopwatch.read(), Plan(1, 1))
    assert stopwatch.times == Times(read=1.0, plan=2.0, apply=4.0, ended_at=17.0)
    assert stopwatch.times.whole == 7.0
