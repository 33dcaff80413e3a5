"""Kubernetes itself: etcd, kube-apiserver, kube-controller-manager and KWOK, with the flags that a control plane without containers needs.

Each function writes what its process reads and returns the process, not started. Adding one: a function here, a line in `CONTROL_PLANE`.
"""

import json
from collections.abc import Callable

from commonpool.local.client import answers
from commonpool.local.credentials import (
    ADMIN,
    CONTROLLER_MANAGER,
    KWOK,
    make_signing_key,
    write_kubeconfig,
    write_private,
    write_tokens,
)
from commonpool.local.process import Process
from commonpool.local.real.addresses import EGRESS_SOCKET
from commonpool.local.real.credentials import list_users, make_client_certificate
from commonpool.local.real.group import REAL_LABEL
from commonpool.local.site import Site

Builder = Callable[[Site], Process]

_CONTROLLERS = (
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "namespace-controller",
    "garbage-collector-controller",
    "job-controller",
    "cronjob-controller",
    "replicaset-controller",
    "deployment-controller",
    "statefulset-controller",
    "daemonset-controller",
    "disruption-controller",
    "resourcequota-controller",
    "pod-garbage-collector-controller",
    "root-ca-certificate-publisher-controller",
    "clusterrole-aggregation-controller",  # fills the roles admin, edit and view
    "ttl-after-finished-controller",
    "validatingadmissionpolicy-status-controller",  # shows a policy's type errors
    "endpoints-controller",
    "endpointslice-controller",
)

# Where nodes can really die, somebody must notice: then KWOK renews the leases of the fake ones.
_REAL_CONTROLLERS = ("node-lifecycle-controller", "taint-eviction-controller")
_REAL_KWOK_FLAGS = (f"--manage-nodes-with-label-selector=!{REAL_LABEL}", "--node-lease-duration-seconds=40")
_NODE_GRACE_SECONDS = 20

_AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: Metadata, verbs: [create, update, patch, delete, deletecollection]}
- {level: None}
"""


def build_etcd(site: Site) -> Process:
    """Put etcd together: one member, its data in the cluster's folder."""
    clients = f"http://127.0.0.1:{site.claim_port('etcd')}"
    peers = f"http://127.0.0.1:{site.claim_port('etcd-peer')}"
    argv = [
        str(site.binaries.find("server")),
        f"--data-dir={site.places.etcd}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--quota-backend-bytes=4294967296",
        "--log-level=warn",
    ]
    return Process("etcd", argv, lambda: answers(f"{clients}/health"))


def build_apiserver(site: Site) -> Process:
    """Put the apiserver together: RBAC on, nobody anonymous, its own certificate, tokens from a file."""
    places = site.places
    make_signing_key(places)
    fleet = site.memory.fleet
    tokens = write_tokens(places, (*(fleet.login_users() if fleet else ()), *(list_users() if site.memory.real_nodes else ())))
    argv = [
        str(site.binaries.find("kube-apiserver")),
        f"--etcd-servers={site.url('etcd', scheme='http')}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",  # else it looks for a default route, which a machine without network has not
        "--endpoint-reconciler-type=none",
        f"--secure-port={site.claim_port('apiserver')}",
        f"--cert-dir={places.pki}",
        f"--authorization-mode={'Node,RBAC' if site.memory.real_nodes else 'RBAC'}",
        f"--token-auth-file={places.tokens}",
        "--anonymous-auth=false",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={places.pki / 'sa.pub'}",
        f"--service-account-signing-key-file={places.pki / 'sa.key'}",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--disable-admission-plugins=TaintNodesByCondition",  # it would taint fake nodes until a kubelet lifts it
        *(_kubelet_flags(site) if site.memory.real_nodes else ()),
        *(_audit_flags(site) if site.memory.audit else ()),
        *(() if site.memory.fairness else ("--enable-priority-and-fairness=false",)),
    ]
    authority = places.pki / "apiserver.crt"
    server = site.url("apiserver")
    write_kubeconfig(places, places.kubeconfig, user=ADMIN, token=tokens[ADMIN], server=server)
    for user in fleet.login_users() if fleet else ():
        write_kubeconfig(places, places.user_kubeconfig(user.name), user=user.name, token=tokens[user.name], server=server)
    for user_name in (CONTROLLER_MANAGER, KWOK):
        write_kubeconfig(places, places.user_kubeconfig(_plain(user_name)), user=user_name, token=tokens[user_name], server=server)
    return Process("apiserver", argv, lambda: authority.exists() and site.client().is_ready(), reads=(places.tokens,))


def build_controller_manager(site: Site) -> Process:
    """Put the controller manager together: the controllers that jobs, tenants' roles and our policies need, and real nodes if there are."""
    places = site.places
    port = site.claim_port("controller-manager")
    argv = [
        str(site.binaries.find("kube-controller-manager")),
        f"--kubeconfig={places.user_kubeconfig(_plain(CONTROLLER_MANAGER))}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={places.pki / 'controller-manager'}",
        f"--service-account-private-key-file={places.pki / 'sa.key'}",
        f"--root-ca-file={places.pki / 'apiserver.crt'}",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        "--kube-api-qps=1000",  # its default of 20 makes pods more slowly than anything binds them
        "--kube-api-burst=2000",
        f"--controllers={','.join(_CONTROLLERS + (_REAL_CONTROLLERS if site.memory.real_nodes else ()))}",
        *((f"--node-monitor-grace-period={_NODE_GRACE_SECONDS}s",) if site.memory.real_nodes else ()),
    ]

    def ready() -> bool:
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        return answers(f"https://127.0.0.1:{port}/healthz") and site.client().find(account) is not None

    return Process("controller-manager", argv, ready)


def build_kwok(site: Site) -> Process:
    """Put KWOK together: it plays the kubelets of all nodes that are not real, by the stages in local/stages."""
    places = site.places
    stages = places.root / "stages.yaml"
    parts = sorted(site.binaries.source.stages.glob("*.yaml"))
    write_private(stages, "---\n".join(part.read_text(encoding="utf-8") for part in parts))
    port = site.claim_port("kwok")
    argv = [
        str(site.binaries.find("kwok")),
        f"--kubeconfig={places.user_kubeconfig(KWOK)}",
        *(_REAL_KWOK_FLAGS if site.memory.real_nodes else ("--manage-all-nodes=true",)),
        f"--config={stages}",
        f"--server-address=127.0.0.1:{port}",
    ]
    return Process("kwok", argv, lambda: answers(f"http://127.0.0.1:{port}/healthz"), reads=(stages,))


CONTROL_PLANE: dict[str, Builder] = {
    "etcd": build_etcd,
    "apiserver": build_apiserver,
    "controller-manager": build_controller_manager,
    "kwok": build_kwok,
}


def _audit_flags(site: Site) -> list[str]:
    policy = site.places.root / "audit-policy.yaml"
    write_private(policy, _AUDIT_POLICY)
    return [
        f"--audit-policy-file={policy}",
        f"--audit-log-path={site.places.audit_log}",
        "--audit-log-maxsize=200",
        "--audit-log-maxbackup=1",
    ]


def _kubelet_flags(site: Site) -> list[str]:
    """The apiserver's way to real kubelets: through the door of their network, and with a name that they know."""
    make_client_certificate(site.places)
    egress = site.places.root / "egress.json"
    connection = {"proxyProtocol": "HTTPConnect", "transport": {"uds": {"udsName": EGRESS_SOCKET}}}
    selection = {"name": "cluster", "connection": connection}
    write_private(
        egress,
        json.dumps({"apiVersion": "apiserver.k8s.io/v1beta1", "kind": "EgressSelectorConfiguration", "egressSelections": [selection]}),
    )
    return [
        f"--egress-selector-config-file={egress}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--kubelet-client-certificate={site.places.pki / 'kubelet-client.crt'}",
        f"--kubelet-client-key={site.places.pki / 'kubelet-client.key'}",
    ]


def _plain(user: str) -> str:
    return user.removeprefix("system:")
