"""The real nodes as a group of the fleet: their names, labels, taint and accelerators."""

import platform

from commonpool.errors import UserError
from commonpool.local.client import Manifest
from commonpool.local.fleet import Fleet, NodeGroup, build_node
from commonpool.local.real.addresses import MOST_NODES

REAL_LABEL = "local.commonpool.dev/real"
POOL = "real"
RESOURCE = "nvidia.com/gpu"
COUNT = 8
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_GROUP = NodeGroup(
    name="real",
    pool=POOL,
    nodes=MOST_NODES,
    resources={"cpu": "1", "memory": "1Gi", "pods": "110", RESOURCE: str(COUNT)},
    labels={REAL_LABEL: "true", "kubernetes.io/arch": _MACHINES.get(platform.machine(), platform.machine())},
)


def build_real_node(number: int) -> Manifest:
    """Node 1 to `MOST_NODES` as the kubelet is to register it; its capacity is the kubelet's business."""
    return build_node(_GROUP, number - 1)


def name_node(number: int) -> str:
    """Its name, as a node and as a process."""
    return str(build_real_node(number)["metadata"]["name"])


def check_fleet(fleet: Fleet | None) -> None:
    """Refuse a fleet whose names would be those of real nodes."""
    if fleet and any(group.name == _GROUP.name for group in fleet.groups):
        raise UserError(f"the fleet has a group `{_GROUP.name}`, and real nodes are called so", hint="give that group another name")


def check_count(count: int) -> None:
    """Refuse a number of real nodes that there are no addresses for."""
    if not 0 <= count <= MOST_NODES:
        raise UserError(
            f"a cluster has `0` to `{MOST_NODES}` real nodes, not `{count}`", hint="fake nodes, of a fleet file, can be thousands"
        )
