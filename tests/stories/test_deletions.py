"""A pod that holds accelerators is not forgotten before its containers have ended: who may delete it how, on a real apiserver.

All that is refused or passes is a dry run.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.stories.manifests import GPU, make_pod
from tests.stories.people import OPERATOR, hear
from tests.stories.town import Cluster, Town, build_town, make_binding

from commonpool.local.client import Client, Manifest, RefusedError
from commonpool.local.waiting import wait_until

pytestmark = pytest.mark.story

NODE = "h100-001"
KUBELET = f"system:node:{NODE}"
CONTROLLERS = "system:serviceaccount:kube-system:"
LEFT_AT_ONCE = "would give the accelerators of pod `holder` to their next owner before its containers have ended"


@dataclass(frozen=True)
class Ask:
    """One way to have a pod deleted with a grace."""

    name: str
    method: str
    path: str
    kind: str = ""
    version: str = "policy/v1"

    def hear(self, person: Client, pods: str, pod: str, grace_seconds: int | None) -> str:
        """What the refusal says; empty if it passes."""
        options: Manifest = {"dryRun": ["All"], **({} if grace_seconds is None else {"gracePeriodSeconds": grace_seconds})}
        path = self.path.format(pods=pods, pod=pod)
        if self.kind == "Eviction":
            body = {"apiVersion": self.version, "kind": "Eviction", "metadata": {"name": pod}, "deleteOptions": options}
            return hear(person, "POST", path, body)
        if self.kind == "DeleteOptions":
            return _hear(person, "DELETE", path, {"apiVersion": "v1", "kind": "DeleteOptions", **options})
        return _hear(person, "DELETE", path, None, **{key: str(value) for key, value in options.items() if key != "dryRun"}, dryRun="All")


def _hear(person: Client, method: str, path: str, body: Manifest | None, **query: str) -> str:
    try:
        person.request(method, path, body, query=query)
    except RefusedError as error:
        return str(error)
    return ""


DELETIONS = (
    Ask("a pod, options in the address", "DELETE", "{pods}/{pod}"),
    Ask("a pod, options in the body", "DELETE", "{pods}/{pod}", kind="DeleteOptions"),
    Ask("all pods, options in the address", "DELETE", "{pods}"),
    Ask("all pods, options in the body", "DELETE", "{pods}", kind="DeleteOptions"),
)
EVICTIONS = (
    Ask("an eviction", "POST", "{pods}/{pod}/eviction", kind="Eviction"),
    Ask("an eviction, as it was written before", "POST", "{pods}/{pod}/eviction", kind="Eviction", version="policy/v1beta1"),
)
ASKS = (*DELETIONS, *EVICTIONS)


@pytest.fixture(scope="module")
def town(local_cluster: Cluster) -> Iterator[Town]:
    """`holder` holds an accelerator, `plain` runs beside it with none, `done` has finished, `waits` has no node yet."""
    for town in build_town(local_cluster.kubeconfig):
        pods = town.path("Pod")
        town.admin.create(pods, make_pod(GPU, name="holder", nodeName=NODE))
        town.admin.create(pods, make_pod(name="plain", nodeName=NODE))
        town.admin.create(pods, make_pod(GPU, name="waits"))
        done = make_pod(GPU, name="done", nodeName=NODE)
        done["metadata"]["annotations"] = {"commonpool.dev/fake-runtime": "1s"}
        town.admin.create(pods, done)
        wait_until(lambda: town.admin.get(f"{pods}/done")["status"]["phase"] == "Succeeded", "`done` has finished", 60)  # noqa: B023
        town.admin.create(town.path("RoleBinding"), make_binding("edit", KUBELET))
        wait_until(lambda: not hear(town.person(KUBELET), "PATCH", f"{pods}/plain", {}), "the kubelet may write pods", 30)  # noqa: B023
        yield town
        for name in ("holder", "plain", "waits", "done"):
            town.admin.delete(f"{pods}/{name}")
        wait_until(lambda: not town.admin.get(pods)["items"], "what was held is free for the next story", 60)  # noqa: B023


@pytest.mark.parametrize("ask", ASKS, ids=lambda ask: ask.name)
def test_a_tenant_cannot_have_accelerators_freed_before_their_containers_end(town: Town, ask: Ask) -> None:
    pods = town.path("Pod")
    says = LEFT_AT_ONCE if ask in DELETIONS else "deleteOptions.gracePeriodSeconds `0` would give what pod `holder` holds to its next owner"
    assert says in ask.hear(town.alice, pods, "holder", 0)
    for grace_seconds in (1, 30, None):
        assert not ask.hear(town.alice, pods, "holder", grace_seconds)


@pytest.mark.parametrize("name", ["plain", "waits", "done"])
def test_what_holds_no_accelerator_is_deleted_at_once_as_ever(town: Town, name: str) -> None:
    for ask in DELETIONS[:2]:
        assert not ask.hear(town.alice, town.path("Pod"), name, 0)


@pytest.mark.parametrize("ask", DELETIONS[:2], ids=lambda ask: ask.name)
def test_who_knows_that_the_containers_have_ended_or_the_node_has_may_say_so(town: Town, ask: Ask) -> None:
    pods = town.path("Pod")
    kubelet = town.admin.impersonate(KUBELET, "system:nodes", "system:authenticated")
    for person in (kubelet, town.person(f"{CONTROLLERS}pod-garbage-collector"), town.admin):
        assert not ask.hear(person, pods, "holder", 0)
    assert LEFT_AT_ONCE in ask.hear(town.person(KUBELET), pods, "holder", 0), "a name alone makes no kubelet"


@pytest.mark.parametrize("who", [OPERATOR, f"{CONTROLLERS}job-controller", f"{CONTROLLERS}replicaset-controller"])
def test_controllers_delete_with_the_pods_own_grace_and_need_no_more(town: Town, who: str) -> None:
    person, pods = town.person(who), town.path("Pod")
    assert not DELETIONS[0].hear(person, pods, "holder", None)
    assert LEFT_AT_ONCE in DELETIONS[0].hear(person, pods, "holder", 0)


def test_a_namespace_can_be_emptied(town: Town) -> None:
    assert not DELETIONS[2].hear(town.person(f"{CONTROLLERS}namespace-controller"), town.path("Pod"), "", None)


def test_elsewhere_nothing_is_asked(town: Town) -> None:
    pods = town.path("Pod", town.nobody)
    town.admin.create(pods, make_pod(GPU, name="holder", nodeName=NODE))
    for ask in (DELETIONS[0], EVICTIONS[0]):
        assert not ask.hear(town.alice, pods, "holder", 0)
    town.admin.delete(f"{pods}/holder")
    wait_until(lambda: not town.admin.get(pods)["items"], "what was held is free for the next story", 60)
