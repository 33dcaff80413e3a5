"""Kubernetes' own part in a service's life, step by step: Deployment and ReplicaSet controllers, scheduler and kubelet on a fake API.

The rules are those of kubernetes/pkg/controller (deployment/rolling.go, controller_utils.go: ActivePodsWithRanks), as far as they decide
who comes and who goes.
"""

import datetime as dt
import json
from typing import Any

from tests.kube.fakeapi import FakeApi
from tests.kube.objects import NAMESPACE, Body, inference_body, make_metadata, node_body, own_body
from tests.kube.stage import Stage

from commonpool.kube.cluster import LiveCluster
from commonpool.kube.resources import DEPLOYMENTS, GPU_WORKLOADS, NODES, PODS, ROUNDS, Resource
from commonpool.model.names import DELETION_COST_ANNOTATION

NAME = "chat"


class _Graceful(FakeApi):
    """Where pods that are deleted take their time."""

    def __init__(self, town: "Serving") -> None:
        super().__init__()
        self._town = town

    async def delete(self, resource: Resource, namespace: str, name: str, *, uid: str = "", grace_seconds: int | None = None) -> None:
        pod = self.find(resource, name, namespace)
        if resource is not PODS:
            await super().delete(resource, namespace, name, uid=uid, grace_seconds=grace_seconds)
        elif pod is not None and pod["metadata"]["uid"] == uid:
            self._town.delete(pod)


class Serving:
    """A service that serves, and what happens to it; `limit`: accelerators that its tenant may hold."""

    def __init__(self, pods: int, nodes: list[int], limit: int = 100) -> None:
        self.stage = Stage(api=_Graceful(self))
        self.stage.mirror.own(own_body("GPUQuota", "vision", {"tenant": "vision", "pools": [{"pool": "h100", "limit": limit}]}))
        for index in range(4):
            self.stage.put(NODES, node_body(f"gpu-{index}", gpus=nodes[index] if index < len(nodes) else 0))
        self.wanted, self.limit = pods, limit
        self.gpus = 1
        self.target: Body | None = None
        self.said: list[str] = []
        """What its condition `Admitted` said after each step."""
        self.generation = 1
        self.version = "1"
        self._sets: dict[str, int] = {}
        self._replicas = 0
        self._born = 0
        self._epoch = 1

    def write(self, *, version: str = "1", pods: int | None = None) -> None:
        """What its owner wants."""
        self.wanted, self.version = pods or self.wanted, version
        body = inference_body(NAME, replicas=self.wanted, gpus=self.gpus, generation=self.generation)
        body["spec"]["inference"]["template"]["spec"]["containers"][0]["image"] = f"serve:{version}"
        if self.target is not None:
            body["spec"]["inference"]["target"] = self.target
        self.generation += 1
        self.stage.put(GPU_WORKLOADS, body)

    def cordon(self, *names: str, leave: bool = True) -> None:
        for name in names:
            node = self.stage.api.find(NODES, name)
            assert node is not None
            self.stage.put(NODES, {**node, "spec": {**node["spec"], "unschedulable": leave}})

    async def begin(self) -> None:
        """Until all its pods serve."""
        self.write()
        for _ in range(4):
            await self.step_all()
        assert len(self.ready()) == self.wanted

    def restart(self) -> None:
        """The operator was killed, and another leads."""
        self.stage.cluster = LiveCluster(self.stage.api, self.stage.mirror, lambda: self.stage.now_at)
        self.stage.cluster.epoch = self._epoch = self._epoch + 1

    async def step_all(self) -> None:
        """A little of everything, as often as it takes for a place to come free and to be taken."""
        await self.stage.round()
        for _ in range(2):
            self.control()
        await self.stage.round()
        conditions = self.stage.status(NAME).get("conditions", ())
        self.said.append(next((each["message"] for each in conditions if each["type"] == "Admitted"), ""))
        self.bind()
        self.start()
        self.end()

    @property
    def deployment(self) -> Body:
        found = self.stage.api.find(DEPLOYMENTS, NAME, NAMESPACE)
        assert found is not None
        return found

    def pods(self) -> list[Body]:
        return self.stage.api.all(PODS)

    def living(self) -> list[Body]:
        return [pod for pod in self.pods() if "deletionTimestamp" not in pod["metadata"]]

    def ready(self) -> list[Body]:
        return [pod for pod in self.living() if is_ready(pod)]

    def held(self) -> int:
        """Pods that take room on a node."""
        return sum("nodeName" in pod["spec"] for pod in self.pods())

    def promised(self) -> int:
        """Pods that wait and have a place."""
        waiting = {pod["metadata"]["name"] for pod in self.living() if "nodeName" not in pod["spec"]}
        return len(waiting & set(self._read_promises()[0]))

    def look(self) -> list[object]:
        """All that can be seen of it."""
        ending = {pod["metadata"]["name"] for pod in self.pods()} - {pod["metadata"]["name"] for pod in self.living()}
        return [ending, *((pod["metadata"]["name"], pod["spec"].get("nodeName"), is_ready(pod)) for pod in self.pods())]

    def versions(self) -> set[str]:
        return {pod["spec"]["containers"][0]["image"].partition(":")[2] for pod in self.living()}

    def nodes(self) -> set[str]:
        return {pod["spec"]["nodeName"] for pod in self.living() if "nodeName" in pod["spec"]}

    def control(self) -> None:
        """One reconciliation of the Deployment, and of its ReplicaSets."""
        if self.stage.api.find(DEPLOYMENTS, NAME, NAMESPACE) is None:
            return
        spec = self.deployment["spec"]
        new, replicas = json.dumps(spec["template"], sort_keys=True), spec["replicas"]
        self._sets.setdefault(new, 0)
        if replicas != self._replicas:
            active = [each for each, size in self._sets.items() if size] or [new]
            largest = max(active, key=lambda each: self._sets[each])
            self._sets[largest] = max(0, self._sets[largest] + replicas - self._replicas)
            self._replicas = replicas
        else:
            self._roll(new, replicas, spec["strategy"]["rollingUpdate"])
        for template, size in self._sets.items():
            self._replicate(template, size)

    def _roll(self, new: str, replicas: int, rolling: Body) -> None:
        surge = -(-replicas * int(str(rolling["maxSurge"]).rstrip("%")) // 100) if rolling["maxSurge"] else 0
        total = sum(self._sets.values())
        if self._sets[new] < replicas:
            self._sets[new] += max(0, min(replicas + surge - total, replicas - self._sets[new]))
        elif self._sets[new] > replicas:
            self._sets[new] = replicas
        least = replicas - rolling["maxUnavailable"]
        missing = self._sets[new] - sum(is_ready(pod) for pod in self._of(new))
        most = sum(self._sets.values()) - least - missing
        for old in [each for each in self._sets if each != new]:
            unhealthy = max(0, self._sets[old] - sum(is_ready(pod) for pod in self._of(old)))
            gone = min(max(0, most), unhealthy, self._sets[old])
            self._sets[old] -= gone
            most -= gone
        spare = min(len(self.ready()) - least, most)
        for old in [each for each in self._sets if each != new]:
            gone = min(max(0, spare), self._sets[old])
            self._sets[old] -= gone
            spare -= gone

    def _of(self, template: str) -> list[Body]:
        return [pod for pod in self.living() if pod["template"] == template]

    def _replicate(self, template: str, size: int) -> None:
        members = self._of(template)
        for _ in range(size - len(members)):
            self._make(template)
        for pod in sorted(members, key=_rank)[: max(0, len(members) - size)]:
            self.delete(pod)

    def _make(self, template: str) -> None:
        self._born += 1
        owner = f"{NAME}-{abs(hash(template)) % 10**9}"
        references = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": f"uid-{owner}", "controller": True}]
        name = f"{owner}-{self._born:03}"
        metadata = make_metadata(name, NAMESPACE, ownerReferences=references, labels={"pod-template-hash": owner.rpartition("-")[2]})
        metadata["creationTimestamp"] = _render(self.stage.now_at)
        spec = json.loads(template)["spec"]
        self.stage.put(PODS, {"metadata": metadata, "spec": spec, "status": {"phase": "Pending"}, "template": template})

    def delete(self, pod: Body) -> None:
        """By whoever may: what has a node ends later."""
        if "nodeName" in pod["spec"]:
            self.stage.put(PODS, {**pod, "metadata": {**pod["metadata"], "deletionTimestamp": _render(self.stage.now_at)}})
        else:
            self._drop(pod)

    def bind(self) -> None:
        """Pods take what they were promised."""
        named, free = self._read_promises()
        for pod in [pod for pod in self.living() if "nodeName" not in pod["spec"]]:
            node = named.get(pod["metadata"]["name"]) or (free.pop() if free else "")
            if node:
                self.stage.put(PODS, {**pod, "spec": {**pod["spec"], "nodeName": node}})

    def start(self, most: int = 100) -> None:
        """So many pods become ready."""
        waiting = [pod for pod in self.living() if "nodeName" in pod["spec"] and not is_ready(pod)]
        for pod in waiting[:most]:
            status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
            self.stage.put(PODS, {**pod, "status": status})

    def end(self) -> None:
        """What is ending has ended."""
        for pod in self.pods():
            if "deletionTimestamp" in pod["metadata"]:
                self._drop(pod)

    def _drop(self, pod: Body) -> None:
        name = pod["metadata"]["name"]
        self.stage.api.objects.pop((PODS.plural, NAMESPACE, name))
        self.stage.mirror.pods.drop((NAMESPACE, name), pod["metadata"]["uid"])

    def _read_promises(self) -> tuple[dict[str, str], list[str]]:
        """Nodes by the names of pods, and those that any pod may take."""
        named: dict[str, str] = {}
        free: list[str] = []
        taken = [pod["spec"]["nodeName"] for pod in self.pods() if "nodeName" in pod["spec"]]
        gangs = (gang for each in self.stage.api.all(ROUNDS) for gang in each["spec"]["gangs"])
        for gang in (gang for gang in gangs if gang["workload"] == f"{NAMESPACE}/{NAME}"):
            nodes = [name for part in gang["nodes"].split() for name in [part.partition("*")[0]] * int(part.partition("*")[2])]
            if gang.get("pods"):
                named |= dict(zip(gang["pods"].split(), nodes, strict=True))
                continue
            for node in taken:
                if node in nodes:
                    nodes.remove(node)
            free += nodes
        return named, free


def is_ready(pod: Body) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", ()))


def _rank(pod: Body) -> tuple[Any, ...]:
    """Who goes first."""
    cost = int(pod["metadata"].get("annotations", {}).get(DELETION_COST_ANNOTATION, "0"))
    return ("nodeName" in pod["spec"], is_ready(pod), cost, pod["metadata"]["name"])


def _render(now_at: int) -> str:
    return f"{dt.datetime.fromtimestamp(now_at, dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
