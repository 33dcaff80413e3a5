"""Whether this machine can have real nodes, told before anything is made."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

from commonpool.errors import SetupError

_PROGRAMS = ("apt-get", "dpkg-deb", "tar", "chroot", "mount", "pivot_root", "unshare", "nsenter")
_WAY_OUT = "`commonpool local up --real-nodes 0` goes on with fake nodes only"


def find_obstacle() -> str:
    """What stands in the way, as a sentence; empty if nothing does."""
    if platform.system() != "Linux":
        return f"real nodes need Linux; this is {platform.system()}"
    if os.geteuid() != 0:
        return "real nodes need root: they have namespaces, mounts and cgroups of their own"
    missing = [program for program in _PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"real nodes are made of Debian's packages, and `{missing[0]}` is not on this machine"
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


def refuse_obstacle() -> None:
    """Raise what stands in the way, with the way out."""
    if obstacle := find_obstacle():
        raise SetupError(obstacle, hint=_WAY_OUT)
