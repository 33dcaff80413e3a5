"""Ports on 127.0.0.1 from the kernel, kept over restarts as long as nobody else took them."""

import socket
import time
from contextlib import ExitStack

_POLL_SECONDS = 0.05


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
    """Ask the kernel for `count` different ports that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in sockets:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in sockets]
