"""Real nodes as processes of the local cluster: their network, cluster DNS, and the nodes."""

import datetime as dt
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import commonpool
from commonpool.errors import SetupError
from commonpool.local.client import Manifest
from commonpool.local.credentials import read_tokens, write_private
from commonpool.local.kubernetes import Builder
from commonpool.local.process import Process, find_running
from commonpool.local.real.addresses import API_PORT, DNS_PORT, DOMAIN, EGRESS_SOCKET, FABRIC, PLAIN, READY_PORT
from commonpool.local.real.cgroups import name_cgroup
from commonpool.local.real.credentials import build_kubeconfig, node_user
from commonpool.local.real.daemons import build_settings
from commonpool.local.real.group import RESOURCE, build_real_node, count_accelerators, name_node
from commonpool.local.real.rights import DNS_USER, NODES, PROXY_USER
from commonpool.local.real.spec import NodeSpec
from commonpool.local.real.stock import make_stock
from commonpool.local.site import Site

NETWORK = "network"
DNS = "dns"
_QUIET = {"PYTHONUNBUFFERED": "1"}


def build_network(site: Site) -> Process:
    """Put the switch together."""
    module = "commonpool.local.real.network"
    argv = [sys.executable, "-m", module, str(make_stock(site.binaries).root), str(site.memory.ports["apiserver"]), EGRESS_SOCKET]
    door = site.places.root / EGRESS_SOCKET
    return Process(NETWORK, argv, lambda: _reaches(door, FABRIC, API_PORT), _QUIET, reads=_find_sources())


def build_dns(site: Site) -> Process:
    """Put cluster DNS together: CoreDNS, in the network of real nodes."""
    folder = _make_folder(site, DNS)
    kubeconfig = folder / "kubeconfig"
    write_private(kubeconfig, build_kubeconfig(site.places, DNS_USER, read_tokens(site.places)[DNS_USER]))
    corefile = folder / "Corefile"
    write_private(corefile, _build_corefile(kubeconfig))
    argv = [
        *("nsenter", f"--net=/proc/{_find_network(site)}/ns/net"),
        *(str(make_stock(site.binaries).dns), "-conf", str(corefile)),
    ]
    door = site.places.root / EGRESS_SOCKET
    return Process(DNS, argv, lambda: _reaches(door, FABRIC, READY_PORT, "/ready"), reads=(kubeconfig, corefile))


def build_node(site: Site, number: int) -> Process:
    """Put a node together: all that it reads, and what starts it."""
    places, node = site.places, build_real_node(number)
    name = name_node(number)
    stock = make_stock(site.binaries)
    spec = NodeSpec(
        name=name,
        number=number,
        root=stock.root,
        binaries=stock.binaries,
        images=stock.images,
        disk=_make_folder(site, name),
        logs=places.logs,
        cgroup=f"{name_cgroup(places)}/{name}",
        network_pid=_find_network(site),
        labels=node["metadata"]["labels"],
        resource=RESOURCE,
        count=count_accelerators(number),
    )
    file = spec.disk / "node.json"
    write_private(file, spec.model_dump_json(indent=2))
    settings = _write_settings(site, spec, node["spec"]["taints"])
    argv = [sys.executable, "-m", "commonpool.local.real.node", str(file)]
    reads = (file, *settings, *_find_sources())
    return Process(name, argv, lambda: _is_ready(site, spec), _QUIET, reads, timeout_seconds=300)  # all nodes import their images at once


REAL: dict[str, Builder] = {
    NETWORK: build_network,
    DNS: build_dns,
    **{name_node(number): partial(build_node, number=number) for number in range(1, PLAIN + 1)},
}


def list_real(count: int) -> list[str]:
    """The processes that so many real nodes with accelerators take, and the plain node beside them, in the order in which they start."""
    return [NETWORK, DNS, *(name_node(number) for number in (*range(1, count + 1), PLAIN))] if count else []


def _write_settings(site: Site, spec: NodeSpec, taints: list[Manifest]) -> Sequence[Path]:
    places, tokens = site.places, read_tokens(site.places)
    texts = {
        **build_settings(spec, taints),
        "client-ca.crt": (places.pki / "kubelet-ca.crt").read_text(encoding="ascii"),
        "kubelet.kubeconfig": build_kubeconfig(places, node_user(spec.number), tokens[node_user(spec.number)]),
        "kube-proxy.kubeconfig": build_kubeconfig(places, PROXY_USER, tokens[PROXY_USER]),
    }
    for name, text in texts.items():
        (spec.settings / name).parent.mkdir(parents=True, exist_ok=True)
        write_private(spec.settings / name, text)
    return [spec.settings / name for name in texts]


def _is_ready(site: Site, spec: NodeSpec) -> bool:
    """Ready by the word of a kubelet of this boot, with all its accelerators."""
    try:
        booted = spec.booted.stat().st_mtime
        if booted < (site.places.pids / spec.name).stat().st_mtime:  # of an earlier boot
            return False
    except FileNotFoundError:
        return False
    since = dt.datetime.fromtimestamp(booted, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    node = site.client().find(f"{NODES}/{spec.name}") or {}
    status = node.get("status", {})
    return status.get("allocatable", {}).get(spec.resource, "0") == str(spec.count) and any(
        condition["type"] == "Ready" and condition["status"] == "True" and condition["lastHeartbeatTime"] >= since
        for condition in status.get("conditions", ())
    )


def _build_corefile(kubeconfig: Path) -> str:
    return f"""\
{DOMAIN}:{DNS_PORT} in-addr.arpa:{DNS_PORT} {{
    bind {FABRIC}
    errors
    ready {FABRIC}:{READY_PORT}
    kubernetes {DOMAIN} in-addr.arpa {{
        kubeconfig {kubeconfig}
        ttl 1
    }}
}}
"""


def _find_network(site: Site) -> int:
    identity = find_running(site.places, NETWORK)
    if identity is None:
        raise SetupError("the network of the real nodes does not run", hint="`commonpool local up` starts it, and them")
    return identity.pid


def _make_folder(site: Site, name: str) -> Path:
    folder = site.places.root / "real" / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _find_sources() -> list[Path]:
    return sorted(Path(commonpool.__file__).parent.joinpath("local", "real").glob("*.py"))


def _reaches(door: Path, host: str, port: int, path: str = "") -> bool:
    """Whether something inside serves there, asked through the apiserver's own door."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as connection, _open_folder(door.parent) as folder:
        connection.settimeout(2)
        connection.connect(f"/proc/self/fd/{folder}/{door.name}")  # the path itself may be too long for a socket
        connection.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\n\r\n".encode())
        if b" 200 " not in connection.recv(1024):
            return False
        if not path:
            return True
        connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        return b" 200 " in connection.recv(1024)
    return False


@contextmanager
def _open_folder(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
