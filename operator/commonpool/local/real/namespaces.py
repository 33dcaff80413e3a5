"""The few system calls that make a node a machine of its own, which Python 3.11 does not have."""

import ctypes
import os
import signal
from pathlib import Path

MOUNTS = 0x00020000
CGROUPS = 0x02000000
NAMES = 0x04000000
MESSAGES = 0x08000000
PROCESSES = 0x20000000
NETWORK = 0x40000000
_PARENT_DEATH_SIGNAL = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def unshare(kinds: int) -> None:
    """Leave the namespaces of these kinds for new ones; with `PROCESSES` the next child is the new one's first process."""
    _check(_LIBC.unshare(kinds), "unshare")


def enter_network(descriptor: int) -> None:
    """Move the calling thread into the network namespace that the open file stands for."""
    _check(_LIBC.setns(descriptor, NETWORK), "setns")


def die_with_parent() -> None:
    """Let the kernel kill this process when its parent ends, also if that is killed itself."""
    _check(_LIBC.prctl(_PARENT_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0), "prctl")


def own_network() -> int:
    """Open the calling thread's network namespace."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def is_within(pid: int, parent: int) -> bool:
    """Whether a process lives in the process namespace that `parent` has made for its children, and dies with it."""
    try:
        theirs, ours, made = (
            Path(f"/proc/{who}/ns/{kind}").readlink() for who, kind in ((pid, "pid"), (parent, "pid"), (parent, "pid_for_children"))
        )
    except OSError:
        return False
    return theirs == made != ours


def _check(result: int, call: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
