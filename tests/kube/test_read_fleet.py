import pytest
from tests.kube.objects import (
    POOL_TAINTED,
    Body,
    FilledMirror,
    job_body,
    node_body,
    own_body,
    pod_body,
    pool_body,
)
from tests.kube.readings import GIB, ONE_GPU, line, node, read

from commonpool.kube.resources import NODES
from commonpool.model.amounts import Amounts
from commonpool.model.ids import Seat
from commonpool.model.names import POOL_TAINT


def test_a_node_has_what_it_can_give_and_its_domains_from_the_widest_down() -> None:
    mirror = FilledMirror(nodes=0)
    mirror.see(NODES, node_body("gpu-0", labels={"topology.commonpool.dev/rack": "r1"}))
    found = node(mirror, "gpu-0")
    assert found.capacity == Amounts(8000, 96000, 1000 * GIB, 110)
    assert found.domains == ("b0", "b0/r1", "b0/r1/gpu-0")
    assert found.schedulable


def test_a_level_without_a_label_is_empty_and_those_below_it_stay() -> None:
    assert node(FilledMirror(nodes=1), "gpu-0").domains == ("b0", "", "b0/gpu-0")


@pytest.mark.parametrize(
    ("change", "schedulable"),
    [
        ({}, True),
        ({"unschedulable": True}, False),
        ({"taints": []}, True),
        ({"taints": [POOL_TAINTED, {"key": "maintenance", "effect": "NoSchedule"}]}, False),
        ({"taints": [{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}]}, False),
        ({"taints": [{"key": "slow", "effect": "PreferNoSchedule"}]}, True),
        ({"taints": [{"key": POOL_TAINT, "value": "another", "effect": "NoSchedule"}]}, True),
    ],
)
def test_a_node_takes_pods_if_nothing_but_the_pools_taint_is_in_the_way(change: Body, schedulable: bool) -> None:  # noqa: FBT001
    mirror = FilledMirror(nodes=0)
    mirror.see(NODES, node_body("gpu-0", **change))
    assert node(mirror, "gpu-0").schedulable is schedulable


def test_a_node_that_is_not_ready_takes_no_pods() -> None:
    mirror = FilledMirror(nodes=0)
    body = node_body("gpu-0")
    body["status"]["conditions"] = [{"type": "Ready", "status": "Unknown"}]
    mirror.see(NODES, body)
    assert not node(mirror, "gpu-0").schedulable


def test_a_node_belongs_to_the_first_pool_by_name_that_takes_it_and_others_to_none() -> None:
    mirror = FilledMirror(nodes=1)
    mirror.own(pool_body("all", nodes={"matchExpressions": [{"key": "gpu", "operator": "Exists"}]}))
    mirror.see(NODES, node_body("cpu-0", labels={"gpu": "none"}))
    mirror.own(pool_body("all", nodes={"matchExpressions": [{"key": "gpu", "operator": "In", "values": ["h100"]}]}, openTo="Quota"))
    assert [(each.name, each.pool) for each in read(mirror).nodes] == [("gpu-0", "all")]


def test_a_reference_accelerator_is_an_a100() -> None:
    mirror = FilledMirror()
    mirror.own(pool_body("a100", model="A100-SXM-80GB", nodes={"matchLabels": {"gpu": "a100"}}))
    assert [(pool.name, pool.reference_milli) for pool in read(mirror).pools] == [("a100", 1000), ("h100", 3169)]


def test_quota_lines_are_read_in_thousandths_of_their_unit() -> None:
    mirror = FilledMirror()
    lines = [{"pool": "h100", "guaranteed": 16, "limit": 32}, {"pools": ["h100", "gone"], "unit": "reference", "guaranteed": 100}]
    mirror.own(own_body("GPUQuota", "vision", {"tenant": "vision", "pools": [*lines, {"pool": "gone", "guaranteed": 1}]}))
    counted, weighed = read(mirror).quotas
    assert (counted.pools, counted.weights_milli, counted.guaranteed, counted.limit) == (("h100",), (1000,), 16000, 32000)
    assert (weighed.pools, weighed.weights_milli, weighed.guaranteed, weighed.limit) == (("h100",), (3169,), 100_000, None)


def test_pods_of_nobody_hold_what_they_hold_on_a_pools_node() -> None:
    mirror = FilledMirror()
    mirror.pods_are(
        pod_body("agent", node="gpu-0", gpus=0, namespace="kube-system"),
        pod_body("admins", node="gpu-0", gpus=2, namespace="kube-system"),
        pod_body("done", node="gpu-0", gpus=1, namespace="kube-system", phase="Succeeded"),
        pod_body("waiting", gpus=1, namespace="kube-system"),
    )
    assert node(mirror, "gpu-0").foreign == Amounts(2000, 8000, 16 * GIB, 2)


def test_a_tenants_pods_without_an_accelerator_are_nobodys() -> None:
    mirror = FilledMirror()
    mirror.pods_are(pod_body("notebook", node="gpu-0", gpus=0))
    assert node(mirror, "gpu-0").foreign == Amounts(0, 4000, 8 * GIB, 1)
    assert read(mirror).workloads == ()


def test_accelerators_of_a_tenant_count_before_anything_stands_for_their_workload() -> None:
    mirror = FilledMirror()
    mirror.jobs_are(job_body("plain"))
    mirror.pods_are(pod_body("plain-0", job="plain", rank=0, node="gpu-0"), pod_body("plain-1", job="plain", rank=1))
    [found] = read(mirror).workloads
    assert (found.tenant, found.needs, [holding.node for holding in found.holdings]) == ("vision", (), ["gpu-0"])
    assert found.holdings[0].amounts == ONE_GPU
    assert node(mirror, "gpu-0").foreign == Amounts()


def test_what_stands_for_nothing_and_holds_nothing_is_not_there() -> None:
    mirror = FilledMirror()
    mirror.jobs_are(job_body("plain", suspended=True, held=True))
    assert read(mirror).workloads == ()


def test_the_next_number_is_above_all_that_were_ever_seen() -> None:
    mirror = FilledMirror()
    mirror.promised(line("Job", "x", (Seat(0), "gpu-0")), number=41)
    assert read(mirror).number == 42
    for each in list(mirror.rounds.seen()):
        mirror.rounds.drop(each.key, each.uid)
    assert read(mirror).number == 42


def test_reading_twice_gives_the_same_whatever_the_order_of_arrival() -> None:
    one, other = FilledMirror(), FilledMirror()
    bodies = [pod_body(f"p{index}", node=f"gpu-{index % 4}") for index in range(6)]
    one.pods_are(*bodies)
    other.pods_are(*reversed(bodies))
    assert read(one) == read(other)


def test_heartbeats_are_no_reason_to_plan() -> None:
    mirror = FilledMirror(nodes=1)
    read(mirror)
    mirror.dirty.clear()
    mirror.see(NODES, node_body("gpu-0"))
    mirror.pods_are(pod_body("elsewhere", gpus=0, node="cpu-0", namespace="kube-system"))
    mirror.own(pool_body())
    assert not mirror.dirty.is_set()
    mirror.pods_are(pod_body("agent", gpus=0, node="gpu-0", namespace="kube-system"))
    assert mirror.dirty.is_set()
