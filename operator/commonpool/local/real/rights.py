"""What real nodes need in the API: cluster DNS may look, pods can reach the apiserver, nodes that are no more are gone."""

from commonpool.local.client import Client, Manifest
from commonpool.local.real.addresses import API_PORT, FABRIC
from commonpool.local.real.group import REAL_LABEL

DNS_USER = "commonpool-dns"
PROXY_USER = "system:kube-proxy"
NODES = "/api/v1/nodes"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"


def apply_rights(client: Client) -> None:
    """Make what is missing."""
    role = {
        "rules": [
            {"apiGroups": [""], "resources": ["namespaces", "pods", "services"], "verbs": ["list", "watch"]},
            {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
        ]
    }
    binding = {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": DNS_USER},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": DNS_USER}],
    }
    client.create(f"{_RBAC}/clusterroles", _build("rbac.authorization.k8s.io/v1", "ClusterRole", DNS_USER, role))
    client.create(f"{_RBAC}/clusterrolebindings", _build("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", DNS_USER, binding))
    client.create(_SLICES, _build_door())


def remove_nodes(client: Client, wanted: set[str]) -> None:
    """Delete real nodes that are not wanted any more."""
    for node in client.request("GET", NODES, query={"labelSelector": REAL_LABEL})["items"]:
        if (name := str(node["metadata"]["name"])) not in wanted:
            client.delete(f"{NODES}/{name}")


def _build_door() -> Manifest:
    """Where the Service `default/kubernetes` leads: the apiserver itself serves where no pod can reach it."""
    door = {
        "addressType": "IPv4",
        "ports": [{"name": "https", "port": API_PORT, "protocol": "TCP"}],
        "endpoints": [{"addresses": [FABRIC], "conditions": {"ready": True}}],
    }
    manifest = _build("discovery.k8s.io/v1", "EndpointSlice", "kubernetes", door)
    manifest["metadata"]["labels"] = {"kubernetes.io/service-name": "kubernetes"}
    return manifest


def _build(version: str, kind: str, name: str, more: Manifest) -> Manifest:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **more}
