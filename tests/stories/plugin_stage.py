"""The scheduler plugin's stage: a cluster without the operator, where the test itself writes the Rounds."""

from dataclasses import dataclass
from itertools import count

from tests.stories.cluster import Audit, eventually

from commonpool.local.client import Client, Manifest
from commonpool.local.cluster import LocalCluster
from commonpool.local.fleet import parse_fleet

FLEET = parse_fleet(
    {"groups": [{"name": "gpu", "nodes": 4, "resources": {"cpu": 64, "memory": "512Gi", "pods": 110, "nvidia.com/gpu": 8}}]},
    "the stage",
)
SCHEDULER = "commonpool-scheduler"
_ROUNDS = "/apis/commonpool.dev/v1alpha1/rounds"
_PATHS = {"Pod": "/api/v1", "Job": "/apis/batch/v1", "Deployment": "/apis/apps/v1"}
_numbers = count(1)


def make_request(gpus: int) -> str:
    return f"cpu=1000m,memory=1073741824,nvidia.com/gpu={gpus}"


@dataclass(frozen=True, slots=True)
class Stage:
    """One namespace of the cluster, and verbs."""

    cluster: LocalCluster
    client: Client
    namespace: str

    def promise(self, kind: str, name: str, nodes: str, *, gpus: int = 1, epoch: int = 1, **seats: str) -> str:
        """Write a Round of one line; `seats` are `ranks` or `pods`."""
        return self.promise_all({"kind": kind, "workload": name, "nodes": nodes, "request": make_request(gpus), **seats}, epoch=epoch)

    def promise_all(self, *lines: dict[str, str], epoch: int = 1) -> str:
        """Write a Round of several lines and return its name."""
        number = next(_numbers)
        name = f"r-{number:010d}-1"
        whose = {"tenant": "test", "pool": "h100", "why": "WithinGuarantee"}
        gangs = [{**whose, **line, "workload": f"{self.namespace}/{line['workload']}"} for line in lines]
        body: Manifest = {"apiVersion": "commonpool.dev/v1alpha1", "kind": "Round", "metadata": {"name": name}}
        self.client.request("POST", _ROUNDS, body | {"spec": {"epoch": epoch, "number": number, "part": 1, "parts": 1, "gangs": gangs}})
        return name

    def keep_line(self, name: str, index: int) -> None:
        """Patch all lines but one out of a Round."""
        gangs = self.client.get(f"{_ROUNDS}/{name}")["spec"]["gangs"]
        self.client.request("PATCH", f"{_ROUNDS}/{name}", {"spec": {"gangs": [gangs[index]]}})

    def withdraw(self, name: str) -> None:
        self.client.delete(f"{_ROUNDS}/{name}")

    def withdraw_all(self) -> None:
        for item in self.client.get(_ROUNDS)["items"]:
            self.withdraw(item["metadata"]["name"])

    def clear(self) -> None:
        """Remove all that the test made."""
        self.withdraw_all()
        for kind in ("Job", "Deployment"):
            path = f"{_PATHS[kind]}/namespaces/{self.namespace}/{kind.lower()}s"
            self.client.request("DELETE", path, query={"propagationPolicy": "Background"})

        def sweep() -> bool:
            if self.pods():
                self.client.request("DELETE", self._pods, query={"gracePeriodSeconds": "0"})
            return not self.pods()

        eventually(sweep)

    def make(self, kind: str, name: str, spec: Manifest) -> None:
        path = f"{_PATHS[kind]}/namespaces/{self.namespace}/{kind.lower()}s"
        version = _PATHS[kind].removeprefix("/apis/").removeprefix("/api/")
        self.client.request("POST", path, {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec})

    def make_pod(self, name: str, *, gpus: int = 1, **more: object) -> None:
        self.make("Pod", name, make_spec(gpus, **more))

    def drop_pod(self, name: str) -> None:
        self.client.request("DELETE", f"{self._pods}/{name}", query={"gracePeriodSeconds": "0"})

    def pods(self) -> dict[str, Manifest]:
        return {pod["metadata"]["name"]: pod for pod in self.client.get(self._pods)["items"]}

    def nodes(self) -> dict[str, str]:
        """Where each bound pod is."""
        return {name: pod["spec"]["nodeName"] for name, pod in self.pods().items() if "nodeName" in pod["spec"]}

    def expect_on(self, node: str, *names: str) -> None:
        eventually(lambda: {name: self.nodes().get(name) for name in names}, until=lambda seen: set(seen.values()) == {node})

    def reasons(self) -> set[str]:
        """Reasons of the Events that the scheduler has left in the namespace."""
        events = self.client.get(f"/apis/events.k8s.io/v1/namespaces/{self.namespace}/events")["items"]
        return {event["reason"] for event in events if event.get("reportingController") == "commonpool"}

    def audit(self) -> Audit:
        return Audit(self.cluster)

    @property
    def _pods(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods"


def make_spec(gpus: int = 1, **more: object) -> Manifest:
    limits = {"cpu": "1", "memory": "1Gi"} | ({"nvidia.com/gpu": str(gpus)} if gpus else {})
    container: Manifest = {"name": "main", "image": "registry.example/main:1", "resources": {"limits": limits}}
    return {"schedulerName": "commonpool", "containers": [container], **more}


def make_template(**labels: str) -> Manifest:
    return {"metadata": {"labels": labels}, "spec": make_spec(restartPolicy="Always" if labels else "Never")}
