"""Ports on 127.0.0.1, kept over restarts as long as nobody else took them.

They lie below those that the kernel gives to connections: one that somebody opens while a server is away, to this very server perhaps,
would else get its port now and then, and the server could not come back.
"""

import random
import socket
import time
from itertools import islice
from pathlib import Path

_POLL_SECONDS = 0.05
_LOWEST = 10_000
_ASSUMED_END = 32_768
_OF_CONNECTIONS = Path("/proc/sys/net/ipv4/ip_local_port_range")


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def becomes_free(port: int, within_seconds: float) -> bool:
    """Wait until a server could listen there."""
    deadline = time.monotonic() + within_seconds
    while not is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def find_free_ports(count: int) -> list[int]:
    """Find `count` different ports that nobody listens on; `OSError` if there are not so many."""
    candidates = range(_LOWEST, _find_end())
    found = list(islice(filter(is_free, random.sample(candidates, len(candidates))), count))
    if len(found) < count:
        msg = f"fewer than {count} of the ports {candidates.start} to {candidates.stop - 1} are free"
        raise OSError(msg)
    return found


def _find_end() -> int:
    """The first port that connections may have; where those begin too low to leave any, all ports are as good."""
    try:
        lowest = int(_OF_CONNECTIONS.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        lowest = _ASSUMED_END
    return lowest if lowest > _LOWEST + 1000 else 65_536
