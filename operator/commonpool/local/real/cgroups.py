"""A node's cgroups: made under one name that is the cluster's alone, removed when its processes are gone."""

import errno
import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from commonpool.errors import SetupError
from commonpool.local.places import Places
from commonpool.local.waiting import wait_until

_MOUNTS = Path("/proc/self/mounts")
_PATIENCE_SECONDS = 30
_INNER = "init"
_COPIED = ("cpuset.cpus", "cpuset.mems")  # a new cpuset has none and takes no process (cgroup v1)


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """One mounted cgroup tree of this machine; version 1 has several, version 2 has one."""

    kind: str
    folder: Path
    options: str


def find_hierarchies(mounts: Path = _MOUNTS) -> list[Hierarchy]:
    """Find all cgroup trees, none where there are no cgroups; of version 1 the options say which controllers a tree is for."""
    found = []
    for line in mounts.read_text(encoding="utf-8").splitlines() if mounts.exists() else ():
        _, folder, kind, options, *_ = line.split()
        if kind in {"cgroup", "cgroup2"}:
            controllers = ",".join(word for word in options.split(",") if word not in {"rw", "ro", "relatime", "nosuid", "nodev", "noexec"})
            found.append(Hierarchy(kind, Path(folder), controllers if kind == "cgroup" else ""))
    return found


def name_cgroup(places: Places) -> str:
    """The cluster's own cgroup: two clusters of one name in different state folders have different ones."""
    return f"commonpool-{hashlib.sha256(str(places.root).encode()).hexdigest()[:12]}"


def enter_cgroup(name: str) -> None:
    """Put the calling process into the cgroup `name` of every tree, made if need be."""
    for hierarchy in find_hierarchies():
        folder = hierarchy.folder
        for part in Path(name).parts:
            parent, folder = folder, folder / part
            folder.mkdir(exist_ok=True)
            if hierarchy.kind == "cgroup2":
                _pass_on(parent)
            for file in _COPIED:
                if hierarchy.kind == "cgroup" and (folder / file).exists() and not (folder / file).read_text(encoding="ascii").strip():
                    (folder / file).write_text((parent / file).read_text(encoding="ascii"), encoding="ascii")
        (folder / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")


def make_room(name: str) -> None:
    """Let the cgroup `name`, which the caller is in, have others below it.

    In version 2 one that passes controllers on has no processes of its own: the caller, and who comes from it, moves to one below.
    """
    for hierarchy in find_hierarchies():
        if hierarchy.kind == "cgroup2":
            inner = hierarchy.folder / name / _INNER
            inner.mkdir(exist_ok=True)
            (inner / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
            _pass_on(inner.parent)


def _pass_on(folder: Path) -> None:
    """Version 2: let those below have every controller that this one has. One that a machine keeps to itself limits no pod."""
    passed = (folder / "cgroup.subtree_control").read_text(encoding="ascii").split()
    for controller in (folder / "cgroup.controllers").read_text(encoding="ascii").split():
        if controller not in passed:
            with suppress(OSError):
                (folder / "cgroup.subtree_control").write_text(f"+{controller}", encoding="ascii")


def find_cgroups(name: str) -> list[Path]:
    """All cgroups of that name and below, the innermost first."""
    tops = [hierarchy.folder / name for hierarchy in find_hierarchies()]
    return [Path(folder) for top in tops for folder, _, _ in os.walk(top, topdown=False)]


def remove_cgroup(name: str) -> None:
    """Remove it with all below it, as soon as the processes in it are gone."""

    def removed() -> bool:
        for folder in find_cgroups(name):
            with suppress(FileNotFoundError):
                try:
                    folder.rmdir()
                except OSError as error:
                    if error.errno != errno.EBUSY:
                        raise
        return not find_cgroups(name)

    try:
        wait_until(removed, f"the cgroups `{name}` are gone", _PATIENCE_SECONDS)
    except SetupError as error:
        raise SetupError(error.message, hint="a process still runs in one of them: see cgroup.procs there") from error
