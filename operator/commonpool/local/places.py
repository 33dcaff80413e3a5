"""Where things are: the checkout with the bill of materials, the cache of binaries, a cluster's own folder."""

import re
from dataclasses import dataclass
from pathlib import Path

from commonpool.config import Settings
from commonpool.errors import SetupError, UserError

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Source:
    """A checkout of commonpool; the local control plane is built from it, a wheel has none of this."""

    root: Path

    @property
    def controlplane(self) -> Path:
        """The module whose tools are Kubernetes, etcd and KWOK."""
        return self.root / "local" / "controlplane"

    @property
    def node(self) -> Path:
        """The module of what a real node runs: kubelet, kube-proxy, and two small programs of ours."""
        return self.root / "local" / "node"

    @property
    def dns(self) -> Path:
        """The module of cluster DNS for real nodes."""
        return self.root / "local" / "dns"

    @property
    def helm(self) -> Path:
        """The module whose tool is helm."""
        return self.root / "local" / "helm"

    @property
    def prometheus(self) -> Path:
        """The module whose tools are Prometheus and promtool."""
        return self.root / "local" / "prometheus"

    @property
    def scheduler(self) -> Path:
        """Our own Go module."""
        return self.root / "scheduler"

    @property
    def bench_driver(self) -> Path:
        """The module of the program that makes a benchmark's load."""
        return self.root / "bench" / "driver"

    @property
    def chart(self) -> Path:
        """The chart that a real cluster gets too."""
        return self.root / "helm" / "commonpool"

    @property
    def fleets(self) -> Path:
        """The fleet files that come with it."""
        return self.root / "local" / "fleets"

    @property
    def stages(self) -> Path:
        """How fake nodes and their pods behave (KWOK)."""
        return self.root / "local" / "stages"

    @property
    def go_requirements(self) -> Path:
        """The pinned Go toolchain for machines that have none."""
        return self.root / "local" / "requirements-go.txt"


def find_source(settings: Settings) -> Source:
    """Find the checkout this package runs from, or the one the settings name."""
    root = settings.source or Path(__file__).resolve().parents[3]
    source = Source(root)
    if not (source.controlplane / "go.mod").is_file():
        raise SetupError(
            f"`{root}` is not a checkout of commonpool: it has no local/controlplane/go.mod",
            hint="the local control plane is built from source: clone the repository and run `make init` there, or set COMMONPOOL_SOURCE",
        )
    return source


@dataclass(frozen=True, slots=True)
class Places:
    """A cluster's folder. Everything in it is readable by its owner alone."""

    root: Path

    @property
    def name(self) -> str:
        """The cluster's name."""
        return self.root.name

    @property
    def pki(self) -> Path:
        """Keys and certificates."""
        return self.root / "pki"

    @property
    def logs(self) -> Path:
        """A file a process, and the audit log."""
        return self.root / "logs"

    @property
    def pids(self) -> Path:
        """A file a running process."""
        return self.root / "pids"

    @property
    def etcd(self) -> Path:
        """The cluster's data."""
        return self.root / "etcd"

    @property
    def tokens(self) -> Path:
        """Who may log in (the apiserver's static token file)."""
        return self.root / "tokens.csv"

    @property
    def kubeconfig(self) -> Path:
        """The admin's kubeconfig."""
        return self.root / "kubeconfig"

    @property
    def users(self) -> Path:
        """A kubeconfig a tenant's user and component."""
        return self.root / "users"

    @property
    def memory(self) -> Path:
        """What `up` must know the next time: ports, fleet, what is installed."""
        return self.root / "cluster.json"

    @property
    def audit_log(self) -> Path:
        """Every write to the API, a line each."""
        return self.logs / "audit.jsonl"

    @property
    def recordings(self) -> Path:
        """The operator's newest rounds, a file each, for `commonpool replay`."""
        return self.root / "recordings"

    def user_kubeconfig(self, user: str) -> Path:
        """The kubeconfig of one user."""
        return self.users / f"{user}.kubeconfig"

    def make(self) -> None:
        """Make the folders, closed to others."""
        for folder in (self.root, self.pki, self.logs, self.pids, self.users):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def find_places(settings: Settings, name: str) -> Places:
    """Find the folder of the cluster `name`, which need not exist yet."""
    if not _NAME.fullmatch(name):
        raise UserError(
            f"`{name}` cannot be a cluster's name",
            hint="use at most 40 lower case letters, digits and dashes, e.g. `default` or `my-cluster`",
        )
    return Places(settings.state_dir / name)
