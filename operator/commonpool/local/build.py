"""From the bill of materials to binaries: built once per content, kept in the user's cache folder, replaced atomically.

A folder of binaries is named by everything that went into it, so what is there is right, and a second start finds it in milliseconds.
"""

import hashlib
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from commonpool.local.gorun import run_go
from commonpool.local.gotool import Go
from commonpool.local.locks import hold_lock
from commonpool.local.places import Source
from commonpool.local.teller import Teller

_KEPT = 2  # folders of each kind: this one, and the one before for whoever goes back
_USED_SECONDS = 24 * 3600  # and those that were asked for since: a cluster may run from them
_VERSION = "-X k8s.io/component-base/version"
_KUBERNETES = f"-s -w {_VERSION}.gitVersion=v1.37.1 {_VERSION}.gitMajor=1 {_VERSION}.gitMinor=37"
_SOURCES = ("*.go", "*.c", "*.h")


_STALE = "{{if and .Stale (ne .StaleReason `not installed but available in build cache`)}}{{.ImportPath}}{{end}}"


@dataclass(frozen=True, slots=True)
class Target:
    """One `go build`: what, with which flags, to which file (or folder, with a slash) below the recipe's."""

    package: str
    flags: tuple[str, ...]
    output: str = ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is built together from one Go module. `cold` says how long it takes where nothing is compiled yet."""

    what: str
    folder: Path
    targets: tuple[Target, ...]
    sources: bool
    cold: str


def controlplane_recipe(source: Source) -> Recipe:
    """Kubernetes, etcd (its binary is called `server`) and KWOK."""
    target = Target("tool", ("-ldflags", _KUBERNETES))
    return Recipe("controlplane", source.controlplane, (target,), sources=False, cold="about 9 minutes on 2 cores, most of it Kubernetes")


def helm_recipe(source: Source) -> Recipe:
    """The helm command."""
    target = Target("tool", ("-ldflags", "-s -w"))
    return Recipe("helm", source.helm, (target,), sources=False, cold="about 2 minutes on 2 cores")


def prometheus_recipe(source: Source) -> Recipe:
    """Prometheus and promtool, which the tests ask what our metrics, alerts and dashboard are worth. Without clouds' service discovery."""
    target = Target("tool", ("-tags", "remove_all_sd,netgo", "-ldflags", "-s -w"))
    return Recipe("prometheus", source.prometheus, (target,), sources=False, cold="about 4 minutes on 2 cores")


def scheduler_recipe(source: Source) -> Recipe:
    """kube-scheduler with our plugin, and the packing engine as a C library."""
    targets = (
        Target("./cmd/kube-scheduler", ("-ldflags", _KUBERNETES), "kube-scheduler"),
        Target("./cmd/libpacking", ("-ldflags", "-s -w", "-buildmode=c-shared"), "libpacking.so"),
    )
    return Recipe("scheduler", source.scheduler, targets, sources=True, cold="about a minute once Kubernetes is compiled")


def stock_scheduler_recipe(source: Source) -> Recipe:
    """kube-scheduler as Kubernetes ships it, from the versions that ours is built from: what a benchmark compares with."""
    target = Target("k8s.io/kubernetes/cmd/kube-scheduler", ("-ldflags", _KUBERNETES), "stock-kube-scheduler")
    return Recipe("stock-scheduler", source.scheduler, (target,), sources=False, cold="about a minute once Kubernetes is compiled")


def bench_recipe(source: Source) -> Recipe:
    """What makes the load of a benchmark."""
    target = Target(".", ("-ldflags", "-s -w"), "bench-driver")
    return Recipe("bench", source.bench_driver, (target,), sources=True, cold="about a minute")


def node_recipe(source: Source) -> Recipe:
    """What a real node runs: kubelet, kube-proxy, a device plugin, and the program that holds a pod's namespaces."""
    targets = (
        Target("tool", ("-ldflags", _KUBERNETES)),
        Target("./cmd/accelerators", ("-ldflags", "-s -w")),
        Target("./cmd/pause", ("-ldflags", "-s -w -extldflags -static")),
    )
    return Recipe("node", source.node, targets, sources=True, cold="about 2 minutes on 2 cores once Kubernetes is compiled")


def dns_recipe(source: Source) -> Recipe:
    """Cluster DNS for real nodes."""
    return Recipe("dns", source.dns, (Target(".", ("-ldflags", "-s -w"), "dns"),), sources=True, cold="about a minute")


def replay_recipe(source: Source) -> Recipe:
    """What packs recorded pods with our policy and the published ones; it needs the standard library only."""
    target = Target("./cmd/replay", ("-ldflags", "-s -w"), "replay")
    return Recipe("replay", source.scheduler, (target,), sources=True, cold="seconds")


def compute_key(recipe: Recipe, go: Go) -> str:
    """Digest of all that decides what comes out: versions with their hashes, our sources, the arguments, the toolchain, the platform."""
    digest = hashlib.sha256()
    files = [recipe.folder / "go.mod", recipe.folder / "go.sum", *(_find_sources(recipe.folder) if recipe.sources else ())]
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(recipe.folder)} {len(content)}\n".encode() + content)
    digest.update(repr((recipe.targets, go.version, platform.system(), platform.machine())).encode())
    return digest.hexdigest()[:16]


def build(recipe: Recipe, go: Go, bin_dir: Path, teller: Teller) -> Path:
    """Return the folder with the recipe's binaries, building them if need be. Two builders wait for each other."""
    final = bin_dir / f"{recipe.what}-{compute_key(recipe, go)}"
    if final.is_dir():
        os.utime(final)
        return final
    with hold_lock(bin_dir / f".{recipe.what}.lock", f"builds {recipe.what}", teller):
        if not final.is_dir():
            _build_into(recipe, go, final, teller)
            _prune(bin_dir, recipe.what)
    return final


def _build_into(recipe: Recipe, go: Go, final: Path, teller: Teller) -> None:
    began = time.monotonic()
    teller.say(f"building {recipe.what}: {recipe.cold}, seconds if it was compiled before")
    for left_over in final.parent.glob(f".{recipe.what}-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(dir=final.parent, prefix=f".{recipe.what}-"))
    try:
        for target in recipe.targets:
            _build_target(recipe, go, target, f"{temporary}/{target.output}", teller)
        temporary.rename(final)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    teller.say(f"built {recipe.what} in {time.monotonic() - began:.0f} s")


def _build_target(recipe: Recipe, go: Go, target: Target, output: str, teller: Teller) -> None:
    downloaded = stale = compiled = 0

    def hear_list(line: str) -> None:
        nonlocal downloaded, stale
        if line.startswith("go: downloading"):
            downloaded += 1
            teller.advance(f"{recipe.what}: modules downloaded", downloaded, 0)
        elif line:
            stale += 1

    def hear_build(line: str) -> None:
        nonlocal compiled
        compiled += bool(line) and not line.startswith(("go: ", "#"))
        if compiled < stale:
            teller.advance(f"{recipe.what}: packages compiled", compiled, stale)
        else:
            teller.advance(f"{recipe.what}: linking", 0, 0)

    run_go(go, recipe.folder, ["list", "-deps", "-f", _STALE, *target.flags, target.package], hear_list)
    run_go(go, recipe.folder, ["build", "-v", "-buildvcs=false", *target.flags, "-o", output, target.package], hear_build)


def _find_sources(folder: Path) -> Iterable[Path]:
    found = {path for pattern in _SOURCES for path in folder.rglob(pattern)}
    return sorted(path for path in found if not path.name.endswith("_test.go"))


def _prune(bin_dir: Path, what: str) -> None:
    used_at = {folder: folder.stat().st_mtime for folder in bin_dir.glob(f"{what}-*")}
    for old in sorted(used_at, key=lambda folder: used_at[folder], reverse=True)[_KEPT:]:
        if used_at[old] < time.time() - _USED_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
