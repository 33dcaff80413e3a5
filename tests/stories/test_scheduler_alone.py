"""The scheduler without operator, kinds or tenants, as `scheduler.mode: ScoreOnly` installs it, on a real apiserver."""

import subprocess
from collections.abc import Iterator

import pytest
import yaml
from tests.stories.cluster import eventually

from commonpool.bench.scheduler import render_profile
from commonpool.bench.stock import NAME, start_stock
from commonpool.config import Settings, read_settings
from commonpool.local.client import Client, Manifest, RefusedError
from commonpool.local.cluster import LocalCluster, Wish
from commonpool.local.fleet import parse_fleet
from commonpool.local.places import find_source
from commonpool.local.process import find_running, stop_process
from commonpool.local.teller import LogTeller

pytestmark = [pytest.mark.story, pytest.mark.timeout(300)]

FLEET = parse_fleet(
    {"groups": [{"name": "gpu", "nodes": 2, "resources": {"cpu": 64, "memory": "512Gi", "pods": 110, "nvidia.com/gpu": 2}}]}, "of the story"
)
PODS = "/api/v1/namespaces/work/pods"
CARD = "commonpool.dev/gpu-card"
POLICIES = "/apis/admissionregistration.k8s.io/v1"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    cluster = LocalCluster(Settings(state_home=tmp_path_factory.mktemp("alone")), "alone", LogTeller())
    try:
        cluster.up(Wish(fleet=FLEET, pool=False, operator=False))
        client = cluster.client()
        client.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "work"}})
        eventually(lambda: client.find("/api/v1/namespaces/work/serviceaccounts/default") is not None)
        install_policies(cluster)
        start_stock(cluster, "kube-scheduler", render_profile(cluster, read_settings()))
        yield cluster
    finally:
        cluster.down(delete=True)


def install_policies(cluster: LocalCluster) -> None:
    """The chart's, and wait until they act: the last of them is seen at work."""
    words = [
        "template",
        "c",
        str(find_source(read_settings()).chart),
        "--set",
        "scheduler.mode=ScoreOnly",
        "--show-only",
        "templates/policies/cards.yaml",
    ]
    answer = subprocess.run([cluster.find_program("helm"), *words], capture_output=True, text=True, check=True, timeout=60)
    client = cluster.client()
    for each in yaml.safe_load_all(answer.stdout):
        kind = each["kind"].lower()
        client.create(f"{POLICIES}/{kind[:-1]}ies" if kind.endswith("y") else f"{POLICIES}/{kind}s", each)

    def acts() -> bool:
        made = client.request("POST", PODS, make_pod("probe", {"nvidia.com/gpu": "1"}), query={"dryRun": "All"})
        return bool(made["spec"]["schedulerName"] == "commonpool") and is_forgery_refused()

    def is_forgery_refused() -> bool:
        try:
            client.request("POST", PODS, make_pod("probe", {}, card="0"), query={"dryRun": "All"})
        except RefusedError:
            return True
        return False

    eventually(acts)


def make_pod(name: str, asks: dict[str, str], *, card: str | None = None) -> Manifest:
    container = {"name": "main", "image": "registry.example/train:1", "resources": {"limits": {"cpu": "1", "memory": "1Gi", **asks}}}
    annotations = {} if card is None else {"annotations": {CARD: card}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **annotations}, "spec": {"containers": [container]}}


def read_bound(client: Client, name: str) -> Manifest:
    eventually(lambda: bool(client.get(f"{PODS}/{name}")["spec"].get("nodeName")))
    return client.get(f"{PODS}/{name}")


def share(client: Client, name: str, milli: int) -> tuple[str, str]:
    client.create(PODS, make_pod(name, {"commonpool.dev/gpu-milli": str(milli)}))
    pod = read_bound(client, name)
    return pod["spec"]["nodeName"], pod["metadata"]["annotations"][CARD]


def test_parts_of_a_card_are_packed_written_down_and_kept_over_a_restart(cluster: LocalCluster) -> None:
    client = cluster.client()
    first = share(client, "first", 600)
    assert share(client, "second", 400) == first
    third = share(client, "third", 600)
    assert third != first
    scheduler = find_running(cluster.places, NAME)
    assert scheduler is not None
    stop_process(cluster.places, NAME)
    start_stock(cluster, "kube-scheduler", render_profile(cluster, read_settings()))
    assert share(client, "fourth", 400) == third, "what is left of a card that another process gave out"
    client.create(PODS, make_pod("whole", {"nvidia.com/gpu": "2"}))
    assert read_bound(client, "whole")["spec"]["nodeName"] != first[0]
    client.create(PODS, make_pod("too-much", {"nvidia.com/gpu": "1"}))

    def is_refused() -> bool:
        conditions = client.get(f"{PODS}/too-much")["status"].get("conditions") or [{}]
        return "too few accelerators that nobody shares" in conditions[0].get("message", "")

    eventually(is_refused)


def test_an_instance_gets_a_card_and_a_slice_to_begin_at_with_its_binding(cluster: LocalCluster) -> None:
    client = cluster.client()
    client.create("/api/v1/nodes", make_cut_node("cut", "1xA100-40GB"))
    for name in ("half", "other-half"):
        client.create(PODS, make_pod(name, {"commonpool.dev/mig-3g.20gb": "1"}))
    halves = [read_bound(client, name) for name in ("half", "other-half")]
    assert {pod["spec"]["nodeName"] for pod in halves} == {"cut"}
    assert {pod["metadata"]["annotations"][CARD] for pod in halves} == {"0:0", "0:4"}
    client.create(PODS, make_pod("one-more", {"commonpool.dev/mig-1g.5gb": "1"}))  # now: who finds no node yet is tried again in any order

    def is_refused() -> bool:
        conditions = client.get(f"{PODS}/one-more")["status"].get("conditions") or [{}]
        return "no accelerator with room for an instance of 1g.5gb" in conditions[0].get("message", "")

    eventually(is_refused)
    client.request("DELETE", f"{PODS}/half")
    assert read_bound(client, "one-more")["metadata"]["annotations"][CARD].startswith("0:")


def make_cut_node(name: str, cards: str) -> Manifest:
    """A node whose cards are cut as pods come; no device plugin offers anything of them."""
    offered = {"cpu": "64", "memory": "512Gi", "pods": "110"}
    status = {"capacity": offered, "allocatable": offered, "conditions": [{"type": "Ready", "status": "True"}]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"commonpool.dev/mig": cards}}, "status": status}


def test_nobody_says_which_card_a_pod_has(cluster: LocalCluster) -> None:
    client = cluster.client()
    with pytest.raises(RefusedError, match="is written by the scheduler"):
        client.request("POST", PODS, make_pod("forged", {"commonpool.dev/gpu-milli": "100"}, card="0"))
    client.create(PODS, make_pod("honest", {"cpu": "1"}))
    for path in (f"{PODS}/honest", f"{PODS}/honest/status"):
        with pytest.raises(RefusedError, match="is written by the scheduler"):
            client.request("PATCH", path, {"metadata": {"annotations": {CARD: "1"}}})
    client.request("PATCH", f"{PODS}/honest", {"metadata": {"annotations": {"mine": "1"}}})
