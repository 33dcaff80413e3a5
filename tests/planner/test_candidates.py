from tests.builders import (
    GIB,
    Held,
    find_places,
    get_hold,
    get_nodes,
    make_node,
    make_nodes,
    make_pool,
    make_quota,
    make_tenant,
    make_workload,
)
from tests.planner.plans import plan

from commonpool.model.ids import PoolName
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Blocked, Wish

TWO_POOLS = [
    make_pool("a100", memory_gib=40, speed_gflops={"bf16": 312_000}, price_micro_per_hour=1_000_000),
    make_pool("h100", memory_gib=80, price_micro_per_hour=2_000_000),
]
TWO_FLEETS = [*make_nodes(2, pool="a100"), *make_nodes(2, pool="h100")]


def test_the_first_pool_wished_for_is_taken_while_it_has_room() -> None:
    made = plan(make_workload("one", pools=("h100", "a100")), nodes=TWO_FLEETS, pools=TWO_POOLS)
    assert get_nodes(made, "one") == ["h100-0000"]


def test_the_next_pool_is_taken_when_the_first_is_full() -> None:
    full = make_workload("full", held=(Held("h100-0000"), Held("h100-0001")), replicas=2)
    made = plan(full, make_workload("one", pools=("h100", "a100")), nodes=TWO_FLEETS, pools=TWO_POOLS)
    assert get_nodes(made, "one") == ["a100-0000"]


def test_a_capability_finds_the_cheapest_pool_that_has_it() -> None:
    small, large = Wish(memory_bytes=40 * GIB, precision="bf16"), Wish(precision="fp8")
    made = plan(make_workload("small", wishes=(small,)), make_workload("large", wishes=(large,)), nodes=TWO_FLEETS, pools=TWO_POOLS)
    assert get_nodes(made, "small") == ["a100-0000"]
    assert get_nodes(made, "large") == ["h100-0000"]


def test_pods_that_ask_for_a_resource_may_go_to_every_pool_that_has_it() -> None:
    made = plan(make_workload("any", wishes=(Wish(resource_name="nvidia.com/gpu"),)), nodes=TWO_FLEETS, pools=TWO_POOLS)
    assert get_nodes(made, "any") == ["a100-0000"]


def test_a_workload_that_has_begun_stays_in_its_pool() -> None:
    begun = make_workload("begun", pools=("a100", "h100"), replicas=2, held=(Held("h100-0000"),))
    made = plan(begun, nodes=TWO_FLEETS, pools=TWO_POOLS)
    assert get_nodes(made, "begun") == ["h100-0001"]


def test_a_pool_that_does_not_exist_is_named_with_those_that_do() -> None:
    hold = get_hold(plan(make_workload("lost", pools=("b200",)), nodes=TWO_FLEETS, pools=TWO_POOLS), "lost")
    assert hold.reason is Reason.POOL_NOT_FOUND
    assert hold.message == "there is no pool `b200`; there are: `a100`, `h100`"
    assert hold.position == 0


def test_a_capability_that_no_pool_has_is_told_at_once() -> None:
    wish = Wish(memory_bytes=141 * GIB, precision="fp8")
    hold = get_hold(plan(make_workload("large", wishes=(wish,)), nodes=TWO_FLEETS, pools=TWO_POOLS), "large")
    assert hold.reason is Reason.NO_POOL_MATCHES
    assert hold.message == "no pool has 141Gi of memory with precision `fp8`"


def test_a_pool_by_name_that_lacks_the_resource_asked_for_is_no_candidate() -> None:
    wish = Wish(pool=PoolName("h100"), resource_name="huawei.com/ascend")
    hold = get_hold(plan(make_workload("odd", wishes=(wish,)), nodes=TWO_FLEETS, pools=TWO_POOLS), "odd")
    assert hold.reason is Reason.NO_POOL_MATCHES
    assert hold.message == "pool `h100` has no resource `huawei.com/ascend`"


def test_a_pool_by_quota_is_open_to_those_who_have_one_there_or_above() -> None:
    pools = [make_pool("h100", open_to_all=False)]
    tenants = [make_tenant("research"), make_tenant("vision", parent="research"), make_tenant("nlp")]
    made = plan(
        make_workload("in"),
        make_workload("out", tenant="nlp"),
        nodes=make_nodes(2),
        pools=pools,
        tenants=tenants,
        quotas=[make_quota("research", guaranteed=8)],
    )
    assert find_places(made, "in")
    hold = get_hold(made, "out")
    assert hold.reason is Reason.POOL_NOT_OPEN
    assert hold.message == "pool `h100` is open only to tenants with a GPUQuota there, and you have none"


def test_a_namespace_without_a_tenant_gets_nothing() -> None:
    made = plan(make_workload("nobodys", tenant=None), make_workload("strange", tenant="stranger"), nodes=make_nodes(1))
    nobodys = get_hold(made, "nobodys")
    assert nobodys.reason is Reason.NOT_A_TENANT
    assert nobodys.message.endswith("belongs to no tenant: ask an administrator to name it in a Tenant's `spec.namespaces`")
    assert get_hold(made, "strange").message == "there is no Tenant `stranger`, which the namespace's label names: ask an administrator"


def test_only_the_tenants_own_priority_classes_may_be_named() -> None:
    tenants = [make_tenant("vision", priority_classes=("vision-high", "vision-low")), make_tenant("nlp")]
    made = plan(
        make_workload("fine", priority_class="vision-high"),
        make_workload("greedy", priority_class="system-cluster-critical"),
        make_workload("other", tenant="nlp", priority_class="vision-high"),
        nodes=make_nodes(3),
        tenants=tenants,
    )
    assert find_places(made, "fine")
    assert get_hold(made, "greedy").message == (
        "tenant `vision` may not use PriorityClass `system-cluster-critical`: use one of `vision-high`, `vision-low`, or none"
    )
    assert get_hold(made, "other").message == "tenant `nlp` may not use PriorityClass `vision-high`: name none"


def test_what_is_blocked_waits_for_that_reason_and_has_no_place_in_the_queue() -> None:
    blocked = make_workload("paused", blocked=Blocked(Reason.SUSPENDED_BY_OWNER, "is suspended by its owner"))
    made = plan(blocked, make_workload("next"), nodes=make_nodes(1))
    hold = get_hold(made, "paused")
    assert (hold.reason, hold.message, hold.position) == (Reason.SUSPENDED_BY_OWNER, "is suspended by its owner", 0)
    assert get_nodes(made, "next") == ["h100-0000"]


def test_only_nodes_that_the_selector_chooses_are_used() -> None:
    nodes = [make_node("east", labels={"zone": "east"}), make_node("west", labels={"zone": "west"}), make_node("none")]
    made = plan(make_workload("picky", node_selector={"zone": "west"}), nodes=nodes)
    assert get_nodes(made, "picky") == ["west"]


def test_a_node_that_takes_no_pods_is_not_used() -> None:
    made = plan(make_workload("one"), nodes=[make_node("a", schedulable=False), make_node("b")])
    assert get_nodes(made, "one") == ["b"]


def test_a_pool_of_quads_takes_whole_quads_only() -> None:
    pools = [make_pool("npu", group_size=4), make_pool("h100")]
    nodes = [*make_nodes(1, pool="npu"), *make_nodes(1)]
    made = plan(
        make_workload("quads", pools=("npu",)),
        make_workload("three", pools=("npu",), gpus=3),
        make_workload("either", pools=("npu", "h100"), gpus=3),
        nodes=nodes,
        pools=pools,
    )
    assert get_nodes(made, "quads") == ["npu-0000"]
    assert get_nodes(made, "either") == ["h100-0000"]
    hold = get_hold(made, "three")
    assert hold.reason is Reason.NO_POOL_MATCHES
    assert hold.message == "pool `npu` gives accelerators in whole groups of `4`: ask for `4` a pod, or another multiple"
