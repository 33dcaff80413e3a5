from tests.builders import Held, find_places, get_hold, make_node, make_nodes, make_pool, make_quota, make_tenant, make_workload
from tests.planner.plans import plan

from commonpool.model.plan import Plan
from commonpool.model.reasons import Reason


def why(made: Plan, name: str) -> Reason:
    [place] = find_places(made, name)
    return place.why


def test_places_say_on_what_ground_they_were_given() -> None:
    made = plan(
        make_workload("first", age=2),
        make_workload("second", age=1),
        make_workload("guest", tenant="nlp"),
        nodes=make_nodes(3),
        quotas=[make_quota("vision", guaranteed=8)],
    )
    assert why(made, "first") is Reason.WITHIN_GUARANTEE
    assert why(made, "second") is Reason.BORROWED
    assert why(made, "guest") is Reason.SHARED


def test_a_limit_holds_and_says_by_how_much_it_would_be_passed() -> None:
    made = plan(
        make_workload("running", held=(Held("h100-0000"), Held("h100-0001")), replicas=2),
        make_workload("more", replicas=2),
        nodes=make_nodes(6),
        quotas=[make_quota("vision", limit=24)],
    )
    hold = get_hold(made, "more")
    assert hold.reason is Reason.QUOTA_REACHED
    assert hold.message == "16 more accelerators of pool `h100` would exceed your limit of 24 by 8: 16 are held"
    assert hold.nearest_change == "1 replica instead of 2 would start now"


def test_what_a_limit_can_never_take_is_told_at_once() -> None:
    hold = get_hold(plan(make_workload("huge", replicas=4), nodes=make_nodes(6), quotas=[make_quota("vision", limit=16)]), "huge")
    assert hold.nearest_change == "2 replicas instead of 4 would start now"


def test_borrowing_ends_where_the_quota_says() -> None:
    made = plan(
        make_workload("own", held=(Held("h100-0000"),)),
        make_workload("borrowed", age=1),
        make_workload("beyond"),
        nodes=make_nodes(6),
        quotas=[make_quota("vision", guaranteed=8, borrowable=8)],
    )
    assert why(made, "borrowed") is Reason.BORROWED
    hold = get_hold(made, "beyond")
    assert hold.reason is Reason.BORROWING_LIMIT_REACHED
    assert hold.message == (
        "8 more accelerators of pool `h100` would exceed your guarantee and what may be borrowed of 16 by 8: 16 are held"
    )
    assert hold.nearest_change == "starts when 8 accelerators held there are given back"


def test_a_guarantee_that_is_not_lent_stays_free() -> None:
    made = plan(
        make_workload("greedy", tenant="nlp", replicas=3),
        nodes=make_nodes(4),
        quotas=[make_quota("vision", guaranteed=16, lendable=0)],
    )
    hold = get_hold(made, "greedy")
    assert hold.reason is Reason.RESERVED_FOR_OTHERS
    assert hold.message == "16 accelerators of pool `h100` are kept for guarantees of others; 32 are free, 24 are asked for"
    assert hold.nearest_change == "2 replicas instead of 3 would start now"


def test_a_guarantee_that_is_lent_is_used_by_others() -> None:
    made = plan(
        make_workload("guest", tenant="nlp", replicas=4), nodes=make_nodes(4), quotas=[make_quota("vision", guaranteed=16, lendable=16)]
    )
    assert why(made, "guest") is Reason.SHARED


def test_only_the_part_that_is_lent_may_be_used() -> None:
    line = make_quota("vision", guaranteed=16, lendable=8)
    three = plan(make_workload("guest", tenant="nlp", replicas=3), nodes=make_nodes(4), quotas=[line])
    four = plan(make_workload("guest", tenant="nlp", replicas=4), nodes=make_nodes(4), quotas=[line])
    assert find_places(three, "guest")
    assert get_hold(four, "guest").reason is Reason.RESERVED_FOR_OTHERS


def test_what_the_owner_uses_is_not_kept_a_second_time() -> None:
    made = plan(
        make_workload("own", held=(Held("h100-0000"), Held("h100-0001")), replicas=2),
        make_workload("guest", tenant="nlp", replicas=2),
        nodes=make_nodes(4),
        quotas=[make_quota("vision", guaranteed=16, lendable=0)],
    )
    assert find_places(made, "guest")


def test_two_guarantees_do_not_wait_for_each_other_when_nodes_are_lost() -> None:
    made = plan(
        make_workload("ours", replicas=2),
        make_workload("theirs", tenant="nlp", replicas=2),
        nodes=make_nodes(3),
        quotas=[make_quota("vision", guaranteed=16, lendable=0), make_quota("nlp", guaranteed=16, lendable=0)],
    )
    assert len({place.workload for place in made.place}) == 1
    [hold] = made.hold
    assert hold.reason is Reason.INSUFFICIENT_CAPACITY


def test_a_parents_limit_counts_all_below_it_and_names_nobody() -> None:
    tenants = [make_tenant("research"), make_tenant("vision", parent="research"), make_tenant("nlp", parent="research")]
    made = plan(
        make_workload("running", tenant="nlp", held=(Held("h100-0000"),)),
        make_workload("next", replicas=2),
        nodes=make_nodes(6),
        tenants=tenants,
        quotas=[make_quota("research", limit=16)],
    )
    hold = get_hold(made, "next")
    assert hold.reason is Reason.QUOTA_REACHED
    assert hold.message == "16 more accelerators of pool `h100` would exceed your parent tenant's limit of 16 by 8: 8 are held"


def test_a_parents_guarantee_is_kept_once_for_it_and_its_children() -> None:
    """16 for the parent, 8 of them for one child: 16 are kept, not 24."""
    tenants = [make_tenant("research"), make_tenant("vision", parent="research"), make_tenant("nlp")]
    made = plan(
        make_workload("guest", tenant="nlp", replicas=2),
        nodes=make_nodes(4),
        tenants=tenants,
        quotas=[make_quota("research", guaranteed=16, lendable=0), make_quota("vision", guaranteed=8, lendable=0)],
    )
    assert find_places(made, "guest")


def test_a_sibling_may_use_the_parents_guarantee_but_not_what_is_kept_for_the_other_child() -> None:
    tenants = [make_tenant("research"), make_tenant("vision", parent="research"), make_tenant("nlp", parent="research")]
    lines = [make_quota("research", guaranteed=24, lendable=0), make_quota("vision", guaranteed=16, lendable=0)]
    fitting = plan(make_workload("one", tenant="nlp"), nodes=make_nodes(3), tenants=tenants, quotas=lines)
    greedy = plan(make_workload("two", tenant="nlp", replicas=2), nodes=make_nodes(3), tenants=tenants, quotas=lines)
    assert why(fitting, "one") is Reason.WITHIN_GUARANTEE
    assert get_hold(greedy, "two").reason is Reason.RESERVED_FOR_OTHERS


def test_what_several_placements_use_of_one_guarantee_frees_nothing_that_is_kept_for_another() -> None:
    made = plan(
        make_workload("first", age=9),
        make_workload("second", age=8),
        make_workload("guest", tenant="nlp", replicas=2),
        nodes=make_nodes(4),
        tenants=[make_tenant("vision"), make_tenant("nlp"), make_tenant("speech")],
        quotas=[make_quota("vision", guaranteed=16, lendable=0), make_quota("speech", guaranteed=8, lendable=0)],
    )
    assert find_places(made, "first")
    assert find_places(made, "second")
    assert get_hold(made, "guest").reason is Reason.RESERVED_FOR_OTHERS


def test_what_use_frees_of_a_guarantee_in_another_unit_is_given_out_in_the_same_round() -> None:
    """32 reference accelerators could mean 32 slow ones; once 8 fast ones serve most of them, 6.4 are still kept."""
    pools = [make_pool("a100"), make_pool("h100")]
    made = plan(
        make_workload("early", tenant="nlp", pools=("a100",), replicas=2, priority=1),
        make_workload("owner", pools=("h100",)),
        nodes=[*make_nodes(3, pool="a100"), *make_nodes(2)],
        pools=pools,
        quotas=[
            make_quota("nlp", "a100", "h100", guaranteed=16),
            make_quota("vision", "a100", "h100", guaranteed=32, lendable=0, weights_milli=(1000, 3200)),
            make_quota("nlp", "a100", guaranteed=16),
        ],
    )
    assert [place.workload for place in made.place] == ["vision-dev/owner", "nlp-dev/early"]


def test_a_guarantee_over_two_pools_leaves_the_choice_of_pool_to_its_owner() -> None:
    """8 of either pool are kept: one pool may fill up while the other can still serve the guarantee."""
    pools = [make_pool("a100"), make_pool("h100")]
    nodes = [make_node("a"), make_node("b", pool="a100")]
    line = make_quota("vision", "a100", "h100", guaranteed=8, lendable=0)
    one = plan(make_workload("one", tenant="nlp"), nodes=nodes, pools=pools, quotas=[line])
    both = plan(
        make_workload("one", tenant="nlp", age=1),
        make_workload("two", tenant="nlp", pools=("a100",)),
        nodes=nodes,
        pools=pools,
        quotas=[line],
    )
    assert find_places(one, "one")
    assert get_hold(both, "two").reason is Reason.RESERVED_FOR_OTHERS


def test_a_line_in_reference_accelerators_counts_each_pool_by_its_weight() -> None:
    pools = [make_pool("a100"), make_pool("h100")]
    nodes = [*make_nodes(4, pool="a100"), *make_nodes(4)]
    line = make_quota("vision", "a100", "h100", limit=40, weights_milli=(1000, 3200))
    made = plan(make_workload("fast", replicas=2), make_workload("slow", pools=("a100",)), nodes=nodes, pools=pools, quotas=[line])
    assert find_places(made, "slow")
    hold = get_hold(made, "fast")
    assert hold.message == ("51.2 more reference accelerators of pools `a100`, `h100` would exceed your limit of 40 by 19.2: 8 are held")
    assert hold.nearest_change == "1 replica instead of 2 would start now"


def test_a_tenant_over_a_limit_that_was_lowered_keeps_what_it_has_and_gets_nothing_more() -> None:
    made = plan(
        make_workload("running", held=(Held("h100-0000"), Held("h100-0001")), replicas=2),
        make_workload("more"),
        nodes=make_nodes(4),
        quotas=[make_quota("vision", limit=8)],
    )
    assert made.place == ()
    assert get_hold(made, "more").message == "8 more accelerators of pool `h100` would exceed your limit of 8 by 16: 16 are held"


def test_promises_count_like_bound_pods() -> None:
    made = plan(
        make_workload("promised", held=(Held("h100-0000", bound=False),)),
        make_workload("more"),
        nodes=make_nodes(4),
        quotas=[make_quota("vision", limit=8)],
    )
    assert get_hold(made, "more").reason is Reason.QUOTA_REACHED


def test_tenants_in_a_circle_stand_alone() -> None:
    tenants = [make_tenant("vision", parent="nlp"), make_tenant("nlp", parent="vision")]
    made = plan(
        make_workload("ours"), make_workload("theirs", tenant="nlp"), nodes=make_nodes(2), tenants=tenants, quotas=[make_quota(limit=8)]
    )
    assert len(made.place) == 2
