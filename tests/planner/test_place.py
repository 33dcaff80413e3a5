from collections import Counter
from dataclasses import replace

from tests.builders import BLOCK, HOST, RACK, Held, find_places, get_hold, get_nodes, make_node, make_nodes, make_pool, make_workload
from tests.planner.plans import plan

from commonpool.engine.protocol import MAX_COUNT
from commonpool.model.amounts import Amounts
from commonpool.model.ids import Seat, WorkloadName
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Node, Segment, Spread, Workload


def with_needs(workload: Workload, needs: tuple[Seat, ...]) -> Workload:
    return Workload(
        name=WorkloadName(workload.name),
        child=workload.child,
        tenant=workload.tenant,
        shape=workload.shape,
        created_at=workload.created_at,
        needs=needs,
        needs_min=len(needs),
        wishes=workload.wishes,
    )


def test_ranks_follow_the_topology() -> None:
    nodes = [make_node("d", rack="r1"), make_node("a", rack="r0"), make_node("c", rack="r1"), make_node("b", rack="r0")]
    made = plan(make_workload("gang", replicas=4), nodes=nodes)
    assert get_nodes(made, "gang") == ["a", "b", "c", "d"]
    [place] = find_places(made, "gang")
    assert [entry.seat.rank for entry in place.entries] == [0, 1, 2, 3]


def test_a_required_level_keeps_a_gang_together() -> None:
    nodes = make_nodes(6, racks=2)
    busy = make_workload("busy", tenant="nlp", held=(Held("h100-0000"),))
    made = plan(busy, make_workload("gang", replicas=3, required=RACK), nodes=nodes)
    assert get_nodes(made, "gang") == ["h100-0003", "h100-0004", "h100-0005"]


def test_a_preferred_level_is_left_when_it_cannot_be_had() -> None:
    nodes = make_nodes(4, racks=2)
    near = plan(make_workload("gang", replicas=2, preferred=RACK), nodes=nodes)
    far = plan(make_workload("gang", replicas=3, preferred=RACK), nodes=nodes)
    assert get_nodes(near, "gang") == ["h100-0000", "h100-0001"]
    assert get_nodes(far, "gang") == ["h100-0000", "h100-0001", "h100-0002"]


def test_a_preferred_level_lies_inside_the_required_one() -> None:
    nodes = [make_node(f"n{number}", block=f"b{number // 4}", rack=f"r{number // 2}") for number in range(8)]
    busy = make_workload("busy", tenant="nlp", held=(Held("n0"), Held("n4"), Held("n5")), replicas=3)
    made = plan(busy, make_workload("gang", replicas=2, required=BLOCK, preferred=RACK), nodes=nodes)
    assert get_nodes(made, "gang") in (["n2", "n3"], ["n6", "n7"])


def test_a_lost_pod_of_a_gang_comes_back_into_the_domain_of_the_others() -> None:
    nodes = make_nodes(6, racks=2)
    gang = make_workload("gang", replicas=3, required=RACK, held=(Held("h100-0003"), Held("h100-0004")))
    made = plan(gang, nodes=nodes)
    assert get_nodes(made, "gang") == ["h100-0005"]
    full = make_workload("full", tenant="nlp", held=(Held("h100-0005"),))
    assert get_hold(plan(gang, full, nodes=nodes), "gang").reason is Reason.INSUFFICIENT_CAPACITY


def test_work_that_needs_no_gang_takes_what_there_is() -> None:
    made = plan(make_workload("web", replicas=5, gang=False), nodes=make_nodes(3))
    assert len(get_nodes(made, "web")) == 3
    assert made.hold == ()


def test_pods_that_exist_and_pods_that_will_are_placed_whole_in_two_lines() -> None:
    needs = (Seat(pod="gang-0-x7f"), Seat(pod="gang-1-9kq"), Seat(rank=2))
    made = plan(with_needs(make_workload("gang"), needs), nodes=make_nodes(3))
    assert [tuple(entry.seat for entry in place.entries) for place in made.place] == [needs[:2], needs[2:]]
    assert plan(with_needs(make_workload("gang"), needs), nodes=make_nodes(2)).place == ()


def test_foreign_pods_take_their_part() -> None:
    nodes = [make_node("a", foreign=Amounts(gpu_milli=1000)), make_node("b")]
    assert get_nodes(plan(make_workload("whole"), nodes=nodes), "whole") == ["b"]


def test_an_overdrawn_node_is_full_and_owes_nothing() -> None:
    nodes = [make_node("broken", gpus=4), make_node("whole")]
    over = make_workload("over", held=(Held("broken"),))
    assert get_nodes(plan(over, make_workload("next"), nodes=nodes), "next") == ["whole"]


def test_whole_nodes_are_kept_for_whole_node_gangs() -> None:
    """The mix of work holds both: single cards go together onto one node."""
    small = [make_workload(f"small{number}", gpus=1, cpu_milli=1000, memory_gib=1, age=9) for number in range(4)]
    made = plan(*small, make_workload("gang", replicas=3), nodes=make_nodes(4))
    assert len(get_nodes(made, "gang")) == 3
    assert len({node for number in range(4) for node in get_nodes(made, f"small{number}")}) == 1


def test_a_request_beyond_all_bounds_waits_and_stops_nobody() -> None:
    absurd = make_workload("absurd", memory_gib=1 << 40)
    crowd = make_workload("crowd", replicas=MAX_COUNT // 4, gpus=0, cpu_milli=0, memory_gib=0)
    made = plan(absurd, crowd, make_workload("honest"), nodes=make_nodes(1))
    assert get_nodes(made, "honest") == ["h100-0000"]
    assert get_hold(made, "absurd").reason is Reason.GANG_LARGER_THAN_POOL
    assert get_hold(made, "crowd").reason is Reason.GANG_LARGER_THAN_POOL


def test_a_pool_without_a_topology_takes_work_that_asks_for_none() -> None:
    made = plan(
        make_workload("plain", preferred=HOST), make_workload("strict", required=HOST), nodes=make_nodes(2), pools=[make_pool(topology=())]
    )
    assert get_nodes(made, "plain") == ["h100-0000"]
    assert get_hold(made, "strict").reason is Reason.TOPOLOGY_NOT_SATISFIABLE


def make_racks(racks: int, nodes: int) -> list[Node]:
    return [make_node(f"n{number:02}", rack=f"r{number // nodes}") for number in range(racks * nodes)]


def with_wishes(workload: Workload, *, segment: Segment | None = None, spread: Spread | None = None) -> Workload:
    return replace(workload, segment=segment, spread=spread)


def test_each_segment_is_inside_one_domain_and_ranks_follow_the_racks() -> None:
    """Racks of three nodes hold one segment of two each: the third node is left over."""
    made = plan(with_wishes(make_workload("gang", replicas=6), segment=Segment(2, RACK)), nodes=make_racks(4, 3))
    assert [name[1:] for name in get_nodes(made, "gang")] == ["00", "01", "03", "04", "06", "07"]


def test_a_gang_is_spread_in_equal_numbers() -> None:
    made = plan(with_wishes(make_workload("gang", replicas=6), spread=Spread(RACK, min_domains=3)), nodes=make_racks(4, 4))
    assert Counter(int(name[1:]) // 4 for name in get_nodes(made, "gang")) == {0: 2, 1: 2, 2: 2}


def test_a_lost_pod_comes_back_to_its_segment() -> None:
    held = (Held("n00"), Held("n04"), Held("n05"))
    gang = with_wishes(make_workload("gang", replicas=4, held=held), segment=Segment(2, RACK))
    lost = replace(
        gang,
        needs=(Seat(pod="gang-1-x7f"),),
        holdings=tuple(replace(each, seat=Seat(rank=rank)) for each, rank in zip(gang.holdings, (0, 2, 3), strict=True)),
    )
    assert get_nodes(plan(lost, nodes=make_racks(2, 4)), "gang") == ["n01"]
    full = make_workload("full", tenant="nlp", replicas=3, held=(Held("n01"), Held("n02"), Held("n03")))
    assert get_hold(plan(lost, full, nodes=make_racks(2, 4)), "gang").reason is Reason.INSUFFICIENT_CAPACITY


def test_a_lost_pod_of_a_spread_gang_evens_it_out() -> None:
    gang = with_wishes(make_workload("gang", replicas=4, held=(Held("n00"), Held("n04"), Held("n05"))), spread=Spread(RACK))
    assert get_nodes(plan(gang, nodes=make_racks(3, 4)), "gang") == ["n01"]


def test_a_spread_gang_that_lost_a_whole_domain_gets_a_new_one() -> None:
    gang = with_wishes(make_workload("gang", replicas=4, held=(Held("n00"), Held("n01"))), spread=Spread(RACK))
    assert get_nodes(plan(gang, nodes=make_racks(3, 4)), "gang") == ["n04", "n05"]


def test_a_preferred_level_takes_as_few_domains_as_there_can_be() -> None:
    busy = [make_workload(f"busy{number}", tenant="nlp", held=(Held(f"n{number:02}"),)) for number in (0, 1, 2, 4, 5)]
    made = plan(*busy, make_workload("gang", replicas=6, preferred=RACK), nodes=make_racks(4, 4))
    assert get_nodes(made, "gang") == ["n06", "n07", "n08", "n09", "n10", "n11"]
