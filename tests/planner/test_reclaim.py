"""What is borrowed comes back for a guarantee: shrinking first, evicting last, never more than needed."""

from dataclasses import replace
from datetime import UTC, datetime

from tests.builders import (
    RACK,
    START_AT,
    Held,
    find_places,
    get_hold,
    get_nodes,
    make_node,
    make_nodes,
    make_quota,
    make_tenant,
    make_workload,
)
from tests.planner.situations import guarantee, make_situation, plan

from commonpool.model.ids import ChildKey
from commonpool.model.plan import Plan
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Resize, Workload

PROMISED = [guarantee("speech", 16)]


def claim(replicas: int = 1, **told: object) -> Workload:
    return make_workload("claim", tenant="speech", replicas=replicas, **told)  # type: ignore[arg-type]


def borrower(name: str, *nodes: int, **told: object) -> Workload:
    """A gang of another tenant with a pod of eight accelerators on each node."""
    held = tuple(Held(f"h100-{node:04}") for node in nodes)
    return make_workload(name, replicas=len(nodes), held=held, **told)  # type: ignore[arg-type]


def elastic(name: str, *nodes: int, least: int = 1, **told: object) -> Workload:
    held = tuple(Held(f"h100-{node:04}") for node in nodes)
    return make_workload(name, replicas=least, most=9, held=held, **told)  # type: ignore[arg-type]


def at(seconds: int) -> str:
    """The instant so many seconds after the start, as people read it."""
    return f"`{datetime.fromtimestamp(START_AT + seconds, UTC):%Y-%m-%dT%H:%M:%SZ}`"


def shrinks(decided: Plan) -> dict[str, int]:
    return {shrink.workload.partition("/")[2]: shrink.keep for shrink in decided.shrink}


def evicted(decided: Plan) -> list[str]:
    return [evict.workload.partition("/")[2] for evict in decided.evict]


def test_a_bare_pod_that_is_evicted_is_not_promised_to_queue_again() -> None:
    pod = make_workload("notebook", tenant="nlp", gpus=8, held=(Held("h100-0000"),), started=100)
    pod = replace(pod, child=ChildKey("Pod", pod.child.namespace, pod.child.name))
    decided = plan(make_situation(make_workload("claim"), pod, nodes=1, quotas=[guarantee("vision", 8)]))
    [evict] = decided.evict
    assert evict.message.endswith("nobody makes a bare pod again: make it anew")


def test_elastic_work_that_borrows_shrinks_for_a_guarantee() -> None:
    decided = plan(make_situation(elastic("pretrain", 0, 1, 2, 3), claim(), quotas=PROMISED))
    assert shrinks(decided) == {"pretrain": 3}
    [shrink] = decided.shrink
    assert shrink.by_at == START_AT + 60
    assert shrink.why is Reason.RECLAIMED_FOR_GUARANTEE
    assert "speech" not in shrink.message
    assert get_hold(decided, "claim").reason is Reason.WAITS_FOR_RECLAIM
    assert not decided.evict


def test_a_shrink_that_is_under_way_is_not_asked_for_again() -> None:
    told = elastic("pretrain", 0, 1, 2, 3, resize=Resize(3, START_AT + 10))
    decided = plan(make_situation(told, claim(), quotas=PROMISED))
    assert not decided.shrink
    assert get_hold(decided, "claim").reason is Reason.WAITS_FOR_RECLAIM


def test_a_deeper_shrink_keeps_the_time_that_was_told() -> None:
    told = elastic("pretrain", 0, 1, 2, 3, resize=Resize(3, START_AT + 10))
    decided = plan(make_situation(told, claim(2), quotas=PROMISED))
    assert [(shrink.keep, shrink.by_at) for shrink in decided.shrink] == [(2, START_AT + 10)]


def test_nobody_shrinks_where_the_claim_fits_without_it() -> None:
    decided = plan(make_situation(elastic("pretrain", 0, 1, 2), claim(), quotas=PROMISED))
    assert not decided.shrink
    assert get_nodes(decided, "claim") == ["h100-0003"]


def test_who_loses_least_work_shrinks_first() -> None:
    dear = elastic("dear", 0, 1, started=7200)
    cheap = elastic("cheap", 2, 3, started=7200, checkpointed=10)
    assert shrinks(plan(make_situation(dear, cheap, claim(), quotas=PROMISED))) == {"cheap": 1}


def test_shrinking_takes_whole_steps() -> None:
    wide = make_workload(replicas=1, most=9, step=2, held=tuple(Held(f"h100-{node:04}") for node in (0, 1, 2)))
    assert shrinks(plan(make_situation(wide, borrower("gang", 3), claim(), quotas=PROMISED))) == {"pretrain": 1}


def test_only_as_much_is_taken_as_a_tenant_borrows() -> None:
    quotas = [*PROMISED, guarantee("vision", 24)]
    decided = plan(make_situation(elastic("pretrain", 0, 1, 2, 3), claim(2), quotas=quotas))
    assert not decided.shrink
    assert get_hold(decided, "claim").reason is Reason.INSUFFICIENT_CAPACITY
    assert shrinks(plan(make_situation(elastic("pretrain", 0, 1, 2, 3), claim(), quotas=quotas))) == {"pretrain": 3}


def test_what_has_not_run_its_minimum_time_is_left_alone() -> None:
    fresh = elastic("pretrain", 0, 1, 2, 3, min_runtime=7200)
    gang = borrower("gang", 4, started=30, min_runtime=60)
    decided = plan(make_situation(fresh, gang, claim(), nodes=5, quotas=PROMISED))
    assert (decided.shrink, decided.evict) == ((), ())


def test_a_claim_behind_minimum_run_times_is_told_when_the_first_that_suffice_are_over() -> None:
    """The gang has 30 seconds left, the elastic work an hour; one node is enough for the one claim and not for the other."""
    fresh = elastic("pretrain", 0, 1, 2, 3, min_runtime=7200)
    gang = borrower("gang", 4, started=30, min_runtime=60)
    hold = get_hold(plan(make_situation(fresh, gang, claim(), nodes=5, quotas=PROMISED)), "claim")
    assert hold.reason is Reason.WAITS_FOR_MIN_RUNTIME
    assert hold.message == (
        "your guarantee covers 1 pod with 8 accelerators each in pool `h100`, and what has borrowed there may run until "
        f"{at(30)}: it is asked to give back then"
    )
    assert (hold.nearest_change, hold.position) == ("starts once it has, unless room is left before", 1)
    hold = get_hold(plan(make_situation(fresh, gang, claim(2), nodes=5, quotas=PROMISED)), "claim")
    assert (hold.reason, at(3600) in hold.message) == (Reason.WAITS_FOR_MIN_RUNTIME, True)


def test_a_claim_that_no_end_of_a_run_time_would_serve_is_not_told_of_one() -> None:
    safe = borrower("safe", 0, tier="Guaranteed", min_runtime=7200)
    quotas = [*PROMISED, guarantee("vision", 8)]
    hold = get_hold(plan(make_situation(safe, claim(), nodes=1, quotas=quotas)), "claim")
    assert hold.reason is Reason.INSUFFICIENT_CAPACITY


def test_what_is_told_of_a_run_time_takes_nothing_from_others() -> None:
    gang = borrower("gang", 0, started=30, min_runtime=60)
    other = make_workload("other", tenant="nlp", gpus=4)
    decided = plan(make_situation(gang, claim(), other, nodes=[make_node("h100-0000"), make_node("h100-0001", gpus=4)], quotas=PROMISED))
    assert get_hold(decided, "claim").reason is Reason.WAITS_FOR_MIN_RUNTIME
    assert get_nodes(decided, "other") == ["h100-0001"]


def test_who_borrows_himself_claims_nothing() -> None:
    decided = plan(make_situation(elastic("pretrain", 0, 1, 2, 3), claim(3), quotas=PROMISED))
    assert not decided.shrink


def test_borrowers_are_evicted_where_shrinking_does_not_suffice() -> None:
    decided = plan(make_situation(elastic("pretrain", 0, 1), borrower("gang", 2, 3), claim(2), quotas=PROMISED))
    assert shrinks(decided) == {}
    assert evicted(decided) == ["gang"]
    assert get_hold(decided, "claim").reason is Reason.WAITS_FOR_RECLAIM
    assert "speech" not in decided.evict[0].message


def test_nobody_is_evicted_where_shrinking_suffices() -> None:
    cheap = borrower("gang", 2, 3, started=1)
    decided = plan(make_situation(elastic("pretrain", 0, 1, started=90_000), cheap, claim(), quotas=PROMISED))
    assert shrinks(decided) == {"pretrain": 1}
    assert not decided.evict


def test_spot_work_goes_before_standard_work() -> None:
    spot = borrower("spot", 0, tier="Spot", started=90_000)
    decided = plan(make_situation(spot, borrower("standard", 1, started=60), claim(), nodes=2, quotas=PROMISED))
    assert evicted(decided) == ["spot"]


def test_of_equals_the_one_that_loses_least_work_is_evicted() -> None:
    dear, cheap = borrower("dear", 0, started=7200), borrower("cheap", 1, started=9000, checkpointed=60)
    assert evicted(plan(make_situation(dear, cheap, claim(), nodes=2, quotas=PROMISED))) == ["cheap"]


def test_nobody_is_evicted_in_vain() -> None:
    """The claim needs one rack; half of each is held by work that may not be touched."""
    racks = make_nodes(4, racks=2)
    untouchable = borrower("first", 0, tier="Guaranteed"), borrower("second", 2, tier="Guaranteed")
    gangs = borrower("third", 1), borrower("fourth", 3)
    quotas = [*PROMISED, guarantee("vision", 16)]
    decided = plan(make_situation(*untouchable, *gangs, claim(2, required=RACK), nodes=racks, quotas=quotas))
    assert not decided.evict
    assert get_hold(decided, "claim").reason is Reason.INSUFFICIENT_CAPACITY


def test_victims_are_in_the_domain_that_the_claim_requires() -> None:
    racks = make_nodes(4, racks=2)
    gangs = [borrower(f"gang{node}", node, started=100 + node) for node in range(4)]
    gangs[0] = borrower("gang0", 0, min_runtime=9000)
    decided = plan(make_situation(*gangs, claim(2, required=RACK), nodes=racks, quotas=PROMISED))
    assert evicted(decided) == ["gang2", "gang3"]


def test_a_gang_inside_its_tenants_guarantee_is_not_evicted() -> None:
    inside, beyond = borrower("inside", 0, started=9000), borrower("beyond", 1, started=8000)
    decided = plan(make_situation(inside, beyond, claim(), nodes=2, quotas=[*PROMISED, guarantee("vision", 8)]))
    assert evicted(decided) == ["beyond"]


def test_work_of_tier_guaranteed_that_nothing_guarantees_is_borrowed_like_any_other() -> None:
    """The tier may be set on work that runs already: it must not keep what others are guaranteed."""
    gang, wide = borrower("gang", 0, tier="Guaranteed"), elastic("wide", 0, 1, 2, 3, tier="Guaranteed")
    assert evicted(plan(make_situation(gang, claim(), nodes=1, quotas=PROMISED))) == ["gang"]
    assert shrinks(plan(make_situation(wide, claim(2), quotas=PROMISED))) == {"wide": 2}
    assert shrinks(plan(make_situation(wide, claim(2), quotas=[*PROMISED, guarantee("vision", 16)]))) == {"wide": 2}


def test_of_work_of_tier_guaranteed_the_guarantee_covers_what_has_run_longest() -> None:
    placed, later = borrower("placed", 0, tier="Guaranteed", started=9000), borrower("later", 1, tier="Guaranteed", started=8000)
    assert evicted(plan(make_situation(placed, later, claim(), nodes=2, quotas=[*PROMISED, guarantee("vision", 8)]))) == ["later"]


def test_elastic_work_of_tier_guaranteed_inside_the_guarantee_gives_nothing_while_its_tenant_borrows() -> None:
    safe, gang = elastic("safe", 0, 1, tier="Guaranteed"), borrower("gang", 2, 3)
    decided = plan(make_situation(safe, gang, claim(), quotas=[*PROMISED, guarantee("vision", 16)]))
    assert (shrinks(decided), evicted(decided)) == ({}, ["gang"])


def test_a_gang_that_is_larger_than_its_tenants_guarantee_is_borrowed_as_a_whole() -> None:
    wide = borrower("wide", 0, 1)
    assert evicted(plan(make_situation(wide, claim(), nodes=2, quotas=[*PROMISED, guarantee("vision", 8)]))) == ["wide"]


def test_who_is_leaving_already_is_not_evicted_again() -> None:
    leaving, stays = borrower("leaving", 0, leaving=True), borrower("stays", 1)
    decided = plan(make_situation(leaving, stays, claim(), nodes=2, quotas=PROMISED))
    assert not decided.evict
    assert get_hold(decided, "claim").reason is Reason.WAITS_FOR_RECLAIM


def test_room_that_others_give_back_is_not_taken_by_work_without_a_claim() -> None:
    """One node is free, another one is coming: both are for the claim."""
    told = elastic("pretrain", 0, 1, resize=Resize(1, START_AT + 10))
    small = make_workload("small", tenant="audio", replicas=1, gpus=1)
    decided = plan(make_situation(told, small, claim(2), nodes=3, quotas=PROMISED))
    assert not find_places(decided, "small")
    assert get_hold(decided, "claim").reason is Reason.WAITS_FOR_RECLAIM


def test_small_work_may_use_what_the_claim_leaves() -> None:
    told = elastic("pretrain", 0, 1, resize=Resize(1, START_AT + 10))
    small = make_workload("small", tenant="audio", replicas=1, gpus=1)
    decided = plan(make_situation(told, small, claim(2), nodes=4, quotas=PROMISED))
    assert not decided.shrink
    assert get_nodes(decided, "claim") == ["h100-0002", "h100-0003"]
    assert not find_places(decided, "small")  # nothing is left before the shrink is done


def test_a_tenant_takes_nothing_back_from_those_below_the_same_guarantee() -> None:
    family = [make_tenant("house"), make_tenant("vision", parent="house"), make_tenant("speech", parent="house")]
    decided = plan(make_situation(elastic("pretrain", 0, 1, 2, 3), claim(), tenants=family, quotas=[make_quota("house", guaranteed=48)]))
    assert not decided.shrink


def test_a_childs_own_guarantee_is_taken_back_from_its_siblings() -> None:
    family = [make_tenant("house"), make_tenant("vision", parent="house"), make_tenant("speech", parent="house")]
    quotas = [make_quota("house", guaranteed=32), *PROMISED]
    assert shrinks(plan(make_situation(elastic("pretrain", 0, 1, 2, 3), claim(), tenants=family, quotas=quotas))) == {"pretrain": 3}


def test_an_elastic_borrower_is_evicted_as_a_whole_when_its_least_size_is_in_the_way() -> None:
    decided = plan(make_situation(elastic("pretrain", 0, 1, least=1), claim(2), nodes=2, quotas=PROMISED))
    assert evicted(decided) == ["pretrain"]
    assert not decided.shrink


def test_several_claims_are_each_served_once() -> None:
    quotas = [guarantee("speech", 16), guarantee("audio", 8)]
    other = make_workload("other", tenant="audio", replicas=1)
    decided = plan(make_situation(elastic("pretrain", 0, 1, 2, 3), claim(2), other, quotas=quotas))
    assert shrinks(decided) == {"pretrain": 1}


def test_a_pod_that_lost_its_node_claims_another_place() -> None:
    running = make_workload("claim", tenant="speech", replicas=2, held=(Held("h100-0000"),))
    decided = plan(make_situation(elastic("pretrain", 1, 2), running, nodes=3, quotas=PROMISED))
    assert shrinks(decided) == {"pretrain": 1}


def test_what_a_larger_claim_frees_in_plenty_spares_who_was_asked_before() -> None:
    """The small claim alone makes elastic work shrink; the gang that leaves for the large one has room for both."""
    small = make_workload("small", tenant="speech", gpus=2, priority=1)
    large = make_workload("large", tenant="speech", gpus=4, node_selector={"zone": "east"})
    nodes = [make_node("h100-0000"), make_node("h100-0001", labels={"zone": "east"})]
    gang = make_workload("gang", tenant="audio", replicas=2, gpus=4, held=(Held("h100-0000"), Held("h100-0001")))
    extra = make_workload("extra", tenant="audio", replicas=1, most=2, gpus=2, held=(Held("h100-0001"), Held("h100-0000")))
    safe = [make_workload(f"safe{node}", gpus=2, held=(Held(f"h100-000{node}"),), tier="Guaranteed") for node in (0, 1)]
    quotas = [*PROMISED, guarantee("vision", 4)]
    assert shrinks(plan(make_situation(small, gang, extra, *safe, nodes=nodes, quotas=quotas))) == {"extra": 1}
    decided = plan(make_situation(small, large, gang, extra, *safe, nodes=nodes, quotas=quotas))
    assert (shrinks(decided), evicted(decided)) == ({}, ["gang"])
    assert {hold.reason for hold in decided.hold} == {Reason.WAITS_FOR_RECLAIM}


def test_what_a_claim_is_served_for_is_not_used_up_by_others_of_the_same_tenant() -> None:
    """Else the claim would be beyond the guarantee, and others would have given back in vain."""
    small = make_workload("small", tenant="speech", gpus=1)
    world = borrower("gang", 0), borrower("safe", 2, tier="Guaranteed"), claim(2, priority=1, required=RACK), small
    quotas = [*PROMISED, guarantee("vision", 8)]
    decided = plan(make_situation(*world, nodes=make_nodes(4, racks=2), quotas=quotas))
    assert get_hold(decided, "claim").reason is Reason.WAITS_FOR_RECLAIM
    assert get_hold(decided, "small").reason is Reason.RESERVED_FOR_OTHERS
    assert "set aside for other work" in get_hold(decided, "small").message
