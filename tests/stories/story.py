"""The whole way: tenants and their people on the shared cluster, what they write, and what they see of it."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from uuid import uuid4

from tests.stories.cluster import Audit, eventually, kubectl
from tests.stories.instant import Instant, find_breaches, read_instant
from tests.stories.manifests import make_training
from tests.stories.people import hear
from tests.stories.town import PATHS

from commonpool.errors import ClusterError
from commonpool.kube.resources import LEASES
from commonpool.local.client import Client, Manifest
from commonpool.local.cluster import LocalCluster
from commonpool.local.waiting import wait_until
from commonpool.model.names import LEASE_NAME, SYSTEM_NAMESPACE

OURS = "/apis/commonpool.dev/v1alpha1"
OPERATOR = "commonpool-operator"
SCHEDULER = "commonpool-scheduler"
RANK = "batch.kubernetes.io/job-completion-index"
SWEPT = ("GPUWorkload", "CronJob", "Job", "Deployment", "StatefulSet", "Pod")
PATIENCE_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Member:
    """One person of a tenant that has one namespace; asks with his own kubeconfig."""

    cluster: LocalCluster
    client: Client
    user: str
    tenant: str
    namespace: str

    def path(self, kind: str, name: str = "") -> str:
        return PATHS[kind].format(self.namespace) + (f"/{name}" if name else "")

    def create(self, manifest: Manifest) -> None:
        self.client.request("POST", self.path(manifest["kind"]), manifest)

    def patch(self, kind: str, name: str, change: Manifest) -> None:
        self.client.request("PATCH", self.path(kind, name), change)

    def delete(self, kind: str, name: str) -> None:
        self.client.request("DELETE", self.path(kind, name), query={"propagationPolicy": "Background"})

    def kubectl(self, *arguments: str, stdin: Manifest | str | None = None) -> str:
        return kubectl(self.cluster, "--namespace", self.namespace, *arguments, user=self.user, stdin=stdin)

    def look(self, name: str, kind: str = "GPUWorkload") -> Manifest:
        """An object with its status, empty where there is none."""
        return {"status": {}} | (self.client.find(self.path(kind, name)) or {})

    def state(self, name: str) -> str:
        """As `kubectl get gw` shows it."""
        return str(self.condition(name, "Succeeded").get("reason", ""))

    def condition(self, name: str, kind: str) -> Manifest:
        conditions: list[Manifest] = self.look(name)["status"].get("conditions", [])
        return next((condition for condition in conditions if condition["type"] == kind), {})

    def wait(self, name: str) -> Manifest:
        """Why it waits."""
        waits: Manifest = self.look(name)["status"].get("wait", {})
        return waits

    def expect(self, name: str, state: str) -> Manifest:
        eventually(lambda: self.state(name), within_seconds=PATIENCE_SECONDS, until=lambda seen: seen == state)
        return self.look(name)

    def pods(self, name: str) -> list[Manifest]:
        """The pods that something of that name has made, by name."""
        found = [pod for pod in self.client.get(self.path("Pod"))["items"] if f"{pod['metadata']['name']}-".startswith(f"{name}-")]
        return sorted(found, key=lambda pod: str(pod["metadata"]["name"]))

    def places(self, name: str) -> dict[str, str]:
        """The node of each pod that has one: by rank where there are ranks, else by name."""
        return {
            pod["metadata"].get("labels", {}).get(RANK, pod["metadata"]["name"]): pod["spec"]["nodeName"]
            for pod in self.pods(name)
            if "nodeName" in pod["spec"]
        }

    def nodes(self, name: str) -> Counter[str]:
        return Counter(self.places(name).values())


@dataclass(slots=True)
class Story:
    """One test on the shared cluster; what it makes carries its mark and goes with it."""

    cluster: LocalCluster
    admin: Client
    mark: str = field(default_factory=lambda: uuid4().hex[:6])
    members: list[Member] = field(default_factory=list)

    def add_tenant(self, name: str, user: str, **quota: int) -> Member:
        """A tenant with one namespace and one member; `quota` is about the pool h100 (guaranteed, limit, lendable, borrowable)."""
        tenant = f"{name}-{self.mark}"
        namespace = f"{tenant}-dev"
        person = {"kind": "User", "name": user, "role": "edit"}
        if quota:
            self.write_quota(tenant, **quota)
        self.create("Tenant", tenant, {"namespaces": [namespace], "members": [person]})
        client = Client.from_kubeconfig(self.cluster.user_kubeconfig(user))
        member = Member(self.cluster, client, user, tenant, namespace)
        self.members.append(member)
        eventually(lambda: self._is_open(member), within_seconds=PATIENCE_SECONDS)
        return member

    def _is_open(self, member: Member) -> bool:
        """A plain number of replicas, because the policy that rewrites it is the last to know our kinds after a restart."""
        account = self.admin.find(f"/api/v1/namespaces/{member.namespace}/serviceaccounts/default")
        return account is not None and not hear(member.client, "POST", member.path("GPUWorkload"), make_training("probe", pods=1))

    def _is_empty(self, member: Member) -> bool:
        return not self.admin.get(member.path("Pod"))["items"]

    def create(self, kind: str, name: str, spec: Manifest) -> None:
        """One of our cluster-scoped kinds."""
        body = {"apiVersion": "commonpool.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        self.admin.request("POST", f"{OURS}/{kind.lower()}s", body)

    def write_quota(self, tenant: str, **amounts: int) -> None:
        """Set what the tenant may hold of the pool h100."""
        spec = {"tenant": tenant, "pools": [{"pool": "h100", **amounts}]}
        if self.admin.find(f"{OURS}/gpuquotas/{tenant}"):
            self.admin.request("PATCH", f"{OURS}/gpuquotas/{tenant}", {"spec": spec})
        else:
            self.create("GPUQuota", tenant, spec)

    def rounds(self) -> list[Manifest]:
        found: list[Manifest] = self.admin.get(f"{OURS}/rounds")["items"]
        return found

    def owed(self, member: Member, name: str) -> list[Manifest]:
        """Lines of Rounds that promise something to the workload's child."""
        lines = [gang for each in self.rounds() for gang in each["spec"]["gangs"]]
        return [gang for gang in lines if gang["workload"] == f"{member.namespace}/{name}"]

    def lease(self) -> Manifest:
        """Who leads, and in which epoch."""
        spec: Manifest = self.admin.get(LEASES.path(SYSTEM_NAMESPACE, LEASE_NAME))["spec"]
        return spec

    def epoch(self) -> int:
        return int(self.lease()["leaseTransitions"])

    def audit(self) -> Audit:
        return Audit(self.cluster)

    def breaches(self) -> list[str]:
        return find_breaches(read_instant(self.admin))

    @contextmanager
    def lawful(self, *, pause_seconds: float = 0) -> Iterator[None]:
        """Look at the laws again and again while the block runs, as fast as the machine can or with a pause between."""
        over = threading.Event()
        found: list[str] = []

        def watch() -> None:
            before: Instant | None = None
            while not over.is_set() and not found:
                try:
                    now = read_instant(self.admin)
                except ClusterError:
                    over.wait(0.2)  # the story has just killed the apiserver
                else:
                    found.extend(find_breaches(now, before))
                    before = now
                over.wait(pause_seconds)

        watcher = threading.Thread(target=watch, name="laws")
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()
        assert not found, "\n".join(found)

    def heal(self) -> None:
        """Start again what was killed, and wait until people can go on: a new apiserver learns roles and kinds while it serves."""
        stopped = [process.name for process in self.cluster.processes() if process.state == "stopped"]
        for name in stopped:
            self.cluster.start(name)
        for member in self.members if stopped else ():
            wait_until(partial(self._is_open, member), f"{member.namespace} takes manifests again", PATIENCE_SECONDS)

    def clear(self) -> None:
        """Remove all that the test made, and wait until the pool is free again."""
        for member in self.members:
            for kind in SWEPT:
                self.admin.request("DELETE", member.path(kind), query={"propagationPolicy": "Background", "gracePeriodSeconds": "0"})
        for member in self.members:
            wait_until(partial(self._is_empty, member), f"{member.namespace} is empty", PATIENCE_SECONDS)
            self.admin.delete(f"{OURS}/gpuquotas/{member.tenant}")
            self.admin.delete(f"{OURS}/tenants/{member.tenant}")
            self.admin.delete(f"/api/v1/namespaces/{member.namespace}")
        wait_until(lambda: not self.rounds(), "no Round is left", PATIENCE_SECONDS)
