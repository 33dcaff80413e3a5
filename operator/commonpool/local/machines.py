"""`python -m commonpool.local.machines KUBECONFIG`: what a cloud does for a real cluster, for NodeGroups and fake nodes.

A machine that is asked for becomes a node after its group's boot time. Of machines that are
too many the cordoned ones go first, then the newest empty ones; one that runs pods stays.
"""

import logging
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from commonpool.errors import ClusterError
from commonpool.local.client import Client, Manifest
from commonpool.local.fleet import GROUP_LABEL, NodeGroup, build_node
from commonpool.local.nodegroups import COLLECTION

LOGGER = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
NODES = "/api/v1/nodes"


@dataclass(frozen=True, slots=True)
class Turn:
    """What one look at a group leads to."""

    boot: tuple[int, ...] = ()
    """Numbers of the machines that are nodes from now on."""
    stop: tuple[str, ...] = ()
    """Names of the nodes that go."""


@dataclass(slots=True)
class Machines:
    """The machines of one group that are booting: when each will be a node."""

    ready_at: list[float] = field(default_factory=list)

    def turn(self, group: NodeGroup, replicas: int, nodes: Sequence[Manifest], busy: Iterable[str], now: float) -> Turn:
        """Look once: order what is missing, make nodes of what has booted, give back what is too many."""
        missing = replicas - len(nodes)
        del self.ready_at[max(0, missing) :]
        self.ready_at += [now + group.boot_seconds] * (missing - len(self.ready_at))
        booted = sum(ready_at <= now for ready_at in self.ready_at)
        del self.ready_at[:booted]
        taken = {node["metadata"]["name"] for node in nodes}
        free = (number for number in range(group.most or group.nodes) if build_node(group, number)["metadata"]["name"] not in taken)
        boot = tuple(number for _, number in zip(range(booted), free, strict=False))
        return Turn(boot, _choose(nodes, set(busy), -missing) if missing < 0 else ())


def _choose(nodes: Sequence[Manifest], busy: set[str], surplus: int) -> tuple[str, ...]:
    idle = [node for node in nodes if node["metadata"]["name"] not in busy]
    idle.sort(key=lambda node: str(node["metadata"]["name"]), reverse=True)
    idle.sort(key=lambda node: not node["spec"].get("unschedulable", False))
    return tuple(str(node["metadata"]["name"]) for node in idle[:surplus])


class Provider:
    """All groups of one cluster."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._machines: dict[str, Machines] = {}

    def look(self, now: float) -> None:
        """One look at every group."""
        for manifest in self._client.get(COLLECTION)["items"]:
            self._look_at(manifest, now)

    def _look_at(self, manifest: Manifest, now: float) -> None:
        name, replicas = manifest["metadata"]["name"], manifest["spec"]["replicas"]
        group = NodeGroup.model_validate(manifest["spec"]["group"])
        nodes = self._client.request("GET", NODES, query={"labelSelector": f"{GROUP_LABEL}={name}"})["items"]
        busy = self._find_busy() if len(nodes) > replicas else ()
        turn = self._machines.setdefault(name, Machines()).turn(group, replicas, nodes, busy, now)
        for number in turn.boot:
            self._client.create(NODES, build_node(group, number))
        for node in turn.stop:
            self._client.delete(f"{NODES}/{node}")
        if turn.boot or turn.stop:
            LOGGER.info("%s: %d booted, %d stopped; wanted %d", name, len(turn.boot), len(turn.stop), replicas)
        there = len(nodes) + len(turn.boot) - len(turn.stop)
        if manifest.get("status", {}).get("replicas") != there:
            self._client.request("PATCH", f"{COLLECTION}/{name}/status", {"status": {"replicas": there}})

    def _find_busy(self) -> set[str]:
        pods = self._client.get("/api/v1/pods")["items"]
        return {
            pod["spec"]["nodeName"] for pod in pods if "nodeName" in pod["spec"] and pod["status"]["phase"] not in {"Succeeded", "Failed"}
        }


def main() -> None:
    """Look again and again until a signal comes."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    provider = Provider(Client.from_kubeconfig(Path(sys.argv[1])))
    while True:
        try:
            provider.look(time.monotonic())
        except ClusterError as error:
            LOGGER.warning("%s", error)
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main()
