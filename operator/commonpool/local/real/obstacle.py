"""Whether this machine can have real nodes, or make what they run, told before anything is made."""

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from commonpool.errors import SetupError

_MAKERS = {"apt-get": "apt", "dpkg-deb": "dpkg", "tar": "tar"}
"""Programs that images are made with, and the packages that have them."""
_PROGRAMS = {
    **_MAKERS,
    "chroot": "coreutils",
    "mount": "mount",
    "pivot_root": "util-linux",
    "unshare": "util-linux",
    "nsenter": "util-linux",
}
_WAY_OUT = "`commonpool local up --real-nodes 0` goes on with fake nodes only"


def find_obstacle() -> str:
    """What stands in the way of real nodes, as a sentence; empty if nothing does."""
    if platform.system() != "Linux":
        return f"real nodes need Linux; this is {platform.system()}"
    if os.geteuid() != 0:
        return "real nodes need root: they have namespaces, mounts and cgroups of their own"
    if missing := _find_missing("real nodes are", _PROGRAMS):
        return missing
    if "\toverlay\n" not in Path("/proc/filesystems").read_text(encoding="ascii"):
        return "this kernel has no overlay file system, which containers need"
    answer = subprocess.run(
        ["unshare", "--mount", "--cgroup", "--net", "--pid", "--fork", "mount", "-t", "proc", "proc", "/proc"],  # noqa: S607 - util-linux
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        return f"this machine does not let us make namespaces (a container without rights?): {answer.stderr.strip()}"
    return ""


def find_maker_obstacle() -> str:
    """What stands in the way of making images, as a sentence; empty if nothing does."""
    if platform.system() != "Linux":
        return f"images are made on Linux; this is {platform.system()}"
    if os.geteuid() != 0:
        return "images are made as root: their files are root's"
    return _find_missing("images are", _MAKERS)


def _find_missing(what: str, programs: Mapping[str, str]) -> str:
    """containerd, runc and all else that a node runs is fetched, not asked for: what fetches it must be there."""
    missing = [program for program in programs if shutil.which(program) is None]
    if not missing:
        return ""
    named = ", ".join(f"`{program}`" for program in missing)
    sentence = f"{what} made of Debian's packages (unpacked, never installed), and this machine has no {named}"
    if "apt-get" in missing:
        return f"{sentence}: use one with Debian or a system that is made of it"
    return f"{sentence}: `apt-get install {' '.join(sorted({programs[program] for program in missing}))}` brings that"


def refuse_obstacle() -> None:
    """Raise what stands in the way of real nodes, with the way out."""
    if obstacle := find_obstacle():
        raise SetupError(obstacle, hint=_WAY_OUT)
