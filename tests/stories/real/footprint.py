"""What a cluster with real nodes could leave behind on the machine, and its processes as the machine sees them."""

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.stories.cluster import eventually
from tests.stories.story import PATIENCE_SECONDS

from commonpool.config import read_settings
from commonpool.local.client import Manifest
from commonpool.local.cluster import LocalCluster
from commonpool.local.pids import MARK, find_marked
from commonpool.local.real.boot import PART
from commonpool.local.real.cgroups import find_cgroups, name_cgroup
from commonpool.local.real.debian import NODE, make_root
from commonpool.local.teller import LogTeller

_FOLDERS = ("/etc/cni", "/opt/cni", "/run/cni", "/run/containerd", "/run/netns", "/var/lib/cni", "/var/lib/containerd", "/var/lib/kubelet")
_NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "uts")
_KERNEL = ("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "net/ipv4/ip_forward")


@dataclass(frozen=True)
class Footprint:
    """What can be seen of this machine that real nodes could change."""

    mounts: frozenset[str]
    links: frozenset[str]
    routes: frozenset[str]
    rules: frozenset[str]
    """What nftables and iptables have in the machine's own network namespace."""
    folders: frozenset[str]
    """Where container engines and kubelets keep their things, with what is in there."""
    namespaces: frozenset[str]
    cgroups: frozenset[str]
    kernel: tuple[str, ...]


def take_footprint(cluster: LocalCluster) -> Footprint:
    """Of this cluster's own: others may come and go beside it."""
    return Footprint(
        mounts=frozenset(Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()),
        links=frozenset(path.name for path in Path("/sys/class/net").iterdir()),
        routes=frozenset(Path("/proc/net/route").read_text(encoding="ascii").splitlines()),
        rules=frozenset(_read_rules()),
        folders=frozenset(str(path) for folder in _FOLDERS for path in (Path(folder), *Path(folder).glob("*")) if path.exists()),
        namespaces=frozenset(_read_namespaces(cluster)),
        cgroups=frozenset(map(str, find_cgroups(name_cgroup(cluster.places)))),
        kernel=tuple(Path("/proc/sys", name).read_text(encoding="ascii") for name in _KERNEL),
    )


def expect_nothing_left(cluster: LocalCluster, before: Footprint) -> None:
    """The kernel takes a dead node's namespaces back a moment later."""
    assert find_marked(str(cluster.places.root)) == []
    eventually(
        lambda: _subtract(take_footprint(cluster), before), within_seconds=PATIENCE_SECONDS, until=lambda left: not any(left.values())
    )
    assert take_footprint(cluster).kernel == before.kernel


def find_daemon(cluster: LocalCluster, node: str, daemon: str) -> int:
    """The process number of a node's daemon, as the machine counts; 0 if it does not run."""
    needle = f"{PART}={node}/{daemon}".encode()
    for identity in find_marked(str(cluster.places.root)):
        with suppress(OSError):  # it has just ended
            folder = Path("/proc", str(identity.pid))
            # What containerd starts has its environment too.
            if (folder / "comm").read_text(encoding="ascii").strip() == daemon and needle in (folder / "environ").read_bytes():
                return identity.pid
    return 0


def kill_daemon(cluster: LocalCluster, node: str, daemon: str) -> None:
    """SIGKILL, and wait until the node has started it again."""
    killed = eventually(lambda: find_daemon(cluster, node, daemon), within_seconds=PATIENCE_SECONDS)
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: find_daemon(cluster, node, daemon), within_seconds=PATIENCE_SECONDS, until=lambda pid: pid not in {0, killed})


def kill_container(pod: Manifest) -> None:
    """SIGKILL the first process of the pod's container, and with it all others in there."""
    os.kill(eventually(lambda: find_first(pod)), signal.SIGKILL)


def find_first(pod: Manifest) -> int:
    """The first process of the pod's container, as the machine counts; 0 if it does not run."""
    told = pod["status"].get("containerStatuses", ())
    identity = str(told[0].get("containerID", "")).rpartition("/")[2] if told else ""
    return _find_first(identity) if identity else 0


def _find_first(container: str) -> int:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            status = (folder / "status").read_text(encoding="utf-8")
            inside = next(line.split()[-1] for line in status.splitlines() if line.startswith("NSpid:"))
            if inside == "1" and container in (folder / "cgroup").read_text(encoding="utf-8"):
                return int(folder.name)
    return 0


def _read_rules() -> list[str]:
    """With the nodes' own `nft`: the machine may have none. What iptables' older half has registered stands in /proc."""
    root = make_root(NODE, read_settings().cache_dir, LogTeller())
    answer = subprocess.run(["chroot", root, "nft", "--stateless", "list", "ruleset"], capture_output=True, text=True, check=True)  # noqa: S607
    legacy = (Path("/proc/net", name) for name in ("ip_tables_names", "ip6_tables_names"))
    return [*answer.stdout.splitlines(), *(f"{file}: {file.read_text(encoding='ascii').split()}" for file in legacy if file.exists())]


def _read_namespaces(cluster: LocalCluster) -> set[str]:
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        for kind in _NAMESPACES:
            with suppress(OSError):
                if not _belongs_elsewhere(folder, cluster):
                    found.add(str((folder / "ns" / kind).readlink()))
    return found


def _belongs_elsewhere(process: Path, cluster: LocalCluster) -> bool:
    """Whether it is another local cluster's."""
    environment = (process / "environ").read_bytes().split(b"\0")
    marks = {word.partition(b"=")[2].decode() for word in environment if word.startswith(f"{MARK}=".encode())}
    names = {part for part in (process / "cgroup").read_text(encoding="utf-8").split("/") if part.startswith("commonpool-")}
    return bool(marks - {str(cluster.places.root)} or names - {name_cgroup(cluster.places)})


def _subtract(after: Footprint, before: Footprint) -> dict[str, frozenset[str]]:
    return {
        "mounts": after.mounts ^ before.mounts,
        "links": after.links ^ before.links,
        "routes": after.routes ^ before.routes,
        "rules": after.rules ^ before.rules,
        "folders": after.folders ^ before.folders,
        "namespaces": after.namespaces - before.namespaces,
        "cgroups": after.cgroups - before.cgroups,
    }
