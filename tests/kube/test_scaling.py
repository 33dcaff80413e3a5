"""Pools that breathe on a fake API: what is cordoned, what a provider is asked for, and what is kept for the next plan."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from tests.kube.objects import FilledMirror, node_body, pool_body
from tests.kube.readings import GIB, NOW_AT, read, world
from tests.kube.stage import Stage

from commonpool.api import GPUPool
from commonpool.api.gpupool import ScaleTarget
from commonpool.kube.errors import Forbidden, NotFound
from commonpool.kube.provider import ScaleSubresource
from commonpool.kube.resources import GPU_POOLS, NODES, Resource
from commonpool.kube.scaling import plan_cordons
from commonpool.kube.status import Breath, build_pool_status
from commonpool.model.amounts import Amounts
from commonpool.model.ids import NodeName, PoolName
from commonpool.model.plan import Plan, ScalePool
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Scaling

H100 = PoolName("h100")
PROVIDER = {"scale": {"apiVersion": "example.com/v1", "kind": "NodeGroup", "name": "h100"}}


def breathing(**more: Any) -> dict[str, Any]:  # noqa: ANN401
    return pool_body(scaling={"minNodes": 1, "maxNodes": 9, "provider": PROVIDER, **more})


def mirror_of(pool: dict[str, Any], nodes: int = 3) -> FilledMirror:
    mirror = FilledMirror(nodes=nodes)
    mirror.own({**pool, "metadata": {**pool["metadata"], "resourceVersion": "1000000"}})
    return mirror


def scaling_of(mirror: FilledMirror) -> Scaling | None:
    [pool] = read(mirror).pools
    return pool.scaling


def test_a_new_node_is_like_most_of_those_that_are_there() -> None:
    found = scaling_of(mirror_of(breathing()))
    assert found == Scaling(1, 9, 3, Amounts(8000, 96_000, 1000 * GIB, 110), 600, 0)


def test_an_administrator_may_say_what_a_new_node_is() -> None:
    found = scaling_of(mirror_of(breathing(minNodes=0, node={"cpu": "8", "memory": "1Gi", "nvidia.com/gpu": 4}), nodes=0))
    assert found is not None
    assert (found.node, found.wanted_nodes) == (Amounts(4000, 8000, GIB, 110), 0)


def test_nobody_can_say_what_a_new_node_is_where_there_is_none() -> None:
    assert scaling_of(mirror_of(breathing(), nodes=0)) is None


def test_without_a_provider_the_pool_stays_as_it_is() -> None:
    assert scaling_of(mirror_of(pool_body(scaling={"minNodes": 1, "maxNodes": 9}))) is None


def test_what_was_asked_for_and_since_when_nodes_are_surplus_is_read_from_the_status() -> None:
    pool = breathing(cooldownSeconds=5)
    pool["status"] = {"scaling": {"wantedNodes": 4, "surplusSince": "2026-11-22T12:00:00Z"}}
    found = scaling_of(mirror_of(pool))
    assert found is not None
    assert (found.wanted_nodes, found.surplus_since_at, found.cooldown_seconds) == (4, NOW_AT, 5)


def ask(nodes: int, *release: str) -> ScalePool:
    return ScalePool(H100, nodes, Reason.NODES_IDLE, "", tuple(NodeName(name) for name in release))


def released(name: str) -> dict[str, Any]:
    body = node_body(name, unschedulable=True)
    return {**body, "metadata": {**body["metadata"], "annotations": {"commonpool.dev/released": "true"}}}


@pytest.mark.parametrize(
    ("closed", "scale", "wanted"),
    [
        ((), ask(2, "gpu-2"), {"gpu-2": True}),
        (("gpu-2",), ask(2, "gpu-2"), {}),
        (("gpu-2",), None, {"gpu-2": False}),  # nobody was ever asked for fewer
        (("gpu-1", "gpu-2"), ask(2), {"gpu-2": False}),
        (("gpu-1", "gpu-2"), ask(5), {"gpu-1": False, "gpu-2": False}),
        (("gpu-1", "gpu-2"), ask(2, "gpu-2"), {"gpu-1": False}),
    ],
)
def test_what_is_to_go_is_closed_and_what_stays_after_all_is_opened_again(
    closed: tuple[str, ...], scale: ScalePool | None, wanted: Mapping[str, bool]
) -> None:
    mirror = mirror_of(breathing())
    for name in closed:
        mirror.see(NODES, released(name))
    found = plan_cordons(world(mirror).fleet, H100, scale)
    assert {str(each.node): each.closed for each in found} == wanted


def test_a_node_that_an_administrator_has_cordoned_is_not_ours_to_open() -> None:
    mirror = mirror_of(breathing())
    mirror.see(NODES, node_body("gpu-2", unschedulable=True))
    assert not list(plan_cordons(world(mirror).fleet, H100, ask(5)))
    assert [node.releasing for node in read(mirror).nodes] == [False, False, False]


class ProviderOf:
    """Notes what it is asked for; refuses as often as it has errors."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.errors: list[Forbidden] = []

    async def ask(self, target: ScaleTarget, nodes: int) -> None:
        assert target.name == "h100"
        if self.errors:
            raise self.errors.pop(0)
        self.asked.append(nodes)


class Yard(Stage):
    def __init__(self) -> None:
        super().__init__()
        self.provider = ProviderOf()
        self.cluster._scaler._provider = self.provider  # noqa: SLF001 a test may look inside
        self.put(GPU_POOLS, breathing())
        for index in range(4):
            self.put(NODES, node_body(f"gpu-{index}"))

    async def scale(self, *scales: ScalePool, surplus: tuple[PoolName, ...] = ()) -> list[str]:
        snapshot = self.cluster.read()
        self.api.wrote()
        await self.cluster.apply(snapshot, Plan(snapshot.epoch, snapshot.number, scale=scales, surplus=surplus))
        return self.api.wrote()

    def pool(self) -> dict[str, Any]:
        body = self.api.find(GPU_POOLS, "h100")
        assert body is not None
        status: dict[str, Any] = body["status"]
        return status

    def condition(self) -> tuple[str, str]:
        [found] = [each for each in self.pool()["conditions"] if each["type"] == "Scaling"]
        return found["status"], found["reason"]


async def test_nodes_are_closed_before_the_provider_is_asked_and_what_it_was_asked_is_kept() -> None:
    yard = Yard()
    assert (await yard.scale(ask(3, "gpu-3")))[0] == "patch Node gpu-3"
    assert yard.provider.asked == [3]
    node = yard.api.find(NODES, "gpu-3")
    assert node is not None
    assert node["spec"]["unschedulable"] is True
    assert yard.pool()["scaling"] == {"wantedNodes": 3}
    assert yard.condition() == ("True", "ProviderAsked")
    assert await yard.scale() == []


async def test_what_a_provider_refuses_is_told_and_not_taken_for_done() -> None:
    yard = Yard()
    yard.provider.errors = [Forbidden("`9` is more than the quota")]
    await yard.scale(ask(9))
    assert yard.pool()["scaling"] == {"wantedNodes": 4}
    assert yard.condition() == ("False", "ProviderRefused")
    assert [failure.subject for failure in yard.cluster.failures] == ["provider of GPUPool h100"]
    await yard.scale(ask(9))
    assert (yard.provider.asked, yard.condition(), yard.pool()["scaling"]) == ([9], ("True", "ProviderAsked"), {"wantedNodes": 9})


async def test_surplus_is_remembered_from_its_first_second_and_wakes_the_operator_when_it_has_lasted() -> None:
    yard = Yard()
    await yard.scale(surplus=(H100,))
    yard.now_at += 100
    await yard.scale(surplus=(H100,))
    assert yard.pool()["scaling"]["surplusSince"] == "2026-11-22T12:00:00Z"
    assert yard.cluster.next_due_at == NOW_AT + 600
    await yard.scale()
    assert "surplusSince" not in yard.pool()["scaling"]
    assert yard.cluster.next_due_at is None


class Api:
    """The two requests that a scale subresource takes."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, object]] = []

    async def discover(self, api_version: str) -> bytes:
        self.asked.append(("discover", api_version))
        served = [{"name": "nodegroups/scale", "kind": "Scale"}, {"name": "nodegroups", "kind": "NodeGroup", "namespaced": True}]
        return json.dumps({"resources": served}).encode()

    async def merge_patch(self, resource: Resource, namespace: str, name: str, patch: object, *, subresource: str) -> bytes:
        self.asked.append((resource.path(namespace, name, subresource), patch))
        return b"{}"


async def test_a_scale_subresource_is_found_by_its_kind_once_and_patched() -> None:
    api = Api()
    provider = ScaleSubresource(api)  # type: ignore[arg-type]
    target = ScaleTarget(api_version="example.com/v1", kind="NodeGroup", name="h100", namespace="fleet")
    for nodes in (3, 4):
        await provider.ask(target, nodes)
    path = "/apis/example.com/v1/namespaces/fleet/nodegroups/h100/scale"
    assert api.asked == [("discover", "example.com/v1"), *((path, {"spec": {"replicas": nodes}}) for nodes in (3, 4))]


@pytest.mark.parametrize(("kind", "says"), [("Machine", "serves no `Machine`"), ("NodeGroup", "say it in `provider.scale.namespace`")])
async def test_a_target_that_cannot_be_is_refused_in_words(kind: str, says: str) -> None:
    with pytest.raises(NotFound, match=says):
        await ScaleSubresource(Api()).ask(ScaleTarget(api_version="example.com/v1", kind=kind, name="h100"), 3)  # type: ignore[arg-type]


@pytest.mark.parametrize("answer", [NotFound("404 page not found"), b'{"kind": "NamespaceList", "items": []}', b"no JSON"])
async def test_a_version_that_is_not_served_or_no_version_is_refused_in_words(answer: NotFound | bytes) -> None:
    class Answering(Api):
        async def discover(self, api_version: str) -> bytes:
            if isinstance(answer, NotFound):
                raise answer
            await super().discover(api_version)
            return answer

    target = ScaleTarget(api_version="example.com/v1", kind="NodeGroup", name="h100")
    with pytest.raises(NotFound, match=r"`example\.com/v1` serves no `NodeGroup`: is it installed"):
        await ScaleSubresource(Answering()).ask(target, 3)  # type: ignore[arg-type]


def test_a_pool_that_has_no_nodes_now_is_ready_if_it_can_get_some() -> None:
    scaling = Scaling(0, 9, 0, Amounts(8000, 8000, GIB, 110))
    pool = GPUPool.model_validate(breathing())
    conditions = {each.type: each for each in build_pool_status(pool, None, NOW_AT, Breath(scaling)).conditions or ()}
    assert (conditions["Ready"].status, conditions["Ready"].message) == ("True", "no nodes now, up to 9 when work needs them")
