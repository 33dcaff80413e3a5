"""kube-scheduler as Kubernetes ships it: the default profile, filling nodes up, with the rights that Kubernetes gives it."""

import json

from commonpool.local.client import answers
from commonpool.local.cluster import LocalCluster
from commonpool.local.credentials import request_token, write_kubeconfig, write_private
from commonpool.local.ports import find_free_ports
from commonpool.local.process import Process, start_process, wait_ready

NAME = "stock-scheduler"
_NAMESPACE = "kube-system"
_ROLES = ("system:kube-scheduler", "system:volume-scheduler")


def start_stock(cluster: LocalCluster) -> None:
    """Start it beside the control plane; it ends with the cluster."""
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
    write_private(config, json.dumps(_build_config(str(kubeconfig))))
    port = find_free_ports(1)[0]
    argv = [
        str(cluster.find_program("stock-kube-scheduler")),
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


def _build_config(kubeconfig: str) -> dict[str, object]:
    scoring = {"type": "MostAllocated", "resources": [{"name": "nvidia.com/gpu", "weight": 1}]}
    arguments = {"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "NodeResourcesFitArgs", "scoringStrategy": scoring}
    return {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {"kubeconfig": kubeconfig, "qps": 5000, "burst": 10000},
        "leaderElection": {"leaderElect": False},
        "profiles": [{"schedulerName": "default-scheduler", "pluginConfig": [{"name": "NodeResourcesFit", "args": arguments}]}],
    }
