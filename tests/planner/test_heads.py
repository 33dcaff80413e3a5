"""Who has waited too long has room kept for it."""

from tests.builders import RACK, Held, find_places, get_nodes, make_nodes, make_quota, make_workload
from tests.planner.situations import make_situation, plan

OVERDUE = 1801


def test_what_is_overdue_goes_before_higher_priority() -> None:
    old = make_workload("old", replicas=2, age=OVERDUE)
    urgent = make_workload("urgent", tenant="speech", replicas=2, priority=100)
    decided = plan(make_situation(old, urgent, nodes=3))
    assert (len(get_nodes(decided, "old")), get_nodes(decided, "urgent")) == (2, [])


def test_small_work_does_not_take_what_the_head_waits_for() -> None:
    busy = make_workload("busy", tenant="audio", replicas=1, held=(Held("h100-0000"),))
    old = make_workload("old", replicas=2, age=OVERDUE)
    small = make_workload("small", tenant="speech", replicas=1, gpus=1)
    decided = plan(make_situation(busy, old, small, nodes=2))
    assert not find_places(decided, "small")


def test_before_that_it_may() -> None:
    busy = make_workload("busy", tenant="audio", replicas=1, held=(Held("h100-0000"),))
    young = make_workload("young", replicas=2, age=1800)
    small = make_workload("small", tenant="speech", replicas=1, gpus=1)
    assert find_places(plan(make_situation(busy, young, small, nodes=2)), "small")


def test_what_its_owner_held_back_is_not_overdue_the_moment_it_may_go() -> None:
    busy = make_workload("busy", tenant="audio", replicas=1, held=(Held("h100-0000"),))
    parked = make_workload("parked", replicas=2, age=86_400, queued=1800)
    small = make_workload("small", tenant="speech", replicas=1, gpus=1)
    assert find_places(plan(make_situation(busy, parked, small, nodes=2)), "small")


def test_of_what_is_overdue_the_one_that_could_have_run_longest_goes_first() -> None:
    parked = make_workload("parked", replicas=2, age=86_400, queued=OVERDUE)
    old = make_workload("old", tenant="speech", replicas=2, age=OVERDUE + 1)
    assert find_places(plan(make_situation(parked, old, nodes=2)), "old")


def test_smaller_work_still_uses_the_other_nodes() -> None:
    busy = [make_workload(f"busy{node}", tenant="audio", gpus=4, held=(Held(f"h100-{node:04}"),)) for node in (0, 1, 2)]
    old = make_workload("old", replicas=2, age=OVERDUE)
    small = make_workload("small", tenant="speech", replicas=1, gpus=1)
    assert get_nodes(plan(make_situation(*busy, old, small, nodes=3)), "small") == ["h100-0002"]


def test_the_head_keeps_the_domain_that_has_most_room() -> None:
    busy = [make_workload(f"busy{node}", tenant="audio", gpus=8, held=(Held(f"h100-{node:04}"),)) for node in (0, 1, 2)]
    old = make_workload("old", replicas=2, age=OVERDUE, required=RACK)
    small = [make_workload(f"small{index}", tenant="speech", replicas=1, gpus=1) for index in range(2)]
    nodes = make_nodes(4, racks=2)
    assert not plan(make_situation(*busy, old, *small, nodes=nodes)).place
    assert plan(make_situation(*busy[:2], old, *small, nodes=nodes)).place[0].workload == "vision-dev/old"


def test_who_is_stopped_by_his_own_limit_keeps_nothing() -> None:
    busy = make_workload("busy", replicas=1, held=(Held("h100-0000"),))
    old = make_workload("old", replicas=2, age=OVERDUE)
    small = make_workload("small", tenant="speech", replicas=1, gpus=1)
    assert find_places(plan(make_situation(busy, old, small, nodes=3, quotas=[make_quota(limit=16)])), "small")


def test_who_could_never_start_beside_the_guarantees_of_others_keeps_nothing() -> None:
    old = make_workload("old", replicas=2, age=OVERDUE)
    small = make_workload("small", tenant="speech", replicas=1, gpus=1)
    decided = plan(make_situation(old, small, nodes=2, quotas=[make_quota("audio", guaranteed=8, lendable=0)]))
    assert find_places(decided, "small")


def test_one_workload_a_pool_has_room_kept() -> None:
    """The oldest keeps two nodes; the next oldest keeps none, and the fourth node serves who is smaller."""
    busy = [make_workload(f"busy{node}", tenant="audio", gpus=8, held=(Held(f"h100-{node:04}"),)) for node in (0, 1)]
    oldest = make_workload("oldest", replicas=3, age=OVERDUE + 2)
    older = make_workload("older", replicas=2, age=OVERDUE + 1)
    small = make_workload("small", tenant="speech", replicas=1, gpus=1)
    decided = plan(make_situation(*busy, oldest, older, small, nodes=4))
    assert not decided.place
    assert find_places(plan(make_situation(*busy[:1], older, small, nodes=3)), "older")
