"""The programs of the local control plane by name, each built when it is first asked for."""

from pathlib import Path

from commonpool.errors import UserError
from commonpool.local.build import (
    Recipe,
    bench_recipe,
    build,
    controlplane_recipe,
    dns_recipe,
    helm_recipe,
    node_recipe,
    prometheus_recipe,
    replay_recipe,
    scheduler_recipe,
    stock_scheduler_recipe,
)
from commonpool.local.gotool import Go, find_go
from commonpool.local.places import Source
from commonpool.local.teller import Teller

_RECIPES = {
    "server": controlplane_recipe,  # etcd
    "kube-apiserver": controlplane_recipe,
    "kube-controller-manager": controlplane_recipe,
    "kwok": controlplane_recipe,
    "helm": helm_recipe,
    "prometheus": prometheus_recipe,
    "promtool": prometheus_recipe,
    "kube-scheduler": scheduler_recipe,
    "libpacking.so": scheduler_recipe,
    "kubelet": node_recipe,
    "kube-proxy": node_recipe,
    "dns": dns_recipe,
    "bench-driver": bench_recipe,
    "replay": replay_recipe,
    "stock-kube-scheduler": stock_scheduler_recipe,
}
PROGRAMS = ("go", *_RECIPES)


class Binaries:
    """Builds on demand into the cache folder, and remembers for its lifetime where things are."""

    def __init__(self, source: Source, cache_dir: Path, teller: Teller) -> None:
        self.source = source
        self.cache_dir = cache_dir
        self.teller = teller
        self._go: Go | None = None
        self._folders: dict[str, Path] = {}

    def find(self, program: str) -> Path:
        """Return the path of one of `PROGRAMS`; the first call for its module may take minutes."""
        if program == "go":
            return self._find_go().command
        if program not in _RECIPES:
            raise UserError(f"there is no program `{program}`", hint=f"there are {', '.join(PROGRAMS)}")
        return self._build(_RECIPES[program](self.source)) / program

    def build_all(self, *, pool: bool) -> None:
        """Build everything that a cluster of fake nodes needs, with or without commonpool itself."""
        self.find("kube-apiserver")
        if pool:
            self.find("helm")
            self.find("kube-scheduler")

    def _find_go(self) -> Go:
        self._go = self._go or find_go(self.source, self.cache_dir, self.teller)
        return self._go

    def _build(self, recipe: Recipe) -> Path:
        if recipe.what not in self._folders:
            self._folders[recipe.what] = build(recipe, self._find_go(), self.cache_dir / "bin", self.teller)
        return self._folders[recipe.what]
