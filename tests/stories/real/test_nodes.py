"""A local cluster with real nodes comes and goes without a trace, whatever is killed on the way."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.stories.cluster import eventually, kubectl
from tests.stories.real.footprint import expect_nothing_left, find_daemon, kill_daemon, take_footprint

from commonpool.config import Settings
from commonpool.local.client import Manifest
from commonpool.local.cluster import LocalCluster, Wish
from commonpool.local.fleet import parse_fleet
from commonpool.local.real.images import PYTHON
from commonpool.local.teller import LogTeller

pytestmark = [pytest.mark.story, pytest.mark.usefixtures("real_nodes_are_possible"), pytest.mark.timeout(240)]

FLEET = parse_fleet({"groups": [{"name": "cpu", "nodes": 1, "resources": {"cpu": 8, "memory": "32Gi", "pods": 110}}]}, "the test")
NODE = "real-001"
UP = "from commonpool.cli.main import main; main()"


def make_sleeper(node: str) -> Manifest:
    """A pod with a life of its own, placed by hand: this cluster has no scheduler."""
    container = {"name": "main", "image": PYTHON, "command": ["sleep", "3600"], "resources": {"limits": {"nvidia.com/gpu": "2"}}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "sleeper"},
        "spec": {"nodeName": node, "tolerations": [{"operator": "Exists"}], "containers": [container]},
    }


def run_sleeper(cluster: LocalCluster) -> None:
    """So that there are containers, their cgroups, mounts and interfaces when the end comes."""
    if not kubectl(cluster, "get", "pods", "-o", "name"):
        eventually(lambda: kubectl(cluster, "get", "serviceaccounts", "default", "--ignore-not-found", "-o", "name"))
        kubectl(cluster, "create", "-f", "-", stdin=make_sleeper(NODE))
    eventually(
        lambda: kubectl(cluster, "get", "pod", "sleeper", "-o", "jsonpath={.status.phase}"),
        within_seconds=60,
        until=lambda seen: seen == "Running",
    )


def kill_the_kubelet(cluster: LocalCluster) -> None:
    kill_daemon(cluster, NODE, "kubelet")
    run_sleeper(cluster)


def kill_the_network_and_the_node(cluster: LocalCluster) -> None:
    cluster.kill("network")
    cluster.kill(NODE)


def kill_up_while_the_node_boots(cluster: LocalCluster) -> None:
    cluster.kill(NODE)
    command = [sys.executable, "-c", UP, "local", "up", "--name", cluster.places.name]
    environment = {**os.environ, "XDG_STATE_HOME": str(cluster.places.root.parents[1])}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) as up:
        eventually(lambda: find_daemon(cluster, NODE, "containerd"), within_seconds=60)
        up.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("kill", [kill_the_kubelet, kill_the_network_and_the_node, kill_up_while_the_node_boots])
def test_down_leaves_the_machine_as_it_was(tmp_path: Path, kill: Callable[[LocalCluster], None]) -> None:
    cluster = LocalCluster(Settings(state_home=tmp_path), "real", LogTeller())
    before = take_footprint(cluster)
    try:
        cluster.up(Wish(fleet=FLEET, pool=False, real_nodes=1))
        run_sleeper(cluster)
        kill(cluster)
        assert cluster.down()
        expect_nothing_left(cluster, before)
    finally:
        cluster.down(delete=True)
    assert not cluster.places.root.exists()
