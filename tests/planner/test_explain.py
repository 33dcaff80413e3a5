from dataclasses import replace

from tests.builders import BLOCK, RACK, Held, get_hold, make_node, make_nodes, make_pool, make_quota, make_workload
from tests.planner.plans import plan

from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Node, Segment, Spread, Workload

BUSY = make_workload("busy", tenant="nlp", replicas=2, held=(Held("h100-0000"), Held("h100-0001")))


def test_a_gang_that_lacks_room_hears_how_many_would_start() -> None:
    hold = get_hold(plan(BUSY, make_workload("gang", replicas=3), nodes=make_nodes(4)), "gang")
    assert hold.reason is Reason.INSUFFICIENT_CAPACITY
    assert hold.message == "pool `h100` has room for 2 of 3 pods with 8 accelerators each now"
    assert hold.nearest_change == "2 replicas instead of 3 would start now"
    assert hold.position == 1


def test_a_gang_that_finds_nothing_hears_what_it_waits_for() -> None:
    busy = make_workload("busy", tenant="nlp", replicas=8, gpus=3, held=tuple(Held(f"h100-{number:04}", 2) for number in range(4)))
    hold = get_hold(plan(busy, make_workload("gang", replicas=2), nodes=make_nodes(4)), "gang")
    assert hold.message == "pool `h100` has room for 0 of 2 pods with 8 accelerators each now"
    assert hold.nearest_change == "waits until 16 accelerators of pool `h100` are free on nodes that fit its pods; 8 are free in all"


def test_a_gang_larger_than_the_pool_hears_it_at_once() -> None:
    hold = get_hold(plan(BUSY, make_workload("gang", replicas=9), nodes=make_nodes(4)), "gang")
    assert hold.reason is Reason.GANG_LARGER_THAN_POOL
    assert hold.message == "9 pods with 8 accelerators each are more than pool `h100` could ever hold: 4"
    assert hold.nearest_change == "at most 4 replicas fit the pool when it is empty"
    assert hold.position == 0


def test_a_pod_that_no_node_can_hold_hears_it_at_once() -> None:
    hold = get_hold(plan(make_workload("wide", gpus=16), nodes=make_nodes(4)), "wide")
    assert hold.message == "no node of pool `h100` can hold 1 pod with 16 accelerators each"
    picky = get_hold(plan(make_workload("picky", node_selector={"zone": "moon"}), nodes=make_nodes(4)), "picky")
    assert picky.reason is Reason.GANG_LARGER_THAN_POOL
    assert picky.message == "no node of pool `h100` that the workload's node selector chooses can hold 1 pod with 8 accelerators each"


def test_a_pod_whose_cpu_no_node_has_hears_that_it_is_not_the_accelerators() -> None:
    hold = get_hold(plan(make_workload("hungry", gpus=1, cpu_milli=9_000_000), nodes=make_nodes(4)), "hungry")
    assert hold.message.startswith("no node of pool `h100` can hold 1 pod with 1 accelerator each and 9000 CPUs and ")
    assert hold.nearest_change == "ask for less CPU or memory a pod"


def test_a_domain_that_is_too_small_even_when_empty_is_told_at_once() -> None:
    hold = get_hold(plan(make_workload("gang", replicas=3, required=RACK), nodes=make_nodes(4, racks=2)), "gang")
    assert hold.reason is Reason.TOPOLOGY_NOT_SATISFIABLE
    assert (
        hold.message
        == f"3 pods with 8 accelerators each do not fit inside one `{RACK}` of pool `h100`, even when it is empty: at most 2 do"
    )
    assert hold.nearest_change == f"at most 2 replicas fit inside one `{RACK}`"


def test_a_domain_that_is_busy_is_waited_for() -> None:
    hold = get_hold(plan(BUSY, make_workload("gang", replicas=4, required=BLOCK), nodes=make_nodes(4)), "gang")
    assert hold.reason is Reason.INSUFFICIENT_CAPACITY
    assert hold.message == f"one `{BLOCK}` of pool `h100` has room for 2 of 4 pods with 8 accelerators each now"


def test_a_level_that_the_pool_does_not_know_is_named_with_those_it_does() -> None:
    hold = get_hold(plan(make_workload("gang", required="rack"), nodes=make_nodes(1), pools=[make_pool(topology=(RACK,))]), "gang")
    assert hold.reason is Reason.TOPOLOGY_NOT_SATISFIABLE
    assert hold.message == f"pool `h100` has no topology level `rack`; it has: `{RACK}`"


def test_of_several_pools_the_one_nearest_to_a_start_speaks() -> None:
    pools = [make_pool("a100"), make_pool("h100")]
    full = make_workload("full", pools=("a100",), tenant="nlp", held=(Held("a100-0000", pool="a100"),))
    made = plan(
        full,
        make_workload("gang", pools=("h100", "a100")),
        nodes=[*make_nodes(1, pool="a100"), *make_nodes(1)],
        pools=pools,
        quotas=[make_quota("vision", "h100", limit=0)],
    )
    assert get_hold(made, "gang").message == "pool `a100` has room for 0 of 1 pod with 8 accelerators each now"


def test_fewer_replicas_are_offered_only_as_far_as_quota_allows_too() -> None:
    made = plan(BUSY, make_workload("gang", replicas=5), nodes=make_nodes(6), quotas=[make_quota("vision", limit=40)])
    assert get_hold(made, "gang").nearest_change == "4 replicas instead of 5 would start now"
    made = plan(BUSY, make_workload("gang", replicas=5), nodes=make_nodes(6), quotas=[make_quota("vision", limit=16)])
    assert get_hold(made, "gang").nearest_change == "2 replicas instead of 5 would start now"


def test_fractions_are_told_without_trailing_zeros() -> None:
    line = make_quota("vision", "h100", limit=1, weights_milli=(1250,))
    hold = get_hold(plan(make_workload("one", gpus=1), nodes=make_nodes(1), quotas=[line]), "one")
    assert hold.message == "1.25 more reference accelerators of pool `h100` would exceed your limit of 1 by 0.25: 0 are held"
    assert hold.nearest_change == "not even one replica is within it"


def two_racks_with_one_free_node_each() -> tuple[list[Node], Workload]:
    nodes = [make_node(f"n{number}", rack=f"r{number // 3}") for number in range(6)]
    return nodes, make_workload("busy", tenant="nlp", replicas=4, held=tuple(Held(f"n{number}") for number in (0, 1, 3, 4)))


def test_segments_that_are_in_the_way_are_named() -> None:
    nodes, busy = two_racks_with_one_free_node_each()
    hold = get_hold(plan(busy, replace(make_workload("gang", replicas=2), segment=Segment(2, RACK)), nodes=nodes), "gang")
    assert hold.reason is Reason.INSUFFICIENT_CAPACITY
    assert hold.message == f"pool `h100` has room for 0 of 2 pods with 8 accelerators each in segments of 2 inside one `{RACK}` each now"
    assert hold.nearest_change == "without segments it would start now"


def test_a_spread_that_is_in_the_way_is_named() -> None:
    nodes, busy = two_racks_with_one_free_node_each()
    more = [*nodes, make_node("n6", rack="r0")]
    gang = replace(make_workload("gang", replicas=4), spread=Spread(RACK, min_domains=2, max_skew=0))
    hold = get_hold(plan(busy, gang, nodes=more), "gang")
    assert hold.message == f"pool `h100` has room for 2 of 4 pods with 8 accelerators each spread equally over 2 or more `{RACK}` now"
    assert hold.nearest_change == "2 replicas instead of 4 would start now"
    gang = replace(make_workload("gang", replicas=3), spread=Spread(RACK, min_domains=3, max_skew=1))
    hold = get_hold(plan(busy, gang, nodes=[*more, make_node("n7", rack="r2", gpus=4)]), "gang")
    assert hold.reason is Reason.TOPOLOGY_NOT_SATISFIABLE
    assert (
        hold.message == f"3 pods with 8 accelerators each do not fit spread equally over 3 or more `{RACK}` of pool `h100`,"
        " even when it is empty: at most 0 do"
    )


def test_wishes_that_contradict_each_other_are_told() -> None:
    nodes = make_nodes(4, racks=2)
    wide = replace(make_workload("wide", replicas=2, required=RACK), segment=Segment(2, BLOCK))
    hold = get_hold(plan(wide, nodes=nodes), "wide")
    assert hold.reason is Reason.TOPOLOGY_NOT_SATISFIABLE
    assert hold.message == f"segments inside one `{BLOCK}` are wider in pool `h100` than the `{RACK}` that is required"
    both = replace(make_workload("both", replicas=2, required=RACK), spread=Spread(BLOCK))
    assert "cannot be spread over several" in get_hold(plan(both, nodes=nodes), "both").message
    odd = replace(make_workload("odd", replicas=3), segment=Segment(2, RACK))
    assert get_hold(plan(odd, nodes=nodes), "odd").message == "its pods do not come in whole segments of `2`"
