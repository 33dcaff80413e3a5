"""Pools whose accelerator is a MIG instance that the nodes offer as a resource of its own."""

import pytest
from tests.kube.objects import (
    GPU,
    POOL_TAINTED,
    Body,
    FilledMirror,
    job_body,
    make_containers,
    node_body,
    own_body,
    pool_body,
    tracked_body,
)
from tests.kube.readings import node, read, told, workload

from commonpool.engine.reference import ReferenceEngine
from commonpool.kube.resources import JOBS, NODES
from commonpool.model.reasons import Reason
from commonpool.model.rounds import render_request
from commonpool.planner import plan_round

HALF = "nvidia.com/mig-3g.20gb"


def make_mirror(instances: int = 16) -> FilledMirror:
    """One node whose cards are cut in halves, in a pool of them, beside the pool of whole cards."""
    mirror = FilledMirror(nodes=1)
    body = node_body("cut-0", labels={"gpu": "cut"}, taints=[{**POOL_TAINTED, "value": "halves"}])
    offered = {**body["status"]["allocatable"], HALF: str(instances)}
    offered.pop(GPU)
    body["status"] |= {"allocatable": offered, "capacity": offered}
    mirror.see(NODES, body)
    mirror.own(pool_body("halves", model="A100-SXM-40GB", resourceName=HALF, nodes={"matchLabels": {"gpu": "cut"}}))
    return mirror


def see_job(mirror: FilledMirror, body: Body) -> None:
    mirror.own(tracked_body("pretrain"))
    mirror.see(JOBS, body)


def make_job(name: str = "pretrain", *, resource: str = HALF, each: int = 1, pods: int = 2) -> Body:
    body = job_body(name, pods=pods, suspended=True, held=True)
    body["spec"]["template"]["spec"]["containers"] = make_containers(each, resource=resource)
    return body


def test_an_instance_is_an_accelerator_with_its_own_memory_and_share_of_the_speed() -> None:
    mirror = make_mirror()
    assert node(mirror, "cut-0").capacity.gpu_milli == 16_000
    [pool] = [pool for pool in read(mirror).pools if pool.name == "halves"]
    assert (pool.resource_name, pool.memory_bytes) == (HALF, 20 << 30)
    assert pool.reference_milli == 428


def test_a_gang_of_instances_is_placed_in_their_pool_and_promised_by_their_name() -> None:
    mirror = make_mirror()
    see_job(mirror, make_job(pods=3, each=2))
    plan = plan_round(read(mirror), ReferenceEngine())
    [place] = [place for place in plan.place if place.child.name == "pretrain"]
    assert (place.pool, place.resource_name, [entry.node for entry in place.entries]) == ("halves", HALF, ["cut-0"] * 3)
    assert render_request(place.shape, place.resource_name).endswith(f"{HALF}=2")


def test_more_instances_than_there_are_wait() -> None:
    mirror = make_mirror(instances=4)
    see_job(mirror, make_job(pods=5))
    assert told(mirror) == Reason.GANG_LARGER_THAN_POOL


def test_a_quota_counts_instances_and_weighs_them_by_their_share() -> None:
    mirror = make_mirror()
    lines = [{"pool": "halves", "guaranteed": 4, "limit": 4}, {"pools": ["halves"], "unit": "reference", "guaranteed": 10}]
    mirror.own(own_body("GPUQuota", "vision", {"tenant": "vision", "pools": lines}))
    assert [(quota.weights_milli, quota.guaranteed, quota.limit) for quota in read(mirror).quotas] == [
        ((428,), 10_000, None),
        ((1000,), 4000, 4000),
    ]
    see_job(mirror, make_job(pods=5))
    assert told(mirror) == Reason.QUOTA_REACHED


@pytest.mark.parametrize("resource", ["nvidia.com/mig-1g.5gb", "nvidia.com/mig-1g.23gb.me"])
def test_an_instance_that_no_pool_offers_is_told_so_and_not_left_waiting_without_a_word(resource: str) -> None:
    mirror = make_mirror()
    see_job(mirror, make_job(resource=resource))
    assert [wish.resource_name for wish in workload(mirror).wishes] == [resource]
    assert told(mirror) == Reason.NO_POOL_MATCHES


def test_whole_cards_are_not_given_to_who_asks_for_instances() -> None:
    mirror = make_mirror(instances=0)
    see_job(mirror, make_job())
    plan = plan_round(read(mirror), ReferenceEngine())
    assert not plan.place
    assert told(mirror) == Reason.GANG_LARGER_THAN_POOL
