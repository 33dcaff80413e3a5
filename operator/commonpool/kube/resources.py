"""Which path of the API serves which kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from commonpool.errors import BugError
from commonpool.model.names import API_VERSION

Key = tuple[str, str]
"""Namespace (empty for cluster-scoped kinds) and name."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind as the API serves it."""

    kind: str
    plural: str
    api_version: str = "v1"
    namespaced: bool = True

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The path of one object, or of the collection; without a namespace: of all namespaces."""
        parts = ["/apis" if "/" in self.api_version else "/api", self.api_version]
        if namespace and self.namespaced:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        return "/".join(part for part in (*parts, name, subresource) if part)


NODES = Resource("Node", "nodes", namespaced=False)
NAMESPACES = Resource("Namespace", "namespaces", namespaced=False)
PODS = Resource("Pod", "pods")
SERVICES = Resource("Service", "services")
CONFIG_MAPS = Resource("ConfigMap", "configmaps")
RESOURCE_QUOTAS = Resource("ResourceQuota", "resourcequotas")
JOBS = Resource("Job", "jobs", "batch/v1")
DEPLOYMENTS = Resource("Deployment", "deployments", "apps/v1")
STATEFUL_SETS = Resource("StatefulSet", "statefulsets", "apps/v1")
REPLICA_SETS = Resource("ReplicaSet", "replicasets", "apps/v1")
PRIORITY_CLASSES = Resource("PriorityClass", "priorityclasses", "scheduling.k8s.io/v1", namespaced=False)
EVENTS = Resource("Event", "events", "events.k8s.io/v1")
LEASES = Resource("Lease", "leases", "coordination.k8s.io/v1")
ROLE_BINDINGS = Resource("RoleBinding", "rolebindings", "rbac.authorization.k8s.io/v1")
DISRUPTION_BUDGETS = Resource("PodDisruptionBudget", "poddisruptionbudgets", "policy/v1")
NETWORK_POLICIES = Resource("NetworkPolicy", "networkpolicies", "networking.k8s.io/v1")
CUSTOM_RESOURCES = Resource("CustomResourceDefinition", "customresourcedefinitions", "apiextensions.k8s.io/v1", namespaced=False)
GPU_POOLS = Resource("GPUPool", "gpupools", API_VERSION, namespaced=False)
TENANTS = Resource("Tenant", "tenants", API_VERSION, namespaced=False)
GPU_QUOTAS = Resource("GPUQuota", "gpuquotas", API_VERSION, namespaced=False)
GPU_WORKLOADS = Resource("GPUWorkload", "gpuworkloads", API_VERSION)
ROUNDS = Resource("Round", "rounds", API_VERSION, namespaced=False)

RESOURCES = (
    NODES,
    NAMESPACES,
    PODS,
    SERVICES,
    CONFIG_MAPS,
    RESOURCE_QUOTAS,
    JOBS,
    DEPLOYMENTS,
    STATEFUL_SETS,
    REPLICA_SETS,
    PRIORITY_CLASSES,
    EVENTS,
    LEASES,
    ROLE_BINDINGS,
    DISRUPTION_BUDGETS,
    NETWORK_POLICIES,
    CUSTOM_RESOURCES,
    GPU_POOLS,
    TENANTS,
    GPU_QUOTAS,
    GPU_WORKLOADS,
    ROUNDS,
)
_BY_KIND = {(resource.api_version, resource.kind): resource for resource in RESOURCES}


def get_resource(api_version: str, kind: str) -> Resource:
    """The resource of a kind that commonpool knows; BugError for another."""
    try:
        return _BY_KIND[api_version, kind]
    except KeyError:
        raise BugError(f"`{api_version}` `{kind}` is not a kind that commonpool writes") from None


def read_key(manifest: Mapping[str, Any]) -> Key:
    """Namespace and name of an object as it is written; no name if the apiserver shall make one."""
    metadata = manifest["metadata"]
    return metadata.get("namespace") or "", metadata.get("name") or ""
