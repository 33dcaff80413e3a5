"""A kube-scheduler beside the control plane, with the rights that Kubernetes gives its own: stock, filling nodes up, or another."""

import json
from collections.abc import Mapping

from commonpool.local.client import answers
from commonpool.local.cluster import LocalCluster
from commonpool.local.credentials import request_token, write_kubeconfig, write_private
from commonpool.local.ports import find_free_ports
from commonpool.local.process import Process, start_process, wait_ready

NAME = "stock-scheduler"
_VERSION = "kubescheduler.config.k8s.io/v1"
_NAMESPACE = "kube-system"
_ROLES = ("system:kube-scheduler", "system:volume-scheduler")


PROGRAM = "stock-kube-scheduler"


def start_stock(cluster: LocalCluster, program: str = PROGRAM, profile: Mapping[str, object] | None = None) -> None:
    """Start it beside the control plane, with one profile; it ends with the cluster."""
    places, client = cluster.places, cluster.client()
    client.create(
        f"/api/v1/namespaces/{_NAMESPACE}/serviceaccounts", {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME}}
    )
    for role in _ROLES:
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"{NAME}-{role.rpartition(':')[2]}"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": _NAMESPACE}],
        }
        client.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
    kubeconfig, config = places.user_kubeconfig(NAME), places.root / f"{NAME}.json"
    token = request_token(client, _NAMESPACE, NAME)
    write_kubeconfig(places, kubeconfig, user=NAME, token=token, server=client.server)
    write_private(config, json.dumps(_build_config(str(kubeconfig), profile or build_stock_profile("MostAllocated"))))
    port = find_free_ports(1)[0]
    argv = [
        str(cluster.find_program(program)),
        f"--config={config}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={places.pki / NAME}",
        "--authorization-always-allow-paths=/healthz,/readyz,/livez,/metrics",
        "--authentication-skip-lookup=true",
    ]
    process = Process(NAME, argv, lambda: answers(f"https://127.0.0.1:{port}/readyz"))
    start_process(places, process)
    wait_ready(places, process)


def build_stock_profile(strategy: str, resource: str = "nvidia.com/gpu") -> dict[str, object]:
    """Kubernetes' own profile, which scores nodes by how much of a resource is taken, or by how little."""
    scoring = {"type": strategy, "resources": [{"name": resource, "weight": 1}]}
    arguments = {"apiVersion": _VERSION, "kind": "NodeResourcesFitArgs", "scoringStrategy": scoring}
    return {"schedulerName": "default-scheduler", "pluginConfig": [{"name": "NodeResourcesFit", "args": arguments}]}


def _build_config(kubeconfig: str, profile: Mapping[str, object]) -> dict[str, object]:
    return {
        "apiVersion": _VERSION,
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {"kubeconfig": kubeconfig, "qps": 5000, "burst": 10000},
        "leaderElection": {"leaderElect": False},
        "profiles": [profile],
    }
