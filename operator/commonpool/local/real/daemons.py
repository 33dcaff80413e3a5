"""How the daemons of a real node are configured and started. All paths are those inside the node."""

import json
from dataclasses import dataclass

from commonpool.local.client import Manifest
from commonpool.local.real.addresses import DOMAIN, FABRIC, POD_RANGES, find_pod_range
from commonpool.local.real.images import PAUSE
from commonpool.local.real.spec import NodeSpec

SETTINGS = "/etc/commonpool"
BINARIES = "/opt/commonpool"
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"

_CONTAINERD = f"""\
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
address = "{CONTAINERD_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE}"
# Where processes of the machine may not lower theirs, containers that ask for a lower one than containerd's die before they start.
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{SETTINGS}/cni"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A process that the node keeps running."""

    name: str
    argv: tuple[str, ...]


def build_daemons(spec: NodeSpec) -> tuple[Daemon, ...]:
    """What runs once the images are there; containerd comes before."""
    kubelet = (
        f"{BINARIES}/kubelet",
        f"--config={SETTINGS}/kubelet.json",
        f"--kubeconfig={SETTINGS}/kubelet.kubeconfig",
        f"--hostname-override={spec.name}",
        f"--node-ip={spec.address}",
        "--node-labels=" + ",".join(f"{key}={value}" for key, value in sorted(spec.labels.items())),
        "--cert-dir=/var/lib/kubelet/pki",
    )
    accelerators = (f"{BINARIES}/accelerators", f"--resource={spec.resource}", f"--count={spec.count}")
    return (
        Daemon("kubelet", kubelet),
        Daemon("kube-proxy", (f"{BINARIES}/kube-proxy", f"--config={SETTINGS}/kube-proxy.json")),
        *((Daemon("accelerators", accelerators),) if spec.count else ()),
    )


CONTAINERD = Daemon("containerd", ("/usr/bin/containerd", f"--config={SETTINGS}/containerd.toml"))


def build_settings(spec: NodeSpec, taints: list[Manifest]) -> dict[str, str]:
    """The files below the node's settings, by name."""
    return {
        "containerd.toml": _CONTAINERD,
        "cni/10-pods.conflist": json.dumps(_build_pod_network(spec.number)),
        "kubelet.json": json.dumps(_build_kubelet(taints), indent=2),
        "kube-proxy.json": json.dumps(_build_proxy(spec.name), indent=2),
    }


def _build_kubelet(taints: list[Manifest]) -> Manifest:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{SETTINGS}/client-ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "registerWithTaints": taints,
        "clusterDNS": [FABRIC],
        "clusterDomain": DOMAIN,
        "resolvConf": "",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "imagePullCredentialsVerificationPolicy": "NeverVerify",  # all images were put there, none was pulled
        # The node's cgroups are a part of the machine's: nothing to reserve, and a machine with cgroup version 1 will do.
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        # The machine's disk and memory are not the node's to judge.
        "failSwapOn": False,
        "localStorageCapacityIsolation": False,
        "evictionHard": dict.fromkeys(("memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available"), "0%"),
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "makeIPTablesUtilChains": False,
        "nodeStatusUpdateFrequency": "5s",
        "nodeLeaseDurationSeconds": 8,  # renewed four times as often: who watches waits less
        "shutdownGracePeriod": "0s",
    }


def _build_proxy(name: str) -> Manifest:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": f"{SETTINGS}/kube-proxy.kubeconfig"},
        "hostnameOverride": name,
        "clusterCIDR": POD_RANGES,
        "conntrack": {"maxPerCore": 0, "min": 0},  # the machine's own limit is not the node's to set
        "nftables": {"syncPeriod": "30s", "minSyncPeriod": "100ms"},
    }


def _build_pod_network(number: int) -> Manifest:
    """A cable to each pod and no bridge: what pods of one node send to a Service then passes the node's rules on every kernel."""
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": find_pod_range(number)}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": "/run/cni",
    }
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "ptp", "ipam": addresses}]}
