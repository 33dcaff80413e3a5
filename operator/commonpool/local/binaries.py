"""The binaries of the local control plane by what they are, each built when it is first asked for."""

from pathlib import Path

from commonpool.local.build import Recipe, build, controlplane_recipe, helm_recipe, scheduler_recipe
from commonpool.local.gotool import Go, find_go
from commonpool.local.places import Source
from commonpool.local.teller import Teller


class Binaries:
    """Builds on demand into the cache folder."""

    def __init__(self, source: Source, cache_dir: Path, teller: Teller) -> None:
        self.source = source
        self._cache_dir = cache_dir
        self._teller = teller
        self._go: Go | None = None
        self._folders: dict[str, Path] = {}

    def find(self, program: str) -> Path:
        """Return the program of that file name; the first call for its module may take minutes."""
        recipes = {
            "kube-scheduler": scheduler_recipe,
            "libpacking.so": scheduler_recipe,
            "helm": helm_recipe,
        }
        return self._build(recipes.get(program, controlplane_recipe)(self.source)) / program

    def build_all(self, *, pool: bool) -> None:
        """Build everything that a cluster needs, with or without commonpool itself."""
        self.find("kube-apiserver")
        if pool:
            self.find("helm")
            self.find("kube-scheduler")

    def _build(self, recipe: Recipe) -> Path:
        if recipe.what not in self._folders:
            self._go = self._go or find_go(self.source, self._cache_dir, self._teller)
            self._folders[recipe.what] = build(recipe, self._go, self._cache_dir / "bin", self._teller)
        return self._folders[recipe.what]
