"""Elastic work: what it starts with, and when it grows."""

from tests.builders import HOST, RACK, Held, find_places, get_hold, get_nodes, make_node, make_nodes, make_pool, make_quota, make_workload
from tests.planner.situations import guarantee, make_situation, plan

from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Resize


def ranks(decided: object, name: str) -> list[int]:
    return [entry.seat.rank for place in find_places(decided, name) for entry in place.entries]  # type: ignore[arg-type]


def test_elastic_work_starts_with_the_largest_size_that_fits() -> None:
    decided = plan(make_situation(make_workload(replicas=1, most=9), nodes=4))
    assert ranks(decided, "pretrain") == [0, 1, 2, 3]
    assert len(find_places(decided, "pretrain")) == 1


def test_sizes_are_whole_steps_above_the_least() -> None:
    decided = plan(make_situation(make_workload(replicas=1, most=9, step=2), nodes=4))
    assert ranks(decided, "pretrain") == [0, 1, 2]


def test_it_never_starts_with_less_than_its_least_size() -> None:
    decided = plan(make_situation(make_workload(replicas=5, most=9), nodes=4))
    assert get_hold(decided, "pretrain").reason is Reason.GANG_LARGER_THAN_POOL


def test_it_starts_within_its_limit() -> None:
    decided = plan(make_situation(make_workload(replicas=1, most=9), quotas=[make_quota(limit=20)]))
    assert len(get_nodes(decided, "pretrain")) == 2


def test_it_starts_inside_the_domain_that_it_requires() -> None:
    decided = plan(make_situation(make_workload(replicas=1, most=9, required=RACK), nodes=make_nodes(6, racks=2)))
    assert get_nodes(decided, "pretrain") == ["h100-0000", "h100-0001", "h100-0002"]


def test_idle_capacity_goes_to_running_elastic_work_as_further_ranks() -> None:
    running = make_workload(replicas=1, most=9, held=(Held("h100-0001", 1),))
    decided = plan(make_situation(running))
    [place] = find_places(decided, "pretrain")
    assert place.why is Reason.GREW
    assert ranks(decided, "pretrain") == [1, 2, 3]
    assert get_nodes(decided, "pretrain") == ["h100-0000", "h100-0002", "h100-0003"]


def test_growth_stays_inside_the_domain_that_is_required() -> None:
    running = make_workload(replicas=1, most=9, held=(Held("h100-0001", 1),), required=RACK)
    decided = plan(make_situation(running, nodes=make_nodes(4, racks=2)))
    assert get_nodes(decided, "pretrain") == ["h100-0000"]


def test_growth_takes_whole_steps_only() -> None:
    running = make_workload(replicas=1, most=9, step=2, held=(Held("h100-0001", 1),))
    assert len(get_nodes(plan(make_situation(running)), "pretrain")) == 2


def test_growth_leaves_what_is_not_lent() -> None:
    running = make_workload(replicas=1, most=9, held=(Held("h100-0001", 1),))
    decided = plan(make_situation(running, quotas=[make_quota("speech", guaranteed=16, lendable=0)]))
    assert len(get_nodes(decided, "pretrain")) == 1


def test_growth_borrows_only_what_may_be_borrowed() -> None:
    running = make_workload(replicas=1, most=9, held=(Held("h100-0001", 1),))
    decided = plan(make_situation(running, quotas=[make_quota(guaranteed=8, borrowable=8)]))
    assert len(get_nodes(decided, "pretrain")) == 1


def test_nothing_grows_where_somebody_waits_who_could_use_the_room() -> None:
    running = make_workload(replicas=1, most=9, held=(Held("h100-0001", 1),))
    decided = plan(make_situation(running, make_workload("large", tenant="speech", replicas=4)))
    assert not find_places(decided, "pretrain")
    assert get_hold(decided, "large").reason is Reason.INSUFFICIENT_CAPACITY


def test_who_waits_for_his_own_limit_keeps_nobody_from_growing() -> None:
    running = make_workload(replicas=1, most=9, held=(Held("h100-0001", 1),))
    stopped = make_workload("stopped", tenant="speech", replicas=2)
    decided = plan(make_situation(running, stopped, quotas=[make_quota("speech", limit=8)]))
    assert len(get_nodes(decided, "pretrain")) == 3
    assert get_hold(decided, "stopped").reason is Reason.QUOTA_REACHED


def test_waiting_work_is_served_before_anything_grows() -> None:
    running = make_workload(replicas=1, most=9, held=(Held("h100-0000", 1),))
    decided = plan(make_situation(running, make_workload("small", tenant="speech", replicas=2)))
    assert len(get_nodes(decided, "small")) == 2
    assert len(get_nodes(decided, "pretrain")) == 1


def test_two_that_start_share_what_is_left() -> None:
    """Each has its least size before either has more."""
    first = make_workload("first", replicas=2, most=9)
    second = make_workload("second", tenant="speech", replicas=2, most=9)
    decided = plan(make_situation(first, second, nodes=5))
    assert sorted([len(get_nodes(decided, "first")), len(get_nodes(decided, "second"))]) == [2, 3]


def test_what_a_start_leaves_behind_as_it_becomes_larger_is_grown_into_at_once() -> None:
    running = make_workload("running", replicas=1, most=2, held=(Held("h100-0000"),), required=RACK)
    starting = make_workload("starting", replicas=1, most=3, required=RACK)
    nodes = [make_node(f"h100-{index:04}", rack=rack) for index, rack in enumerate(("r0", "r0", "r1", "r1", "r1"))]
    decided = plan(make_situation(running, starting, nodes=nodes))
    assert get_nodes(decided, "starting") == ["h100-0002", "h100-0003", "h100-0004"]
    assert get_nodes(decided, "running") == ["h100-0001"]


def test_what_shrinks_does_not_grow() -> None:
    told = make_workload(replicas=1, most=9, held=(Held("h100-0000"), Held("h100-0001")), resize=Resize(1, 0))
    assert not plan(make_situation(told)).place


def test_work_of_tier_guaranteed_never_borrows() -> None:
    safe = make_workload(replicas=2, tier="Guaranteed")
    decided = plan(make_situation(safe, quotas=[guarantee("vision", 8)]))
    hold = get_hold(decided, "pretrain")
    assert hold.reason is Reason.QUOTA_REACHED
    assert "does not borrow" in hold.message
    assert hold.nearest_change == "1 replica instead of 2 would start now"


def test_elastic_work_of_tier_guaranteed_grows_up_to_the_guarantee() -> None:
    safe = make_workload(replicas=1, most=4, tier="Guaranteed")
    assert len(get_nodes(plan(make_situation(safe, quotas=[guarantee("vision", 16)])), "pretrain")) == 2


def test_a_pool_without_levels_is_grown_into_as_well() -> None:
    running = make_workload(replicas=1, most=2, held=(Held("h100-0001", 1),), preferred=HOST)
    assert len(get_nodes(plan(make_situation(running, pool=make_pool(topology=()))), "pretrain")) == 1
