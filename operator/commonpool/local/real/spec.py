"""What one real node is told: where its parts are on the machine, and what it is in the cluster."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from commonpool.local.real.addresses import find_address


class NodeSpec(BaseModel):
    """One node; all paths are the machine's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    number: int
    root: Path
    """Debian's packages; shared by all nodes, which write elsewhere."""
    binaries: Path
    """kubelet, kube-proxy and the device plugin."""
    images: tuple[Path, ...]
    disk: Path
    """The node's own folder."""
    logs: Path
    cgroup: str
    network_pid: int
    labels: dict[str, str]
    resource: str
    count: int
    """So many accelerators; 0 on the plain node."""

    @property
    def address(self) -> str:
        """Its address in the network of real nodes."""
        return find_address(self.number)

    @property
    def settings(self) -> Path:
        """What its daemons are configured with."""
        return self.disk / "etc"

    @property
    def booted(self) -> Path:
        """There as soon as its images are."""
        return self.settings / "booted"
