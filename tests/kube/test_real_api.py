"""What only a real apiserver can prove: preconditions, patch tests, and a watch that outlives it."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from tests.kube.objects import node_body, pool_body

from commonpool.kube.client import Client, connect, decode_plain
from commonpool.kube.errors import AlreadyExists, Conflict, Invalid, NotFound, Unavailable
from commonpool.kube.facts import NamespaceFact
from commonpool.kube.mirror import READERS, Mirror
from commonpool.kube.read.fleet import Fleet, read_fleet
from commonpool.kube.reflector import Reflector
from commonpool.kube.resources import GPU_POOLS, NAMESPACES, NODES, PODS
from commonpool.kube.store import Store
from commonpool.kube.taints import plan_taints
from commonpool.local.cluster import LocalCluster
from commonpool.local.waiting import wait_until

pytestmark = [pytest.mark.story, pytest.mark.timeout(120)]


@pytest.fixture
async def client(local_cluster: LocalCluster) -> AsyncIterator[Client]:
    connected = await connect(local_cluster.kubeconfig)
    yield connected
    await connected.close()


@pytest.fixture
async def namespace(client: Client) -> AsyncIterator[str]:
    name = f"real-{uuid.uuid4().hex[:8]}"
    await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    await client.delete(NAMESPACES, "", name)


class Watched(Store[NamespaceFact]):
    """Namespaces, and a way to wait for what they shall be."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        super().__init__(lambda _old, _new: self._changed.set())

    async def until(self, name: str, *, there: bool, within_seconds: float = 60) -> None:
        async with asyncio.timeout(within_seconds):
            while (self.find("", name) is not None) != there:
                self._changed.clear()
                await self._changed.wait()


async def test_a_patch_or_delete_that_is_meant_for_another_object_of_that_name_changes_nothing(client: Client, namespace: str) -> None:
    pool = pool_body(namespace, nodes={"matchLabels": {"gpu": namespace}})
    await client.create(GPU_POOLS, {**pool, "metadata": {"name": namespace}})
    try:
        for resource in (NAMESPACES, GPU_POOLS):
            with pytest.raises(Conflict):
                await client.merge_patch(resource, "", namespace, {"metadata": {"uid": str(uuid.uuid4()), "labels": {"a": "b"}}})
            await client.delete(resource, "", namespace, uid=str(uuid.uuid4()))
            found = decode_plain(await client.get(resource, "", namespace))
            assert "a" not in found["metadata"].get("labels", {})
            assert "deletionTimestamp" not in found["metadata"]
    finally:
        await client.delete(GPU_POOLS, "", namespace)


async def test_answers_are_told_apart(client: Client, namespace: str) -> None:
    with pytest.raises(AlreadyExists):
        await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    with pytest.raises(NotFound):
        await client.get(NAMESPACES, "", "nobody")
    with pytest.raises(Invalid, match="not in the catalogue"):
        await client.create(GPU_POOLS, {**pool_body("odd", model="Odd"), "metadata": {"name": "odd"}})
    await client.delete(NAMESPACES, "", "nobody")


async def test_a_pod_that_is_ending_can_be_given_less_time_for_it_and_never_more(
    local_cluster: LocalCluster, client: Client, namespace: str
) -> None:
    """On a node that nobody runs: it ends for nobody, so what it was told stands still."""
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
    admin = local_cluster.client()
    await asyncio.to_thread(wait_until, lambda: admin.find(account) is not None, "pods are let in", 60)
    spec = {"nodeName": f"no-{namespace}", "terminationGracePeriodSeconds": 86_400, "containers": [{"name": "main", "image": "x"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "slow", "namespace": namespace}, "spec": spec}
    await client.create(PODS, pod)
    given = []
    for grace_seconds in (None, 600, 3600):
        await client.delete(PODS, namespace, "slow", grace_seconds=grace_seconds)
        found = decode_plain(await client.get(PODS, namespace, "slow"))
        given.append(found["metadata"]["deletionGracePeriodSeconds"])
    await client.delete(PODS, namespace, "slow", grace_seconds=0)
    assert given == [86_400, 600, 600]


async def test_what_we_apply_and_no_longer_say_is_taken_away_and_what_others_say_stays(client: Client, namespace: str) -> None:
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": {"ours": "1"}}}
    await client.apply(NAMESPACES, manifest)
    await client.merge_patch(NAMESPACES, "", namespace, {"metadata": {"labels": {"theirs": "1"}}})
    found = decode_plain(await client.apply(NAMESPACES, {**manifest, "metadata": {"name": namespace}}))
    assert "ours" not in found["metadata"]["labels"]
    assert found["metadata"]["labels"]["theirs"] == "1"


@pytest.mark.parametrize(
    "before",
    [
        [],
        [{"key": "maintenance", "effect": "NoSchedule"}],
        [{"key": "commonpool.dev/pool", "value": "another", "effect": "NoSchedule"}, {"key": "maintenance", "effect": "NoSchedule"}],
    ],
    ids=["none", "others", "of another pool"],
)
async def test_a_node_gets_the_pools_taint_unless_its_taints_have_changed_meanwhile(client: Client, before: list[dict[str, str]]) -> None:
    name = f"real-{uuid.uuid4().hex[:8]}"
    body = node_body(name, labels={"gpu": name})
    manifest = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"gpu": name}}, "spec": {"taints": before}}
    manifest["status"] = body["status"]
    mirror = Mirror()
    mirror.remember("gpupools", pool_body("real", nodes={"matchLabels": {"gpu": name}}), gone=False)

    def fleet() -> Fleet:
        return read_fleet(mirror.pools, mirror.nodes)

    try:
        mirror.learn(NODES, await client.create(NODES, manifest))
        [tainting] = plan_taints(fleet())
        mirror.learn(NODES, await client.json_patch(NODES, "", name, tainting.operations))
        assert plan_taints(fleet()) == []
        taints = decode_plain(await client.get(NODES, "", name))["spec"]["taints"]
        assert {(taint["key"], taint.get("value")) for taint in taints} == {
            ("commonpool.dev/pool", "real"),
            *((taint["key"], taint.get("value")) for taint in before if taint["key"] == "maintenance"),
        }
        if not before:
            with pytest.raises(Invalid):
                await client.json_patch(NODES, "", name, tainting.operations)
    finally:
        await client.delete(NODES, "", name)


async def test_a_reflector_goes_on_when_the_apiserver_has_been_away(local_cluster: LocalCluster, client: Client, namespace: str) -> None:
    store = Watched()
    reflector = Reflector(client, NAMESPACES, READERS[NAMESPACES], store)
    task = asyncio.create_task(reflector.run())
    try:
        await reflector.synced.wait()
        assert store.find("", namespace) is not None
        await asyncio.to_thread(local_cluster.kill, "apiserver")
        await asyncio.to_thread(local_cluster.start, "apiserver")
        other = f"{namespace}-after"
        await _create_when_it_answers(client, other)
        await store.until(other, there=True)
        await client.delete(NAMESPACES, "", other)
        await store.until(other, there=False)
        assert store.find("", namespace) is not None
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _create_when_it_answers(client: Client, name: str) -> None:
    while True:
        with suppress(Unavailable):
            await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
            return
