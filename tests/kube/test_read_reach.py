"""A service is as large as its load asks for, and no larger than quotas and pools could ever let it be."""

from typing import Any

import pytest
from tests.kube.objects import FilledMirror, deployment_body, inference_body, own_body, pool_body, service_pod_body
from tests.kube.readings import workload, world

from commonpool.kube.load import Load
from commonpool.kube.read.needs import count_wanted
from commonpool.kube.status.remarks import list_workload_remarks

UID = "uid-GPUWorkload-chat"
SCALING = {
    "minNodes": 0,
    "maxNodes": 5,
    "node": {"nvidia.com/gpu": "8", "cpu": "64", "memory": "512Gi"},
    "provider": {"scale": {"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "name": "h200"}},
}


def make_service(gpus: int = 1, tier: str = "Standard", **accelerators: Any) -> FilledMirror:  # noqa: ANN401
    """Four nodes of eight accelerators, and a service whose load asks for all that it may have."""
    mirror = FilledMirror()
    body = inference_body(gpus=gpus)
    body["spec"]["accelerators"] |= accelerators
    body["spec"]["tier"] = tier
    body["spec"]["inference"] |= {"replicas": {"min": 1, "max": 100_000}, "target": {"metric": "requestsPerSecond", "perReplica": "1"}}
    mirror.own(body)
    mirror.follow({UID: Load(100_000)})
    return mirror


def quota(**line: int) -> dict[str, Any]:
    return own_body("GPUQuota", "vision", {"tenant": "vision", "pools": [{"pool": "h100", **line}]})


def count(mirror: FilledMirror) -> int:
    [run] = world(mirror).runs
    return count_wanted(run)


def hear(mirror: FilledMirror) -> tuple[str, ...]:
    read = world(mirror)
    return list_workload_remarks(read.runs[0], read.fleet.pools)


def test_it_gets_no_more_pods_than_its_pools_have_accelerators() -> None:
    mirror = make_service(gpus=2)
    assert count(mirror) == len(workload(mirror, "chat").needs) == 16
    assert hear(mirror) == ("`replicas.max` `100000` counts as `16`: there are no more accelerators for it in any pool",)


@pytest.mark.parametrize(
    ("line", "tier", "most"),
    [
        ({"guaranteed": 4, "limit": 12}, "Standard", 12),
        ({"guaranteed": 4, "limit": 12, "borrowable": 1}, "Standard", 5),
        ({"guaranteed": 4}, "Standard", 32),
        ({"guaranteed": 4}, "Guaranteed", 4),
        ({"limit": 0}, "Standard", 1),
    ],
    ids=["limit", "borrowing", "pool", "guarantee", "one-waits-and-says-why"],
)
def test_it_gets_no_more_pods_than_quotas_allow(line: dict[str, int], tier: str, most: int) -> None:
    mirror = make_service(tier=tier)
    mirror.own(quota(**line))
    assert count(mirror) == most


def test_the_largest_of_its_pools_counts_until_it_has_begun_in_one() -> None:
    mirror = make_service()
    mirror.own(pool_body("h200", model="H200-SXM-141GB", nodes={"matchLabels": {"gpu": "h200"}}), quota(limit=2))
    assert count(mirror) == 2
    mirror.own(pool_body("h200", model="H200-SXM-141GB", nodes={"matchLabels": {"gpu": "h200"}}, scaling=SCALING))
    assert count(mirror) == 40
    mirror.deployments_are(deployment_body("chat", owner_uid=UID))
    mirror.pods_are(service_pod_body("chat-x", "chat", node="gpu-0"))
    assert count(mirror) == 2


def test_what_has_a_place_keeps_it_when_a_limit_falls_below() -> None:
    mirror = make_service()
    mirror.own(quota(limit=1))
    mirror.deployments_are(deployment_body("chat", replicas=3, owner_uid=UID))
    mirror.pods_are(*(service_pod_body(f"chat-{name}", "chat", node=f"gpu-{name}") for name in "012"))
    assert count(mirror) == 3


def test_where_no_pool_would_do_nobody_guesses() -> None:
    mirror = make_service(anyOf=[{"pool": "gone"}])
    assert (count(mirror), hear(mirror)) == (100_000, ())
