"""A service gives back pod by pod: what it is told, which pods go, and what becomes of those that are made in their stead."""

import pytest
from tests.kube.controllers import NAME, Serving
from tests.kube.objects import (
    BORN,
    NAMESPACE,
    Body,
    FilledMirror,
    deployment_body,
    make_metadata,
    own_body,
    pod_body,
    service_pod_body,
    tracked_body,
    training_body,
)
from tests.kube.readings import NOW_AT, line, workload
from tests.kube.scene import Scene, shrink

from commonpool.kube.resources import DEPLOYMENTS, GPU_QUOTAS, GPU_WORKLOADS, NAMESPACES, PODS, ROUNDS, TENANTS
from commonpool.model.ids import Seat
from commonpool.model.names import TENANT_LABEL


def quota(tenant: str, guaranteed: int) -> Body:
    return own_body("GPUQuota", tenant, {"tenant": tenant, "pools": [{"pool": "h100", "guaranteed": guaranteed}]})


def web_pod(name: str, *, node: str = "gpu-0", ending: bool = False) -> Body:
    body = service_pod_body(f"web-{name}", "web", node=node)
    body["status"]["conditions"] = [{"type": "Ready", "status": "True"}] if node and not ending else []
    return {**body, "metadata": {**body["metadata"], "deletionTimestamp": BORN}} if ending else body


@pytest.fixture
def web() -> Scene:
    """A Deployment that a tenant wrote, three pods of which run."""
    scene = Scene()
    scene.put(GPU_WORKLOADS, tracked_body("web", "Deployment"))
    scene.put(DEPLOYMENTS, deployment_body("web", replicas=3))
    scene.put(PODS, *(web_pod(name) for name in "abc"))
    return scene


async def test_a_service_is_told_then_its_youngest_pod_goes_and_the_one_made_in_its_stead_waits(web: Scene) -> None:
    assert await web.decide(shrink(2, NOW_AT, "web", "Deployment")) == ["patch-status GPUWorkload web"]
    assert (web.state("web"), web.cluster.next_due_at) == ("Shrinking", NOW_AT)
    assert await web.decide() == ["delete Pod web-c"]
    web.put(PODS, web_pod("c", ending=True), web_pod("d", node=""))
    assert await web.decide() == ["patch-status GPUWorkload web"]  # one is ready less
    [found] = web.cluster.read().workloads
    assert (found.independent, found.resize is not None, found.needs) == (True, True, ())
    assert [holding.seat.pod for holding in found.holdings if holding.ending] == ["web-c"]
    web.mirror.pods.drop((NAMESPACE, "web-c"), "uid-web-c")
    assert await web.decide() == ["patch-status GPUWorkload web"]
    assert (web.state("web"), "resize" in web.status("web"), "lastEviction" in web.status("web")) == ("Running", False, False)
    [found] = web.cluster.read().workloads
    assert (found.resize, found.needs) == (None, (Seat(pod="web-d"),))
    assert await web.decide() == []


async def test_it_keeps_its_pods_when_nobody_waits_for_their_places_any_more(web: Scene) -> None:
    await web.decide(shrink(2, NOW_AT, "web", "Deployment"))
    assert await web.decide(claimed=False) == ["patch-status GPUWorkload web"]
    assert "resize" not in web.status("web")
    assert await web.decide(claimed=False) == []


async def test_a_pod_that_its_owner_has_deleted_counts_as_the_one_that_goes(web: Scene) -> None:
    web.put(PODS, web_pod("a", ending=True))
    await web.decide(shrink(2, NOW_AT, "web", "Deployment"))
    assert await web.decide() == []


async def test_places_that_no_pod_has_taken_go_before_pods_that_serve(web: Scene) -> None:
    """The Round goes, and with it what is promised to pods; those wait again, and are looked at once the shrink is done."""
    web.put(PODS, web_pod("d", node=""), web_pod("e", node=""))
    web.promise(line("Deployment", "web", (Seat(pod="web-d"), "gpu-1"), (Seat(pod="web-e"), "gpu-1")))
    wrote = await web.decide(shrink(3, NOW_AT, "web", "Deployment"))
    assert wrote == ["patch-status GPUWorkload web"]
    assert web.status("web")["resize"]["replicas"] == 3
    wrote = await web.decide()
    assert not [each for each in wrote if each.startswith("delete Pod")]
    assert web.api.all(ROUNDS) == []
    [found] = web.cluster.read().workloads
    assert (found.resize, len(found.holdings), len(found.needs)) == (None, 3, 2)


async def test_pods_that_a_deleted_service_left_behind_give_what_is_borrowed_although_nobody_can_be_told() -> None:
    scene = Scene()
    scene.put(PODS, *(web_pod(name) for name in "abc"))
    [left] = scene.cluster.read().workloads
    name = left.name.partition("/")[2]
    assert await scene.decide(shrink(2, NOW_AT, name, "Deployment")) == ["delete Pod web-c"]


@pytest.mark.parametrize(("owner", "independent"), [("", True), ("leaderworkerset.x-k8s.io/v1/LeaderWorkerSet", False)])
def test_pods_of_a_stateful_set_that_another_controller_made_may_be_of_use_only_together(owner: str, *, independent: bool) -> None:
    mirror = FilledMirror()
    api_version, _, kind = owner.rpartition("/")
    owners = [{"apiVersion": api_version, "kind": kind, "name": "group", "uid": "uid-group", "controller": True}] if owner else []
    body = {**deployment_body("web"), "metadata": make_metadata("web", NAMESPACE, ownerReferences=owners)}
    mirror.stateful_sets_are(body)
    pods = [pod_body(f"web-{rank}", node="gpu-0", gpus=1) for rank in range(2)]
    for rank, pod in enumerate(pods):
        pod["metadata"] |= {
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "uid-web", "controller": True}],
            "labels": {"apps.kubernetes.io/pod-index": str(rank)},
        }
    mirror.pods_are(*pods)
    found = workload(mirror, "StatefulSet:web")
    assert (found.independent, [holding.seat.rank for holding in found.holdings]) == (independent, [0, 1])


async def test_exactly_the_borrowed_pod_goes_the_others_serve_on_and_the_service_grows_again() -> None:
    """Kubernetes played in full: three pods on three nodes, two of them guaranteed; another tenant wants a node of its own back."""
    town = Serving(3, [8, 8, 8])
    town.gpus = 8
    stage = town.stage
    await town.begin()
    stage.mirror.own(quota("vision", 16))
    stage.put(TENANTS, own_body("Tenant", "nlp", {}))
    stage.put(GPU_QUOTAS, quota("nlp", 8))
    stage.mirror.see(NAMESPACES, {"metadata": make_metadata("nlp-dev", labels={TENANT_LABEL: "nlp"})})
    first = {pod["metadata"]["name"] for pod in town.living()}
    stage.now_at += 10
    body = training_body("claim", replicas=1, gpus=8)
    claim = {**body, "metadata": {**body["metadata"], "namespace": "nlp-dev"}}
    stage.put(GPU_WORKLOADS, claim)
    served, states = [], []
    for _ in range(5):
        await town.step_all()
        stage.now_at += 1
        served.append(len(town.ready()))
        states.append(stage.state(NAME))
    assert (min(served), served[-1], "Shrinking" in states, states[-1]) == (2, 2, True, "Running")
    assert len(first & {pod["metadata"]["name"] for pod in town.ready()}) == 2
    assert any("nlp-dev/claim" in gang["workload"] for each in stage.api.all(ROUNDS) for gang in each["spec"]["gangs"])
    status = stage.status(NAME)
    assert (status["replicas"]["summary"], status["wait"]["reason"]) == ("2/3", "InsufficientCapacity")
    assert "nlp" not in str(status)
    before = town.look()
    await town.step_all()
    assert town.look() == before
    for store in (stage.mirror.workloads, stage.mirror.jobs):
        store.drop(("nlp-dev", "claim"), store.find_uid("nlp-dev", "claim"))
    for _ in range(4):
        await town.step_all()
    assert len(town.ready()) == 3
