"""`python -m commonpool.local.real.node SPEC`: one real node. This process stays outside, plugs the node in and waits for it.

When it ends, by whatever signal, the kernel kills the node's first process, and with that one all others in the node.
"""

import os
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType

from commonpool.local.real.addresses import FABRIC, PREFIX, build_routes
from commonpool.local.real.boot import boot
from commonpool.local.real.cgroups import enter_cgroup, make_room, remove_cgroup
from commonpool.local.real.iproute import run_ip
from commonpool.local.real.namespaces import (
    CGROUPS,
    MESSAGES,
    MOUNTS,
    NAMES,
    NETWORK,
    PROCESSES,
    die_with_parent,
    enter_network,
    own_network,
    unshare,
)
from commonpool.local.real.network import BRIDGE
from commonpool.local.real.spec import NodeSpec


def main() -> None:
    """Make the node's namespaces, start its first process in them, and end with it."""
    spec = NodeSpec.model_validate_json(Path(sys.argv[1]).read_bytes())
    begin_anew(spec)
    enter_cgroup(spec.cgroup)
    fabric = os.open(f"/proc/{spec.network_pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    unshare(MOUNTS | CGROUPS | NAMES | MESSAGES | NETWORK)
    make_room(spec.cgroup)
    _plug_in(spec, fabric)
    unshare(PROCESSES)
    first = os.fork()
    if first == 0:
        die_with_parent()
        boot(spec)

    def end(number: int, _frame: FrameType | None) -> None:
        os.kill(first, number)

    signal.signal(signal.SIGTERM, end)
    _, status = os.waitpid(first, 0)
    sys.exit(os.waitstatus_to_exitcode(status) != 0)


def begin_anew(spec: NodeSpec) -> None:
    """A node starts as a machine does after the power was cut: with its images, and nothing that ran."""
    remove_cgroup(spec.cgroup)  # what is killed writes until it is dead; and in version 2 nobody enters one that has others below it
    spec.booted.unlink(missing_ok=True)
    for part in ("upper", "work", "kubelet"):
        shutil.rmtree(spec.disk / part, ignore_errors=True)
    for part in ("upper", "work", "root", "kubelet", "containerd"):
        (spec.disk / part).mkdir(parents=True, exist_ok=True)


def _plug_in(spec: NodeSpec, fabric: int) -> None:
    """Lay a cable from the node to the switch; it goes with whichever end goes first."""
    port = f"p{spec.number}-{os.getpid()}"  # the kernel takes its time to remove the one before
    run_ip(
        spec.root,
        [
            "link set lo up",
            f"link add eth0 type veth peer name {port} netns {spec.network_pid}",
            f"addr add {spec.address}/{PREFIX} dev eth0",
            "link set eth0 up",
            f"route add default via {FABRIC}",
            *build_routes(spec.number),
        ],
    )
    node = own_network()
    enter_network(fabric)
    run_ip(spec.root, [f"link set {port} master {BRIDGE} up"])
    enter_network(node)


if __name__ == "__main__":
    main()
