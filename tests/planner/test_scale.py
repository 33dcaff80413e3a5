"""Pools that ask for nodes and give them back."""

from dataclasses import replace

from tests.builders import (
    BLOCK,
    GIB,
    HOST,
    RACK,
    START_AT,
    Held,
    find_places,
    get_hold,
    get_nodes,
    make_nodes,
    make_pool,
    make_quota,
    make_workload,
)
from tests.planner.situations import guarantee, make_situation, plan

from commonpool.model.amounts import Amounts
from commonpool.model.assume import assume_plan
from commonpool.model.plan import Plan
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Pool, Scaling

NEW_NODE = Amounts(8000, 128_000, 1024 * GIB, 110)


def scaling(*, wanted: int = 2, least: int = 0, most: int = 8, surplus_since: int | None = None, cooldown: int = 600) -> Pool:
    since_at = 0 if surplus_since is None else START_AT - surplus_since
    return make_pool(scaling=Scaling(least, most, wanted, NEW_NODE, cooldown, since_at))


def asked(decided: Plan) -> list[tuple[int, Reason, tuple[str, ...]]]:
    return [(scale.nodes, scale.why, scale.release) for scale in decided.scale]


def test_work_that_fits_no_present_node_asks_for_nodes() -> None:
    decided = plan(make_situation(make_workload(replicas=3), nodes=2, pool=scaling()))
    assert asked(decided) == [(3, Reason.WORK_NEEDS_NODES, ())]
    assert get_hold(decided, "pretrain").reason is Reason.WAITS_FOR_NODES


def test_nodes_that_are_on_their_way_are_not_asked_for_again() -> None:
    decided = plan(make_situation(make_workload(replicas=3), nodes=2, pool=scaling(wanted=3)))
    assert not decided.scale
    assert get_hold(decided, "pretrain").reason is Reason.WAITS_FOR_NODES


def test_nodes_are_asked_for_whole_gangs_at_a_time() -> None:
    """Four nodes may come: the first gang needs three, the second two."""
    first, second = make_workload("first", replicas=3, age=2), make_workload("second", replicas=2, age=1)
    decided = plan(make_situation(first, second, nodes=0, pool=scaling(wanted=0, most=4)))
    assert asked(decided) == [(3, Reason.WORK_NEEDS_NODES, ())]
    assert get_hold(decided, "first").reason is Reason.WAITS_FOR_NODES
    assert get_hold(decided, "second").reason is Reason.INSUFFICIENT_CAPACITY


def test_a_gang_that_the_largest_pool_could_not_hold_asks_for_nothing() -> None:
    decided = plan(make_situation(make_workload(replicas=9), nodes=2, pool=scaling(surplus_since=0)))
    assert not decided.scale
    assert get_hold(decided, "pretrain").reason is Reason.GANG_LARGER_THAN_POOL


def test_who_is_stopped_by_a_limit_asks_for_nothing() -> None:
    busy = make_workload("busy", held=(Held("h100-0000"),)), make_workload("more", held=(Held("h100-0001"),))
    decided = plan(make_situation(*busy, make_workload(replicas=3), nodes=2, pool=scaling(), quotas=[make_quota(limit=24)]))
    assert not decided.scale
    assert get_hold(decided, "pretrain").reason is Reason.QUOTA_REACHED


def test_what_is_not_lent_may_be_worked_around_with_new_nodes() -> None:
    decided = plan(
        make_situation(make_workload(replicas=1), nodes=1, pool=scaling(wanted=1), quotas=[make_quota("speech", guaranteed=8, lendable=0)])
    )
    assert asked(decided) == [(2, Reason.WORK_NEEDS_NODES, ())]


def test_what_comes_back_anyway_is_not_asked_for() -> None:
    leaving = make_workload("leaving", held=(Held("h100-0000"),), leaving=True)
    decided = plan(make_situation(leaving, make_workload(), nodes=1, pool=scaling(wanted=1)))
    assert not decided.scale
    assert get_hold(decided, "pretrain").reason is Reason.INSUFFICIENT_CAPACITY


def test_a_guarantee_is_taken_back_before_nodes_are_asked_for() -> None:
    borrower = make_workload("borrower", held=(Held("h100-0000"),))
    decided = plan(
        make_situation(borrower, make_workload("claim", tenant="speech"), nodes=1, pool=scaling(wanted=1), quotas=[guarantee("speech", 8)])
    )
    assert [evict.workload for evict in decided.evict] == ["vision-dev/borrower"]
    assert not decided.scale


def test_a_claim_waits_for_nodes_that_are_on_their_way_rather_than_evict() -> None:
    borrower = make_workload("borrower", held=(Held("h100-0000"),))
    decided = plan(
        make_situation(borrower, make_workload("claim", tenant="speech"), nodes=1, pool=scaling(wanted=2), quotas=[guarantee("speech", 8)])
    )
    assert not decided.evict
    assert get_hold(decided, "claim").reason is Reason.WAITS_FOR_NODES


def test_nobody_knows_in_which_rack_a_new_node_will_be() -> None:
    assert not plan(make_situation(make_workload(replicas=2, required=RACK), nodes=1, pool=scaling(wanted=1))).scale
    assert asked(
        plan(
            make_situation(
                make_workload(replicas=2, gpus=4, required=HOST),
                make_workload("busy", held=(Held("h100-0000"),)),
                nodes=1,
                pool=scaling(wanted=1),
            )
        )
    ) == [(2, Reason.WORK_NEEDS_NODES, ())]


def test_work_that_chooses_nodes_by_label_asks_for_none() -> None:
    assert not plan(make_situation(make_workload(node_selector={"zone": "east"}), nodes=1, pool=scaling(wanted=1, surplus_since=0))).scale


def test_elastic_work_asks_for_its_least_size_only() -> None:
    decided = plan(make_situation(make_workload(replicas=3, most=8), nodes=2, pool=scaling()))
    assert asked(decided) == [(3, Reason.WORK_NEEDS_NODES, ())]


def test_growth_asks_for_no_nodes() -> None:
    running = make_workload(replicas=1, most=8, held=(Held("h100-0000"),))
    decided = plan(make_situation(running, nodes=2, pool=scaling()))
    assert len(get_nodes(decided, "pretrain")) == 1
    assert not decided.scale


def test_a_pool_below_its_least_asks_for_nodes() -> None:
    assert asked(plan(make_situation(nodes=0, pool=scaling(wanted=0, least=2)))) == [(2, Reason.BELOW_LEAST_NODES, ())]


def test_empty_nodes_are_surplus_until_the_cooldown_is_over() -> None:
    decided = plan(make_situation(nodes=2, pool=scaling()))
    assert (decided.scale, decided.surplus) == ((), ("h100",))
    after = assume_plan(make_situation(nodes=2, pool=scaling()), decided)
    assert after.pools[0].scaling is not None
    assert after.pools[0].scaling.surplus_since_at == START_AT
    assert plan(make_situation(nodes=2, pool=scaling(surplus_since=599))).surplus == ("h100",)


def test_surplus_nodes_are_given_back_from_the_far_end() -> None:
    busy = make_workload(held=(Held("h100-0001"),))
    decided = plan(make_situation(busy, nodes=4, pool=scaling(wanted=4, least=2, surplus_since=600)))
    assert asked(decided) == [(2, Reason.NODES_IDLE, ("h100-0003", "h100-0002"))]
    assert not decided.surplus


def test_nodes_that_are_still_booting_are_given_back_too() -> None:
    decided = plan(make_situation(nodes=1, pool=scaling(wanted=3, least=1, surplus_since=600)))
    assert asked(decided) == [(1, Reason.NODES_IDLE, ())]


def test_no_node_is_given_back_while_somebody_waits_who_could_use_it() -> None:
    busy = make_workload("busy", held=(Held("h100-0000"),))
    decided = plan(make_situation(busy, make_workload(replicas=4), nodes=2, pool=scaling(most=4, wanted=2, surplus_since=600)))
    assert (decided.scale, decided.surplus) == ((), ())


def test_a_guarantee_keeps_no_nodes() -> None:
    decided = plan(make_situation(nodes=2, pool=scaling(surplus_since=600), quotas=[guarantee("vision", 16)]))
    assert asked(decided) == [(0, Reason.NODES_IDLE, ("h100-0001", "h100-0000"))]


def test_nodes_that_go_do_not_count_as_there() -> None:
    nodes = [replace(node, schedulable=False, releasing=True) for node in make_nodes(2)]
    decided = plan(make_situation(make_workload(), nodes=nodes, pool=scaling(wanted=0)))
    assert asked(decided) == [(1, Reason.WORK_NEEDS_NODES, ())]


def test_a_broken_node_is_there_and_goes_first() -> None:
    nodes = [replace(node, schedulable=node.name != "h100-0000") for node in make_nodes(2)]
    decided = plan(make_situation(nodes=nodes, pool=scaling(least=1, surplus_since=600)))
    assert asked(decided) == [(1, Reason.NODES_IDLE, ("h100-0000",))]
    assert not plan(make_situation(make_workload(required=BLOCK), nodes=nodes, pool=scaling(least=2))).scale


def test_idle_room_goes_to_elastic_work_before_nodes_go() -> None:
    running = make_workload(replicas=1, most=2, held=(Held("h100-0000"),))
    decided = plan(make_situation(running, nodes=3, pool=scaling(wanted=3, surplus_since=600)))
    assert find_places(decided, "pretrain")
    assert [scale.nodes for scale in decided.scale] == [2]
