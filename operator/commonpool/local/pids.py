"""Which process is ours: a pid alone is not proof, because the kernel gives numbers out again.

A process is known by its pid and the moment it started. Each also carries a mark in its environment, so that what a killed `up` started
and could not write down any more is found as well.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

MARK = "COMMONPOOL_LOCAL_CLUSTER"


@dataclass(frozen=True, slots=True)
class Identity:
    """A process that cannot be mistaken for another one."""

    pid: int
    started: str


def find_identity(pid: int) -> Identity | None:
    """Tell which process has this pid now; none if there is no such process or it is a zombie."""
    proc = Path("/proc")
    if not (proc / "self" / "stat").exists():
        return _find_identity_by_ps(pid)
    try:
        stat = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        boot = (proc / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the command's name may hold blanks and brackets
    state, started = fields[0], fields[19]
    return None if state in {"Z", "X"} else Identity(pid, f"{boot}/{started}")


def _find_identity_by_ps(pid: int) -> Identity | None:
    answer = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S607
    state, _, started = answer.stdout.strip().partition(" ")
    return Identity(pid, started.strip()) if started and not state.startswith("Z") else None


def write_pid(path: Path, identity: Identity) -> None:
    """Remember a process."""
    temporary = path.with_suffix(".new")
    temporary.write_text(f"{identity.pid} {identity.started}\n", encoding="ascii")
    temporary.replace(path)


def find_pid(path: Path) -> Identity | None:
    """Find the remembered process if it still runs. The file stays in any case: another program may be about to replace it."""
    try:
        pid, _, started = path.read_text(encoding="ascii").strip().partition(" ")
        remembered = Identity(int(pid), started)
    except (OSError, ValueError):
        return None
    reap(remembered.pid)
    return remembered if find_identity(remembered.pid) == remembered else None


def reap(pid: int) -> None:
    """Let a dead child of this very process go; anybody else's child is left alone."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def find_marked(mark: str) -> list[Identity]:
    """Find all processes of this user whose environment says they belong to `mark`, known or not; empty where there is no /proc."""
    needle = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if needle in environment.split(b"\0") and (identity := find_identity(int(folder.name))):
            found.append(identity)
    return found
