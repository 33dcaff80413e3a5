"""Work that may run in several pools of unlike cards: where it is placed, when it moves on, and what it is told."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import START_AT, Held, find_places, get_hold, get_nodes, make_nodes, make_pool, make_quota, make_tenant, make_workload
from tests.planner.plans import plan
from tests.planner.worlds import snapshots

from commonpool.engine.reference import ReferenceEngine
from commonpool.model.ids import PoolName
from commonpool.model.plan import Passed
from commonpool.model.pools import PoolOrder
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Prefer, Snapshot, Wish, Workload
from commonpool.planner import plan_round

A100 = make_pool("a100", speed_gflops={"bf16": 312_000}, price_micro_per_hour=1_100_000)
H100 = make_pool("h100", price_micro_per_hour=2_400_000)
L4 = make_pool("l4", memory_gib=24, speed_gflops={"bf16": 121_000}, price_micro_per_hour=300_000)
POOLS = [A100, H100, L4]
FLEETS = [*make_nodes(2, pool="a100"), *make_nodes(2, pool="h100"), *make_nodes(2, pool="l4")]
EXAMPLES = settings(max_examples=150, deadline=None)


def fill(pool: str) -> Workload:
    return make_workload(
        f"fills-{pool}", tenant="nlp", pools=(pool,), replicas=2, held=(Held(f"{pool}-0000", 1, pool), Held(f"{pool}-0001", 1, pool))
    )


@pytest.mark.parametrize(
    ("prefer", "node"),
    [
        (Prefer.LIST_ORDER, "a100-0000"),
        (Prefer.FASTEST, "h100-0000"),
        (Prefer.CHEAPEST, "l4-0000"),
        (Prefer.BEST_VALUE, "h100-0000"),
    ],
)
def test_it_is_placed_in_the_pool_that_it_prefers(prefer: Prefer, node: str) -> None:
    made = plan(make_workload(pools=("a100", "l4", "h100"), prefer=prefer), nodes=FLEETS, pools=POOLS)
    assert get_nodes(made, "pretrain") == [node]
    assert made.place[0].passed == ()


def test_what_its_best_pool_cannot_take_goes_to_the_next_one_and_says_why() -> None:
    wanted = make_workload(pools=("l4", "h100", "a100"), prefer=Prefer.FASTEST)
    quota = make_quota("vision", "a100", limit=4)
    made = plan(fill("h100"), wanted, nodes=FLEETS, pools=POOLS, quotas=[quota])
    assert get_nodes(made, "pretrain") == ["l4-0000"]
    [place] = find_places(made, "pretrain")
    h100, a100 = PoolName("h100"), PoolName("a100")
    assert place.passed == (Passed(h100, Reason.INSUFFICIENT_CAPACITY), Passed(a100, Reason.QUOTA_REACHED))


def test_elastic_work_that_starts_larger_says_so_too() -> None:
    wanted = make_workload(pools=("h100", "a100"), most=2)
    [place] = find_places(plan(fill("h100"), wanted, nodes=FLEETS, pools=POOLS), "pretrain")
    assert (len(place.entries), place.passed) == (2, (Passed(PoolName("h100"), Reason.INSUFFICIENT_CAPACITY),))


def test_a_gang_is_never_split_over_pools_though_both_together_had_room() -> None:
    made = plan(make_workload(pools=("h100", "a100"), replicas=3), nodes=FLEETS, pools=POOLS)
    assert not made.place
    assert get_hold(made, "pretrain").reason is Reason.GANG_LARGER_THAN_POOL


def test_a_service_starts_where_all_of_it_has_room_rather_than_in_part_where_it_is_liked_best() -> None:
    half_full = make_workload("other", tenant="nlp", held=(Held("h100-0000"),))
    service = make_workload("svc", pools=("h100", "a100"), replicas=2, gang=False)
    made = plan(half_full, service, nodes=FLEETS, pools=POOLS)
    assert get_nodes(made, "svc") == ["a100-0000", "a100-0001"]
    larger = make_workload("svc", pools=("h100", "a100"), replicas=3, gang=False)
    assert get_nodes(plan(half_full, larger, nodes=FLEETS, pools=POOLS), "svc") == ["h100-0001"]


def test_who_rather_waits_is_told_so_and_what_would_start_it() -> None:
    patient = make_workload(pools=("h100", "a100"), patience=600)
    made = plan(fill("h100"), patient, nodes=FLEETS, pools=POOLS)
    hold = get_hold(made, "pretrain")
    assert hold.reason is Reason.INSUFFICIENT_CAPACITY
    assert hold.message == (
        "pool `h100` has room for 0 of 1 pod with 8 accelerators each now;"
        " as `waitSeconds` says it leaves out pool `a100` until `2027-01-15T08:10:00Z`"
    )
    assert hold.nearest_change == "without `waitSeconds` it would start now in pool `a100`"


def test_who_has_waited_long_enough_goes_where_there_is_room() -> None:
    patient = replace(make_workload(pools=("h100", "a100")), patient_until_at=START_AT)
    assert get_nodes(plan(fill("h100"), patient, nodes=FLEETS, pools=POOLS), "pretrain") == ["a100-0000"]


def test_nobody_waits_for_a_pool_that_could_never_take_him() -> None:
    large = make_workload("large", pools=("l4", "h100"), replicas=3, patience=600)
    poor = make_workload("poor", tenant="nlp", pools=("h100", "a100"), patience=600)
    nodes = [*make_nodes(2, pool="l4"), *make_nodes(4, pool="h100"), *make_nodes(2, pool="a100")]
    made = plan(large, poor, nodes=nodes, pools=POOLS, quotas=[make_quota("nlp", "h100", limit=4)])
    assert get_nodes(made, "large") == ["h100-0000", "h100-0001", "h100-0002"]
    assert get_nodes(made, "poor") == ["a100-0000"]


def test_who_never_borrows_does_not_wait_where_he_is_guaranteed_nothing() -> None:
    sure = replace(make_workload(pools=("h100", "a100"), tier="Guaranteed", patience=600))
    made = plan(fill("h100"), sure, nodes=FLEETS, pools=POOLS, quotas=[make_quota("vision", "a100", guaranteed=8)])
    assert get_nodes(made, "pretrain") == ["a100-0000"]


def test_of_pools_that_are_equally_good_the_one_with_room_is_as_good_as_the_first() -> None:
    twins = [make_pool("east", price_micro_per_hour=1), make_pool("west", price_micro_per_hour=1), A100]
    nodes = [*make_nodes(2, pool="east"), *make_nodes(2, pool="west"), *make_nodes(2, pool="a100")]
    patient = make_workload(wishes=(Wish(precision="fp8"), Wish(PoolName("a100"))), patience=600)
    assert get_nodes(plan(fill("east"), patient, nodes=nodes, pools=twins), "pretrain") == ["west-0000"]


def test_a_guarantee_is_claimed_in_the_pool_that_is_waited_for() -> None:
    borrower = replace(fill("h100"), wishes=(Wish(PoolName("h100")),))
    patient = make_workload(pools=("h100", "a100"), patience=600)
    quotas = [make_quota("vision", "h100", guaranteed=8), make_quota("nlp", "h100", guaranteed=0)]
    made = plan(borrower, patient, nodes=FLEETS, pools=POOLS, quotas=quotas)
    assert [evict.workload for evict in made.evict] == [borrower.name]
    assert get_hold(made, "pretrain").reason is Reason.WAITS_FOR_RECLAIM
    at_once = plan(borrower, replace(patient, patient_until_at=0), nodes=FLEETS, pools=POOLS, quotas=quotas)
    assert (get_nodes(at_once, "pretrain"), at_once.evict) == (["a100-0000"], ())


def test_a_rollout_to_other_pods_still_asks_for_whole_groups() -> None:
    pools, nodes = [make_pool("npu", group_size=4)], make_nodes(2, pool="npu")
    service = make_workload("svc", pools=("npu",), replicas=3, gpus=4, gang=False, held=(Held("npu-0000", 2, "npu"),))
    changed = replace(service, shape=replace(service.shape, gpu_milli=3000))
    assert find_places(plan(service, nodes=nodes, pools=pools), "svc")
    hold = get_hold(plan(changed, nodes=nodes, pools=pools), "svc")
    assert hold.message == "pool `npu` gives accelerators in whole groups of `4`: ask for `4` a pod, or another multiple"


def test_what_runs_goes_on_when_an_administrator_makes_groups_of_its_cards() -> None:
    pools, nodes = [make_pool("npu", group_size=4)], make_nodes(2, pool="npu")
    service = make_workload("svc", pools=("npu",), replicas=3, gpus=2, gang=False, held=(Held("npu-0000", 2, "npu"),))
    assert find_places(plan(service, nodes=nodes, pools=pools), "svc")


def test_where_all_its_pools_give_groups_it_is_told_the_size_of_each() -> None:
    pools = [make_pool("npu", group_size=4), make_pool("gaudi", group_size=8)]
    made = plan(make_workload(pools=("npu", "gaudi"), gpus=3), nodes=make_nodes(1, pool="npu"), pools=pools, tenants=[make_tenant()])
    assert get_hold(made, "pretrain").message == (
        "pool `npu` gives accelerators in whole groups of `4`, pool `gaudi` of `8`: ask for `4` a pod, or another multiple"
    )


def alone(snapshot: Snapshot, **wanted: object) -> Snapshot:
    """Only the first workload waits; what the others hold they keep."""
    kept = [replace(each, needs=(), needs_min=0, blocked=None, resize=None, leaving=False) for each in snapshot.workloads if each.begun]
    first = next((each for each in snapshot.workloads if each.needs and not each.begun), None)
    mine = [replace(first, patient_until_at=0, **wanted)] if first is not None else []  # type: ignore[arg-type]
    return replace(snapshot, workloads=tuple(sorted([*kept, *mine], key=lambda each: each.name)))


def count_placed(snapshot: Snapshot) -> dict[str, int]:
    """Pods of the workload that waits, by pool."""
    waits = {each.name for each in snapshot.workloads if not each.begun}
    places = [place for place in plan_round(snapshot, ReferenceEngine()).place if place.workload in waits]
    return {place.pool: sum(len(each.entries) for each in places) for place in places}


weights = st.lists(st.integers(1, 10_000), min_size=3, max_size=3)


@EXAMPLES
@given(snapshots(), st.sampled_from(Prefer), weights)
def test_what_is_preferred_decides_where_and_never_whether(snapshot: Snapshot, prefer: Prefer, heavy: list[int]) -> None:
    """Of one workload that waits alone; and where one pool only would take it, it gets as many pods there whatever it prefers."""
    plain = alone(snapshot, prefer=Prefer.LIST_ORDER)
    waits = [each for each in plain.workloads if not each.begun]
    wishes = tuple(replace(wish, weight=heavy[number % 3]) for each in waits for number, wish in enumerate(each.wishes))
    before, after = count_placed(plain), count_placed(alone(snapshot, prefer=prefer, wishes=wishes))
    assert bool(before) == bool(after)
    pools = {choice for each in waits for choice in (wish.pool for wish in each.wishes)}
    only = [one for one in sorted({pool.name for pool in snapshot.pools}) if count_placed(limit_to(plain, one))]
    assert set(before) | set(after) <= set(only) or None in pools
    if len(only) == 1:
        assert before == after == count_placed(limit_to(plain, only[0]))


def limit_to(snapshot: Snapshot, pool: PoolName) -> Snapshot:
    """The workload that waits may go to this one of its pools only."""
    return replace(snapshot, workloads=tuple(each if each.begun else _limit(each, pool) for each in snapshot.workloads))


def _limit(workload: Workload, pool: PoolName) -> Workload:
    return replace(workload, wishes=tuple(replace(wish, pool=pool) for wish in workload.wishes if wish.pool in {None, pool}))


@EXAMPLES
@given(snapshots(), st.integers(0, 2), st.integers(1, 5))
def test_who_takes_the_cheapest_does_not_come_to_a_pool_because_it_became_dearer(snapshot: Snapshot, number: int, more: int) -> None:
    first = alone(snapshot, prefer=Prefer.CHEAPEST)
    dear = snapshot.pools[number % len(snapshot.pools)]
    pools = tuple(replace(pool, price_micro_per_hour=pool.price_micro_per_hour + more * (pool is dear)) for pool in snapshot.pools)
    before, after = count_placed(first), count_placed(replace(first, pools=pools))
    assert dear.name not in after or dear.name in before


@EXAMPLES
@given(snapshots())
def test_who_has_patience_starts_in_no_pool_while_a_better_one_could_take_him(snapshot: Snapshot) -> None:
    """It could if it would in an empty world."""
    order, workloads = PoolOrder(snapshot.pools), {each.name: each for each in snapshot.workloads}
    for place in plan_round(snapshot, ReferenceEngine()).place:
        workload = workloads[place.workload]
        if workload.begun or workload.patient_until_at <= snapshot.now_at:
            continue
        choices = order.rank(workload.wishes, workload.prefer)
        [mine] = [choice.grade for choice in choices if choice.pool.name == place.pool]
        for better in (choice.pool.name for choice in choices if choice.grade < mine):
            empty = replace(snapshot, workloads=(replace(workload, patient_until_at=0),))
            assert not count_placed(limit_to(empty, better))
