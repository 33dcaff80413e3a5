"""A local cluster with real nodes comes and goes without a trace, whatever is killed on the way."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from tests.stories.cluster import eventually, kubectl
from tests.stories.real.footprint import expect_nothing_left, find_daemon, find_first, kill_daemon, take_footprint
from tests.stories.story import PATIENCE_SECONDS

from commonpool.config import Settings
from commonpool.local.client import Manifest
from commonpool.local.cluster import LocalCluster, Wish
from commonpool.local.fleet import parse_fleet
from commonpool.local.pids import find_marked
from commonpool.local.real.images import PYTHON
from commonpool.local.teller import LogTeller

pytestmark = [pytest.mark.story, pytest.mark.usefixtures("real_nodes_are_possible"), pytest.mark.timeout(1800)]

LOGGER = logging.getLogger(__name__)
FLEET = parse_fleet({"groups": [{"name": "cpu", "nodes": 1, "resources": {"cpu": 8, "memory": "32Gi", "pods": 110}}]}, "the test")
NODE = "real-001"
SLEEPER = "/api/v1/namespaces/default/pods/sleeper"
UP = "from commonpool.cli.main import main; main()"


def make_sleeper(node: str) -> Manifest:
    """A pod with a life of its own, placed by hand: this cluster has no scheduler.

    Without accelerators: a kubelet that comes back refuses a pod whose accelerators it does not see yet, and this one comes but once.
    """
    container = {"name": "main", "image": PYTHON, "command": ["sleep", "3600"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "sleeper"},
        "spec": {"nodeName": node, "tolerations": [{"operator": "Exists"}], "containers": [container]},
    }


def run_sleeper(cluster: LocalCluster) -> None:
    """So that there are containers, their cgroups, mounts and interfaces when the end comes."""
    if not cluster.client().find(SLEEPER):
        kubectl(cluster, "create", "-f", "-", stdin=make_sleeper(NODE))
    # Its status may still be that of its life before: what counts is the process.
    eventually(lambda: find_first(cluster.client().get(SLEEPER)), within_seconds=PATIENCE_SECONDS)


def kill_the_kubelet(cluster: LocalCluster, _chance: Random) -> None:
    kill_daemon(cluster, NODE, "kubelet")
    run_sleeper(cluster)


def kill_containerd(cluster: LocalCluster, _chance: Random) -> None:
    kill_daemon(cluster, NODE, "containerd")


def kill_the_network_and_the_node(cluster: LocalCluster, _chance: Random) -> None:
    cluster.kill("network")
    cluster.kill(NODE)


def kill_up_while_the_node_boots(cluster: LocalCluster, _chance: Random) -> None:
    cluster.kill(NODE)
    with run_command(cluster, "up") as up:
        eventually(lambda: find_daemon(cluster, NODE, "containerd"), within_seconds=PATIENCE_SECONDS)
        up.send_signal(signal.SIGKILL)


def kill_down_on_its_way(cluster: LocalCluster, chance: Random) -> None:
    left = chance.randrange(len(find_marked(str(cluster.places.root))))
    with run_command(cluster, "down") as down:
        eventually(lambda: len(find_marked(str(cluster.places.root))) <= left or down.poll() is not None, within_seconds=PATIENCE_SECONDS)
        down.send_signal(signal.SIGKILL)


Kill = Callable[[LocalCluster, Random], None]
KILLS: tuple[Kill, ...] = (
    kill_the_kubelet,
    kill_up_while_the_node_boots,
    kill_the_network_and_the_node,
    kill_down_on_its_way,
    kill_containerd,
)


def kill_up_on_its_way(cluster: LocalCluster, chance: Random) -> None:
    """SIGKILL `up` when so many of a whole cluster's processes run, between the first and the nodes' last."""
    most = chance.randint(1, 17)
    with run_command(cluster, "up") as up:
        eventually(lambda: len(find_marked(str(cluster.places.root))) >= most or up.poll() is not None, within_seconds=PATIENCE_SECONDS)
        up.send_signal(signal.SIGKILL)


def run_command(cluster: LocalCluster, verb: str) -> "subprocess.Popen[bytes]":
    """`commonpool local`, as a process of its own."""
    command = [sys.executable, "-c", UP, "local", verb, "--name", cluster.places.name]
    environment = {**os.environ, "XDG_STATE_HOME": str(cluster.places.root.parents[1])}
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)


def test_up_and_down_leave_the_machine_as_it_was_whatever_is_killed_on_the_way(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Cycles with a row of kills of its own each (`--cycles`, `--cycles-seed`); `make cycles` plays ten."""
    cluster = LocalCluster(Settings(state_home=tmp_path), "real", LogTeller())
    before = take_footprint(cluster)
    try:
        for cycle in range(request.config.getoption("--cycles")):
            began = time.monotonic()  # noqa: TID251 - told to whoever plays it
            chance = Random(f"{request.config.getoption('--cycles-seed')} {cycle}")  # noqa: S311 - no secret
            kills: list[Kill] = [kill_up_on_its_way] if cycle and chance.random() < 0.5 else []
            for kill in kills:
                kill(cluster, chance)
            cluster.up(Wish(fleet=FLEET, pool=False, real_nodes=1))
            run_sleeper(cluster)
            kills.append(KILLS[cycle % len(KILLS)])
            kills[-1](cluster, chance)
            cluster.down()
            expect_nothing_left(cluster, before)
            seconds = time.monotonic() - began  # noqa: TID251 - the same
            LOGGER.info("cycle %d: %s, %.0f s, nothing left", cycle + 1, ", ".join(kill.__name__ for kill in kills), seconds)
    finally:
        cluster.down(delete=True)
    assert not cluster.places.root.exists()
