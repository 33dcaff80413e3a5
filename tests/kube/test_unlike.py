"""Work that may run in several pools: what is read of it, when it is looked at again, and what it is told of its choice."""

from datetime import UTC, datetime

import pytest
from tests.kube.objects import (
    BORN,
    GPU,
    POOL_TAINTED,
    Body,
    FilledMirror,
    hpc_body,
    job_body,
    node_body,
    own_body,
    pool_body,
    training_body,
)
from tests.kube.readings import GIB, NOW_AT, workload
from tests.kube.stage import Stage

from commonpool.api import GPUWorkload
from commonpool.api.timestamp import render_timestamp
from commonpool.cli.story import render_story
from commonpool.kube.cluster import LiveCluster
from commonpool.kube.resources import EVENTS, GPU_POOLS, GPU_QUOTAS, GPU_WORKLOADS, JOBS, NODES
from commonpool.kube.status.delay import START_SECONDS
from commonpool.model.ids import PoolName
from commonpool.model.snapshot import Prefer, Wish

BOTH = [{"pool": "h100"}, {"pool": "a100"}]


def make_stage() -> Stage:
    """Four nodes of H100, two of A100, all with a price."""
    stage = Stage()
    stage.put(GPU_POOLS, pool_body(price={"perHour": "2.40", "currency": "EUR"}), make_a100())
    for number in range(2):
        stage.put(NODES, node_body(f"old-{number}", labels={"gpu": "a100"}, taints=[POOL_TAINTED | {"value": "a100"}]))
    return stage


def make_a100(**spec: object) -> Body:
    nodes, price = {"matchLabels": {"gpu": "a100"}}, {"perHour": "1.10", "currency": "EUR"}
    return pool_body("a100", **{"model": "A100-SXM-80GB", "nodes": nodes, "price": price, **spec})


def wanting(name: str, replicas: int = 1, **accelerators: object) -> Body:
    return training_body(name, replicas, accelerators={"perReplica": 8, "anyOf": BOTH, **accelerators})


async def test_it_is_told_by_what_its_pool_was_chosen() -> None:
    stage = make_stage()
    stage.put(GPU_WORKLOADS, wanting("fast", prefer="Fastest"), wanting("frugal", prefer="Cheapest"), wanting("wise", prefer="BestValue"))
    stage.put(GPU_WORKLOADS, wanting("plain"), wanting("only", anyOf=[{"pool": "a100"}]))
    stage.put(
        GPU_WORKLOADS, wanting("keen", prefer="Fastest", anyOf=[{"pool": "a100", "weight": 400}, {"pool": "h100", "precision": "fp8"}])
    )
    await stage.settled()
    assert {
        name: (stage.status(name)["pool"], stage.status(name).get("choice")) for name in ("fast", "frugal", "wise", "plain", "only")
    } == {
        "fast": ("h100", "choice 1 of 2 by `Fastest`: `h100` (989 TFLOP/s in bf16), `a100` (312 TFLOP/s in bf16)"),
        "frugal": ("a100", "choice 1 of 2 by `Cheapest`: `a100` (1.10 EUR an hour), `h100` (2.40 EUR an hour)"),
        "wise": (
            "h100",
            "choice 1 of 2 by `BestValue`: `h100` (989 TFLOP/s in bf16, 2.40 EUR an hour), `a100` (312 TFLOP/s in bf16, 1.10 EUR an hour)",
        ),
        "plain": ("h100", "choice 1 of 2 by `ListOrder`: `h100`, `a100`"),
        "only": ("a100", None),
    }
    assert stage.status("keen")["choice"] == (
        "choice 1 of 2 by `Fastest`: `h100` (1979 TFLOP/s in fp8), `a100` (312 TFLOP/s in bf16, weight 400)"
    )


async def test_a_capability_says_what_each_pool_costs_and_currencies_that_they_are_not_compared() -> None:
    stage = make_stage()
    stage.put(GPU_WORKLOADS, wanting("any", anyOf=[{"memory": "80Gi"}]))
    await stage.settled()
    assert stage.status("any")["choice"] == "choice 1 of 2 by `ListOrder`: `a100` (1.10 EUR an hour), `h100` (2.40 EUR an hour)"
    stage.put(GPU_POOLS, make_a100(price={"perHour": "170", "currency": "JPY"}))
    stage.put(GPU_WORKLOADS, wanting("thrifty", prefer="Cheapest"))
    await stage.settled()
    assert stage.status("thrifty")["choice"] == (
        "choice 1 of 2 by `Cheapest`: `h100` (2.40 EUR an hour), `a100` (170.00 JPY an hour) (prices in EUR and JPY are not compared)"
    )


async def test_what_moves_on_is_told_why_and_the_word_stands_whatever_prices_do() -> None:
    stage = make_stage()
    stage.put(GPU_WORKLOADS, wanting("large", replicas=4), wanting("next", replicas=2))
    await stage.settled()
    said = "choice 2 of 2 by `ListOrder`: `h100`, `a100`; `h100` (InsufficientCapacity) did not take it then"
    assert (stage.status("next")["pool"], stage.status("next")["choice"]) == ("a100", said)
    assert f"  chosen:         {said}" in render_story(GPUWorkload.model_validate(find(stage, "next")), None, NOW_AT)
    stage.put(GPU_POOLS, make_a100(price={"perHour": "9.99", "currency": "EUR"}))
    assert "patch-status GPUWorkload next" not in await stage.settled()
    stage.finish("next")
    await stage.settled()
    assert (stage.status("next")["pool"], stage.status("next")["choice"]) == ("a100", said)


async def test_another_leader_tells_the_choice_without_the_reasons_that_it_does_not_know() -> None:
    stage = make_stage()
    stage.put(GPU_WORKLOADS, wanting("large", replicas=4), wanting("next", replicas=2))
    await stage.round()
    stage.cluster = LiveCluster(stage.api, stage.mirror, lambda: stage.now_at)
    stage.cluster.epoch = 1
    stage.now_at += START_SECONDS
    await stage.round()
    assert stage.status("next")["choice"] == "choice 2 of 2 by `ListOrder`: `h100`, `a100`; `h100` did not take it then"


async def test_a_limit_in_the_best_pool_sends_it_on_and_is_named() -> None:
    stage = make_stage()
    stage.put(GPU_QUOTAS, own_body("GPUQuota", "vision", {"tenant": "vision", "pools": [{"pool": "h100", "limit": 8}]}))
    stage.put(GPU_WORKLOADS, wanting("first"), wanting("second"))
    await stage.settled()
    assert [stage.status(name)["pool"] for name in ("first", "second")] == ["h100", "a100"]
    assert stage.status("second")["choice"].endswith("; `h100` (QuotaReached) did not take it then")


async def test_who_rather_waits_is_looked_at_again_when_that_is_over() -> None:
    stage = make_stage()
    stage.put(GPU_WORKLOADS, wanting("large", replicas=4))
    await stage.settled()
    stage.put(GPU_WORKLOADS, wanting("patient", waitSeconds=120))
    await stage.round()
    wait = stage.status("patient")["wait"]
    assert wait["reason"] == "InsufficientCapacity"
    assert wait["message"].endswith("; as `waitSeconds` says it leaves out pool `a100` until `2026-11-22T12:02:00Z`")
    assert wait["nearestChange"] == "without `waitSeconds` it would start now in pool `a100`"
    stage.now_at = NOW_AT + 60
    await stage.round()
    assert stage.cluster.next_due_at == NOW_AT + 120
    stage.now_at = NOW_AT + 120
    await stage.round()
    assert (stage.state("patient"), stage.status("patient")["pool"]) == ("Placed", "a100")
    assert "Placed" in {event["reason"] for event in stage.api.all(EVENTS)}


def test_what_is_preferred_is_read_with_weights_and_precisions() -> None:
    mirror = FilledMirror()
    choices = [{"pool": "h100", "precision": "fp8", "weight": 150}, {"memory": "80Gi"}]
    mirror.own(training_body(accelerators={"perReplica": 1, "anyOf": choices, "prefer": "BestValue", "waitSeconds": 60}))
    found = workload(mirror)
    assert found.wishes == (Wish(PoolName("h100"), precision="fp8", weight=150), Wish(memory_bytes=80 * GIB))
    assert (found.prefer, found.patient_until_at) == (Prefer.BEST_VALUE, NOW_AT + 60)


def test_patience_begins_when_the_work_may_start() -> None:
    mirror = FilledMirror()
    body = hpc_body(startTime=render_timestamp(datetime.fromtimestamp(NOW_AT + 3600, UTC)))
    body["spec"]["accelerators"] |= {"waitSeconds": 60}
    mirror.own(body)
    assert workload(mirror, "solver").patient_until_at == NOW_AT + 3600 + 60


def test_who_comes_back_prefers_as_before_among_the_pools_whose_resource_his_pods_name() -> None:
    mirror = FilledMirror()
    mirror.own(make_a100(price={"perHour": "0.10", "currency": "EUR"}))
    mirror.own(training_body(accelerators={"perReplica": 8, "anyOf": [{"memory": "80Gi", "weight": 50}], "prefer": "Cheapest"}))
    mirror.jobs_are(job_body("pretrain", gpus=8, owner_uid="uid-GPUWorkload-pretrain", suspended=True, held=True))
    found = workload(mirror)
    assert (found.prefer, found.wishes) == (Prefer.CHEAPEST, (Wish(resource_name=GPU, memory_bytes=80 * GIB, weight=50),))


@pytest.mark.parametrize(("gpus", "placed"), [(4, True), (8, True), (3, False), (6, False)])
async def test_of_groups_only_whole_ones_are_given_whoever_asks(gpus: int, placed: bool) -> None:  # noqa: FBT001
    stage = Stage()
    stage.put(GPU_POOLS, pool_body(groupSize=4))
    stage.put(GPU_WORKLOADS, training_body("ours", 2, gpus=gpus))
    stage.put(JOBS, job_body("plain", gpus=gpus, suspended=True, held=True))
    await stage.settled()
    for name in ("ours", "plain"):
        if placed:
            assert (stage.state(name), stage.status(name)["accelerators"]) == ("Placed", 2 * gpus)
        else:
            asked = 4 if gpus == 3 else 8
            told = f"pool `h100` gives accelerators in whole groups of `4`: ask for `{asked}` a pod, or another multiple"
            admitted = next(each for each in stage.status(name)["conditions"] if each["type"] == "Admitted")
            assert (admitted["status"], admitted["reason"], admitted["message"]) == ("False", "NoPoolMatches", told)


def find(stage: Stage, name: str) -> Body:
    body = stage.api.find(GPU_WORKLOADS, name, "vision-dev")
    assert body is not None
    return {**body, "metadata": {**body["metadata"], "creationTimestamp": BORN}}
