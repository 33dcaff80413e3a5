"""Who holds what."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.builders import START_AT, Held, make_node, make_nodes, make_pool, make_quota, make_tenant, make_workload

from commonpool.engine.reference import ReferenceEngine
from commonpool.model.amounts import Amounts
from commonpool.model.assume import assume_plan
from commonpool.model.demand import find_favourite, sum_demand
from commonpool.model.ids import ANY_SEAT, ChildKey, NodeName, PoolName, Seat, TenantName
from commonpool.model.plan import Entry, Place, Plan
from commonpool.model.pools import PoolOrder
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Node, Prefer, QuotaLine, Snapshot, Tenant, Wish, Workload, build_snapshot
from commonpool.model.usage import LineUse, Use, find_lineage, sum_usage
from commonpool.planner import plan_round

H100 = PoolName("h100")


def make_snapshot(
    *workloads: Workload, nodes: list[Node] | None = None, tenants: tuple[Tenant, ...] = (), quotas: tuple[QuotaLine, ...] = ()
) -> Snapshot:
    return build_snapshot(
        now_at=START_AT,
        epoch=1,
        number=1,
        pools=[make_pool(), make_pool("a100")],
        nodes=make_nodes(4) if nodes is None else nodes,
        tenants=tenants or (make_tenant(),),
        quotas=quotas,
        workloads=workloads,
    )


def get_line(snapshot: Snapshot, tenant: str) -> LineUse:
    return next(use for line, use in sum_usage(snapshot).lines.items() if line.tenant == tenant)


def test_use_is_bound_pods_and_promises() -> None:
    snapshot = make_snapshot(make_workload(held=(Held("h100-0000"), Held("h100-0001", pods=2, bound=False)), gpus=4, replicas=3))
    assert sum_usage(snapshot).tenants == {(TenantName("vision"), H100): Use(bound=4000, promised=8000)}


def test_a_parent_holds_what_its_children_hold() -> None:
    tenants = (make_tenant("research"), make_tenant("vision", parent="research"), make_tenant("nlp", parent="research"))
    snapshot = make_snapshot(
        make_workload(tenant="vision", held=(Held("h100-0000"),)),
        make_workload(tenant="nlp", held=(Held("h100-0001"),)),
        tenants=tenants,
    )
    usage = sum_usage(snapshot)
    assert usage.subtrees[TenantName("research"), H100].total == 16_000
    assert (TenantName("research"), H100) not in usage.tenants


def test_tenants_in_a_circle_of_parents_stand_alone() -> None:
    circle = [make_tenant("a", parent="b"), make_tenant("b", parent="a"), make_tenant("under", parent="a")]
    lineage = find_lineage([*circle, make_tenant("itself", parent="itself"), make_tenant("c", parent="gone")])
    assert lineage == {"a": ("a",), "b": ("b",), "under": ("under", "a"), "itself": ("itself",), "c": ("c",)}


def test_a_pool_is_what_is_held_foreign_free_and_unhealthy() -> None:
    nodes = [
        make_node("whole"),
        make_node("shared", foreign=Amounts(gpu_milli=1000)),
        make_node("cordoned", schedulable=False),
        make_node("full"),
    ]
    held = (Held("full", pods=2), Held("shared", bound=False), Held("cordoned"))
    use = sum_usage(make_snapshot(make_workload(held=held, gpus=4, replicas=4), nodes=nodes)).pools[H100]
    assert (use.nodes, use.total, use.use, use.foreign) == (4, 32_000, Use(bound=12_000, promised=4000), 1000)
    assert (use.free, use.unhealthy, use.free_in_whole_nodes) == (11_000, 4000, 8000)
    assert use.total == use.use.total + use.foreign + use.free + use.unhealthy


def test_a_line_borrows_what_is_beyond_its_guarantee_and_lends_what_others_took() -> None:
    quotas = (make_quota("vision", guaranteed=24), make_quota("nlp", guaranteed=8))
    tenants = (make_tenant("vision"), make_tenant("nlp"))
    held = (Held("h100-0000"), Held("h100-0001"), Held("h100-0002"))
    snapshot = make_snapshot(make_workload(tenant="nlp", held=held, replicas=3), tenants=tenants, quotas=quotas)
    assert get_line(snapshot, "nlp") == LineUse(used=24_000, borrowed=16_000, lent=0, guaranteed_together=32_000, available=32_000)
    assert get_line(snapshot, "vision").lent == 16_000


def test_what_is_idle_is_not_lent() -> None:
    quotas = (make_quota("vision", guaranteed=16),)
    snapshot = make_snapshot(
        make_workload(tenant="nlp", held=(Held("h100-0000"),)), tenants=(make_tenant(), make_tenant("nlp")), quotas=quotas
    )
    assert get_line(snapshot, "vision").lent == 0


def test_what_never_was_there_is_not_lent() -> None:
    snapshot = make_snapshot(quotas=(make_quota("vision", guaranteed=64),))
    line = get_line(snapshot, "vision")
    assert (line.lent, line.guaranteed_together, line.available) == (0, 64_000, 32_000)


def test_what_is_lent_is_shared_out_among_the_lenders() -> None:
    tenants = tuple(make_tenant(name) for name in ("a", "b", "taker"))
    quotas = (make_quota("a", guaranteed=24), make_quota("b", guaranteed=8))
    held = (Held("h100-0000"), Held("h100-0001"))
    snapshot = make_snapshot(make_workload(tenant="taker", held=held, replicas=2), tenants=tenants, quotas=quotas)
    assert (get_line(snapshot, "a").lent, get_line(snapshot, "b").lent) == (12_000, 4000)


def test_a_childs_line_is_a_part_of_its_parents() -> None:
    tenants = (make_tenant("research"), make_tenant("vision", parent="research"))
    quotas = (make_quota("research", guaranteed=16), make_quota("vision", guaranteed=24))
    snapshot = make_snapshot(tenants=tenants, quotas=quotas)
    child, parent = get_line(snapshot, "vision"), get_line(snapshot, "research")
    assert (child.available, child.guaranteed_together, child.within_parent) == (16_000, 24_000, True)
    assert (parent.available, parent.guaranteed_together, parent.within_parent) == (32_000, 16_000, False)


def test_pools_of_one_line_count_in_its_unit() -> None:
    quota = make_quota("vision", "a100", "h100", guaranteed=100, weights_milli=(1000, 3000))
    nodes = [make_node("one"), make_node("two", pool="a100")]
    held = (Held("one"), Held("two", pool="a100"))
    snapshot = make_snapshot(make_workload(held=held, replicas=2), nodes=nodes, quotas=(quota,))
    assert get_line(snapshot, "vision").used == 8000 * 3 + 8000


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    names = ["research", "vision", "nlp"]
    tenants = [make_tenant("research"), make_tenant("vision", parent="research"), make_tenant("nlp")]
    quotas = [make_quota(name, guaranteed=draw(st.integers(0, 24)), lendable=draw(st.none() | st.just(0))) for name in names]
    workloads = [
        make_workload(
            f"w{index}",
            tenant=draw(st.sampled_from(names)),
            replicas=draw(st.integers(1, 3)),
            gpus=draw(st.sampled_from([1, 4, 8])),
            held=(Held(f"h100-{index:04}", bound=draw(st.booleans())),) if draw(st.booleans()) else (),
        )
        for index in range(draw(st.integers(0, 4)))
    ]
    return make_snapshot(*workloads, nodes=make_nodes(5), tenants=tuple(tenants), quotas=tuple(quotas))


@given(snapshots())
def test_all_sums_agree_also_as_a_plan_leaves_them(snapshot: Snapshot) -> None:
    plan = plan_round(snapshot, ReferenceEngine())
    after = assume_plan(snapshot, plan)
    placed = sum(place.shape.gpu_milli * len(place.entries) for place in plan.place)
    before_use, after_use = sum_usage(snapshot), sum_usage(after)
    assert after_use.pools[H100].use.total == before_use.pools[H100].use.total + placed
    for usage in (before_use, after_use):
        pool = usage.pools[H100]
        assert sum(use.total for use in usage.tenants.values()) == pool.use.total
        assert pool.total == pool.use.total + pool.foreign + pool.free + pool.unhealthy
        for line, use in usage.lines.items():
            assert use.borrowed == max(0, use.used - line.guaranteed)
            assert 0 <= use.lent <= max(0, line.guaranteed - use.used)
            assert line.lendable != 0 or not use.lent


@given(snapshots())
def test_nothing_is_left_to_place_in_an_assumed_snapshot(snapshot: Snapshot) -> None:
    after = assume_plan(snapshot, plan_round(snapshot, ReferenceEngine()))
    for before, workload in zip(snapshot.workloads, after.workloads, strict=True):
        assert len(before.needs) + len(before.holdings) == len(workload.needs) + len(workload.holdings)
    assert plan_round(after, ReferenceEngine()).place == ()


def test_a_snapshot_of_which_nothing_was_placed_is_the_same() -> None:
    snapshot = make_snapshot(make_workload())
    assert assume_plan(snapshot, Plan(1, 1)) is snapshot


def test_seats_by_name_by_rank_and_any_are_taken_from_what_is_needed() -> None:
    def take(needs: tuple[Seat, ...], *seats: Seat) -> tuple[Seat, ...]:
        workload = replace(make_workload(), needs=needs)
        place = Place(
            workload=workload.name,
            child=ChildKey("Job", "vision-dev", "pretrain"),
            tenant=TenantName("vision"),
            pool=H100,
            resource_name="nvidia.com/gpu",
            shape=workload.shape,
            entries=tuple(Entry(seat, NodeName("h100-0000")) for seat in seats),
            why=Reason.SHARED,
        )
        return assume_plan(make_snapshot(workload), Plan(1, 1, (place,))).workloads[0].needs

    ranks = (Seat(rank=0), Seat(rank=1), Seat(rank=2))
    assert take(ranks, Seat(rank=1)) == (Seat(rank=0), Seat(rank=2))
    assert take((Seat(pod="a"), Seat(pod="b")), Seat(pod="a")) == (Seat(pod="b"),)
    assert take((ANY_SEAT,) * 3, ANY_SEAT, ANY_SEAT) == (ANY_SEAT,)


def test_a_tenants_demand_is_its_own_and_its_childrens() -> None:
    tenants = (make_tenant("research"), make_tenant("vision", parent="research"))
    snapshot = make_snapshot(
        make_workload("runs", held=(Held("h100-0000"),)),
        make_workload("waits", replicas=2),
        make_workload("grows", replicas=2, held=(Held("h100-0001"),)),
        make_workload("stranger", tenant=None),
        tenants=tenants,
    )
    demand = sum_demand(snapshot)[TenantName("research")]
    assert (demand.holding, demand.waiting, dict(demand.asked)) == (2, 1, {H100: 24_000})


def test_a_workload_asks_for_the_first_pool_that_its_wishes_allow() -> None:
    pools = PoolOrder((make_pool("a100", memory_gib=40, speed_gflops={"bf16": 312_000}), make_pool("h100")))
    assert find_favourite(make_workload(pools=("h100", "a100")), pools) == "h100"
    assert find_favourite(make_workload(wishes=(Wish(precision="fp8"),)), pools) == "h100"
    assert find_favourite(make_workload(wishes=(Wish(memory_bytes=40 << 30),)), pools) == "a100"
    assert find_favourite(make_workload(pools=("gone",)), pools) is None
    assert find_favourite(make_workload(wishes=(Wish(pool=PoolName("a100"), precision="fp8"), Wish(precision="fp8"))), pools) == "h100"
    assert find_favourite(make_workload(pools=("h100",), held=(Held("n", pool="a100"),)), pools) == "a100"


def test_what_is_asked_for_is_told_of_the_pool_that_is_tried_first() -> None:
    pools = [make_pool("a100", price_micro_per_hour=9), make_pool("h100", price_micro_per_hour=5)]
    a100, h100 = Wish(PoolName("a100")), Wish(PoolName("h100"))
    cases: tuple[tuple[tuple[Wish, ...], Prefer, str], ...] = (
        ((Wish(memory_bytes=40 << 30),), Prefer.LIST_ORDER, "h100"),
        ((Wish(resource_name="nvidia.com/gpu"),), Prefer.LIST_ORDER, "h100"),
        ((a100, h100), Prefer.LIST_ORDER, "a100"),
        ((a100, h100), Prefer.CHEAPEST, "h100"),
    )
    for wishes, prefer, expected in cases:
        nodes = [*make_nodes(1, pool="a100"), *make_nodes(1)]
        work = replace(make_workload(wishes=wishes), prefer=prefer)
        world = build_snapshot(now_at=START_AT, epoch=1, number=1, pools=pools, nodes=nodes, tenants=[make_tenant()], workloads=[work])
        assert dict(sum_demand(world)[TenantName("vision")].asked) == {expected: 8000}
        [place] = plan_round(world, ReferenceEngine()).place
        assert place.pool == expected
