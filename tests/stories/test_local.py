"""A local cluster of its own: up, broken, healed, down."""

from pathlib import Path

import pytest
from tests.stories.cluster import consistently, eventually, kubectl, make_job

from commonpool.config import Settings
from commonpool.local.cluster import LocalCluster, Wish
from commonpool.local.fleet import parse_fleet
from commonpool.local.pids import find_marked
from commonpool.local.teller import LogTeller

pytestmark = pytest.mark.story

FLEET = parse_fleet({"groups": [{"name": "cpu", "nodes": 2, "resources": {"cpu": 8, "memory": "32Gi", "pods": 110}}]}, "the test")


def _find_states(cluster: LocalCluster) -> dict[str, str]:
    return {process.name: process.state for process in cluster.processes()}


@pytest.mark.timeout(600)
def test_a_killed_process_is_healed_by_the_next_up_and_down_leaves_nothing(tmp_path: Path) -> None:
    cluster = LocalCluster(Settings(state_home=tmp_path), "story", LogTeller())
    try:
        cluster.up(Wish(fleet=FLEET, pool=False))
        assert kubectl(cluster, "get", "nodes", "-o", "name").split() == ["node/cpu-001", "node/cpu-002"]
        pids = {process.name: process.pid for process in cluster.processes()}

        cluster.kill("apiserver")
        assert _find_states(cluster)["apiserver"] == "stopped"

        cluster.up(Wish())
        healed = {process.name: process.pid for process in cluster.processes()}
        assert {name for name in pids if pids[name] != healed[name]} == {"apiserver"}
        assert len(kubectl(cluster, "get", "nodes", "-o", "name").split()) == 2

        assert cluster.down()
        assert set(_find_states(cluster).values()) == {"stopped", "off"}
        assert find_marked(str(cluster.places.root)) == []
        assert not cluster.down()
    finally:
        cluster.down(delete=True)
    assert not cluster.places.root.exists()


def test_a_fake_pod_runs_on_unless_its_annotation_says_how_long(local_cluster: LocalCluster) -> None:
    kubectl(local_cluster, "create", "namespace", "fake-pods")
    account = "/api/v1/namespaces/fake-pods/serviceaccounts/default"
    eventually(lambda: local_cluster.client().find(account))  # no pod is let in before
    for name, runtime in (("short", "1s"), ("long", "")):
        job = make_job(name, runtime=runtime)
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, **job["spec"]["template"]["metadata"]},
            "spec": job["spec"]["template"]["spec"],
        }
        pod["spec"] = {
            "containers": [{"name": "main", "image": "registry.example/plain:1"}],
            "restartPolicy": "Never",
            "nodeName": "h100-001",
        }
        kubectl(local_cluster, "--namespace", "fake-pods", "create", "-f", "-", stdin=pod)

    def phase(name: str) -> str:
        return kubectl(local_cluster, "--namespace", "fake-pods", "get", "pod", name, "-o", "jsonpath={.status.phase}")

    eventually(lambda: phase("short"), until=lambda seen: seen == "Succeeded")
    eventually(lambda: phase("long"), until=lambda seen: seen == "Running")
    consistently(lambda: phase("long"), until=lambda seen: seen == "Running")
    kubectl(local_cluster, "delete", "namespace", "fake-pods", "--wait=false")
