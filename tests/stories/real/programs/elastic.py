"""A training that really trains, in plain Python: elastic, by the contract of docs/children.md.

Rank 0 leads: in each step every rank computes the gradient of its own points, and rank 0 takes the mean of those that are there. Whenever
the world changes, rank 0 saves a checkpoint and goes on from what it can read back; a step in which a rank is lost is not done. Each line
of its output says one of the two.
"""

import json
import os
import queue
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

RANK = int(os.environ["COMMONPOOL_RANK"])
RESIZE = Path(os.environ["COMMONPOOL_RESIZE_FILE"])
ADDRESS = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
CHECKPOINT = Path("/tmp/checkpoint.json")  # noqa: S108 - in the container
RATE = 1e-4
STEP_SECONDS = 0.05


class Peer:
    """The other end of a connection: lines of JSON."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(30)
        self._connection = connection
        self._lines = connection.makefile("r")

    def say(self, value: object) -> None:
        self._connection.sendall(json.dumps(value).encode() + b"\n")

    def hear(self) -> Any:  # noqa: ANN401 - what JSON can say
        return json.loads(self._lines.readline())

    def close(self) -> None:
        self._connection.close()


def differ(weight: float, rank: int) -> tuple[float, float]:
    """Gradient and loss of y = 3 x at the points of this rank."""
    points = [1 + (rank + 8 * number) % 13 for number in range(50)]
    gradient = sum(2 * (weight * x - 3 * x) * x for x in points) / len(points)
    return gradient, sum((weight * x - 3 * x) ** 2 for x in points) / len(points)


def follow() -> NoReturn:
    while True:
        with suppress(OSError, ValueError), socket.create_connection(ADDRESS, timeout=2) as connection:
            leader = Peer(connection)
            leader.say(RANK)
            while True:
                leader.say(differ(leader.hear(), RANK))
        time.sleep(0.1)


def accept(joining: queue.SimpleQueue[tuple[int, Peer]]) -> NoReturn:
    with socket.create_server(("", ADDRESS[1])) as server:
        while True:
            peer = Peer(server.accept()[0])
            with suppress(OSError, ValueError):
                joining.put((peer.hear(), peer))


def lead() -> NoReturn:
    joining: queue.SimpleQueue[tuple[int, Peer]] = queue.SimpleQueue()
    threading.Thread(target=accept, args=(joining,), daemon=True).start()
    world: dict[int, Peer] = {}
    state: dict[str, Any] = {"step": 0, "weight": 0.0}
    told: int | None = None
    while True:
        before, told = (sorted(world), told), read_resize()
        while not joining.empty():
            rank, peer = joining.get()
            world[rank] = peer
        for rank in [rank for rank in world if told is not None and rank >= told]:
            world.pop(rank).close()
        if (sorted(world), told) != before:
            CHECKPOINT.write_text(json.dumps(state), encoding="utf-8")
            state = json.loads(CHECKPOINT.read_text(encoding="utf-8"))
            tell(saved=state["step"], world=1 + len(world), told=told)
        answers = [differ(state["weight"], RANK)]
        for rank, peer in list(world.items()):
            try:
                peer.say(state["weight"])
                answers.append(peer.hear())
            except (OSError, ValueError):
                world.pop(rank).close()
        if len(answers) == 1 + len(world):
            gradient, loss = (sum(column) / len(answers) for column in zip(*answers, strict=True))
            state = {"step": state["step"] + 1, "weight": state["weight"] - RATE * gradient}
            tell(step=state["step"], loss=loss, world=len(answers))
        time.sleep(STEP_SECONDS)


def read_resize() -> int | None:
    """The size that rank 0 was told to shrink to; none if it was not."""
    with suppress(OSError, ValueError):
        return int(json.loads(RESIZE.read_text(encoding="utf-8"))["replicas"])
    return None


def tell(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if RANK == 0:
        lead()
    follow()
