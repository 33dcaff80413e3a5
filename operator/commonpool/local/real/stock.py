"""All that real nodes are made of, made if need be: programs, a root folder, images."""

from dataclasses import dataclass
from pathlib import Path

from commonpool.local.binaries import Binaries
from commonpool.local.real.debian import NODE, make_root
from commonpool.local.real.images import make_images


@dataclass(frozen=True, slots=True)
class Stock:
    """The same for all nodes of all clusters."""

    binaries: Path
    """Folder of kubelet, kube-proxy and the device plugin."""
    dns: Path
    root: Path
    images: tuple[Path, ...]


def make_stock(binaries: Binaries) -> Stock:
    """Milliseconds if all is there; else minutes, the longest part the kubelet."""
    programs = binaries.find("kubelet").parent
    return Stock(
        binaries=programs,
        dns=binaries.find("dns"),
        root=make_root(NODE, binaries.cache_dir, binaries.teller),
        images=tuple(make_images(programs, binaries.cache_dir, binaries.teller)),
    )
