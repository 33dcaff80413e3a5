"""Where the stories about rights happen: a tenant's namespace, one that belongs to nobody, and the people."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from tests.stories.manifests import make_gpu_workload
from tests.stories.people import OPERATOR, hear

from commonpool.local.client import Client, Manifest
from commonpool.local.waiting import wait_until

RBAC = "/apis/rbac.authorization.k8s.io/v1"
PATHS = {
    "Pod": "/api/v1/namespaces/{}/pods",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Job": "/apis/batch/v1/namespaces/{}/jobs",
    "CronJob": "/apis/batch/v1/namespaces/{}/cronjobs",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "ReplicaSet": "/apis/apps/v1/namespaces/{}/replicasets",
    "DaemonSet": "/apis/apps/v1/namespaces/{}/daemonsets",
    "GPUWorkload": "/apis/commonpool.dev/v1alpha1/namespaces/{}/gpuworkloads",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "RoleBinding": RBAC + "/namespaces/{}/rolebindings",
}


class Cluster(Protocol):
    """Any cluster on which the chart is installed."""

    @property
    def kubeconfig(self) -> Path: ...


@dataclass(frozen=True)
class Town:
    """A tenant's namespace, one that belongs to nobody, and the people."""

    admin: Client
    alice: Client
    """Holds the role edit in both namespaces, nothing else."""
    operator: Client
    tenant: str
    nobody: str

    def path(self, kind: str, namespace: str = "") -> str:
        return PATHS[kind].format(namespace or self.tenant)

    def person(self, user: str) -> Client:
        return self.admin.impersonate(user)


def build_town(kubeconfig: Path) -> Iterator[Town]:
    mark, admin = uuid4().hex[:6], Client.from_kubeconfig(kubeconfig)
    town = Town(
        admin,
        alice=admin.impersonate(f"alice-{mark}"),
        operator=admin.impersonate(OPERATOR),
        tenant=f"vision-{mark}",
        nobody=f"nobody-{mark}",
    )
    town.admin.create("/api/v1/namespaces", make_namespace(town.tenant, tenant="vision"))
    town.admin.create("/api/v1/namespaces", make_namespace(town.nobody))
    for namespace in (town.tenant, town.nobody):
        town.admin.create(town.path("RoleBinding", namespace), make_binding("edit", f"alice-{mark}"))
        wait_until(partial(is_open, town, namespace), f"alice may edit in {namespace}", 30)
    yield town
    for namespace in (town.tenant, town.nobody):
        town.admin.delete(f"/api/v1/namespaces/{namespace}")


def is_open(town: Town, namespace: str) -> bool:
    """Whether pods can be made in the namespace, and alice may edit."""
    account = town.admin.find(f"/api/v1/namespaces/{namespace}/serviceaccounts/default")
    return account is not None and not hear(town.alice, "POST", town.path("GPUWorkload", namespace), make_gpu_workload())


def make_namespace(name: str, **labels: str) -> Manifest:
    """Build a namespace; `tenant="vision"` becomes the label `commonpool.dev/tenant`."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {f"commonpool.dev/{key}": value for key, value in labels.items()}},
    }


def make_binding(role: str, user: str, *, kind: str = "ClusterRole", scope: str = "RoleBinding") -> Manifest:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": scope,
        "metadata": {"name": f"{user}-{role}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }
