"""The real nodes as groups of the fleet: their names, labels, taint and accelerators; and one beside them without."""

import platform

from commonpool.errors import UserError
from commonpool.local.client import Manifest
from commonpool.local.fleet import Fleet, NodeGroup, build_node
from commonpool.local.real.addresses import MOST_NODES, PLAIN

REAL_LABEL = "local.commonpool.dev/real"
"""On all real nodes; `true` on those with accelerators, by which pools take them, `plain` on the other."""
POOL = "real"
RESOURCE = "nvidia.com/gpu"
COUNT = 8
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_ARCHITECTURE = {"kubernetes.io/arch": _MACHINES.get(platform.machine(), platform.machine())}
_EVERY_NODE = {"cpu": "1", "memory": "1Gi", "pods": "110"}
_GROUP = NodeGroup(
    name="real",
    pool=POOL,
    nodes=MOST_NODES,
    resources={**_EVERY_NODE, RESOURCE: str(COUNT)},
    labels={REAL_LABEL: "true", **_ARCHITECTURE},
)
_PLAIN_GROUP = NodeGroup(name="plain", nodes=1, resources=_EVERY_NODE, labels={REAL_LABEL: "plain", **_ARCHITECTURE})


def build_real_node(number: int) -> Manifest:
    """Node 1 to `PLAIN` as the kubelet is to register it; its capacity is the kubelet's business."""
    return build_node(_PLAIN_GROUP, 0) if number == PLAIN else build_node(_GROUP, number - 1)


def count_accelerators(number: int) -> int:
    """So many the node has."""
    return 0 if number == PLAIN else COUNT


def name_node(number: int) -> str:
    """Its name, as a node and as a process."""
    return str(build_real_node(number)["metadata"]["name"])


def check_fleet(fleet: Fleet | None) -> None:
    """Refuse a fleet whose names would be those of real nodes."""
    for name in (_GROUP.name, _PLAIN_GROUP.name):
        if fleet and any(group.name == name for group in fleet.groups):
            raise UserError(f"the fleet has a group `{name}`, and real nodes are called so", hint="give that group another name")


def check_count(count: int) -> None:
    """Refuse a number of real nodes that there are no addresses for."""
    if not 0 <= count <= MOST_NODES:
        raise UserError(
            f"a cluster has `0` to `{MOST_NODES}` real nodes, not `{count}`", hint="fake nodes, of a fleet file, can be thousands"
        )
