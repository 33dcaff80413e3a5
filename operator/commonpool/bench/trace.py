"""Recorded nodes and pods as Kubernetes objects, in the order of arrival of one seed."""

import csv
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from commonpool.errors import UserError

CARD_MILLI = 1000
WHOLE = "nvidia.com/gpu"
SHARED = "commonpool.dev/gpu-milli"
_PODS_PER_NODE = 1001


@dataclass(frozen=True, slots=True)
class TracedNode:
    """One node; names are in the order of the seed's ranks, so that ties fall as in the replay."""

    name: str
    resources: dict[str, str]
    cards: int


@dataclass(frozen=True, slots=True)
class TracedPod:
    """One arrival."""

    name: str
    cpu_milli: int
    memory_mib: int
    cards: int
    milli: int
    """Of each card."""

    @property
    def shared(self) -> bool:
        """Whether it wants a part of one card."""
        return self.cards == 1 and self.milli < CARD_MILLI

    @property
    def gpu_milli(self) -> int:
        """Of all its cards together."""
        return self.cards * self.milli


@dataclass(frozen=True, slots=True)
class Trace:
    """What one seed makes of the files."""

    nodes: tuple[TracedNode, ...]
    pods: tuple[TracedPod, ...]

    @property
    def capacity_milli(self) -> int:
        """All cards."""
        return sum(node.cards for node in self.nodes) * CARD_MILLI

    def resize(self, nodes: int, pods: int) -> "Trace":
        """Take as many of each, over and over again."""
        many = tuple(self.nodes[at % len(self.nodes)] for at in range(nodes))
        few = tuple(self.pods[at % len(self.pods)] for at in range(pods))
        return Trace(
            tuple(TracedNode(f"node-{at:05d}", node.resources, node.cards) for at, node in enumerate(many)),
            tuple(TracedPod(f"pod-{at:05d}", pod.cpu_milli, pod.memory_mib, pod.cards, pod.milli) for at, pod in enumerate(few)),
        )


def read_trace(program: Path, nodes: Path, pods: Path, seed: int) -> Trace:
    """Read both files, and have the replay's program say who comes when; UserError where it refuses."""
    answer = subprocess.run(
        [program, "-nodes", nodes, "-seeds", str(seed), "-orders", pods], capture_output=True, text=True, check=False, timeout=60
    )
    if answer.returncode:
        raise UserError(answer.stderr.strip().removeprefix("replay: "))
    order = json.loads(answer.stdout)
    named = sorted((row for row in _read_rows(nodes) if int(row["gpu"])), key=lambda row: row["sn"])
    listed = sorted(_read_rows(pods), key=lambda row: row["name"])
    if any(row.get("gpu_spec") for row in listed):
        raise UserError(f"`{pods}` asks for models of card, which this benchmark does not bring to the cluster")
    ranked = sorted(zip(order["ranks"], named, strict=True), key=lambda each: int(each[0]))
    return Trace(
        tuple(_parse_node(rank, row) for rank, row in ranked),
        tuple(_parse_pod(at, listed[index]) for at, index in enumerate(order["order"])),
    )


def build_asks(pod: TracedPod, *, pooled: bool) -> dict[str, str]:
    """What the pod asks for. Pooled: all accelerators as a sum of milli, the most that stock kube-scheduler can be told of parts."""
    asks = {"cpu": f"{pod.cpu_milli}m", "memory": f"{pod.memory_mib}Mi"}
    if pod.gpu_milli and (pooled or pod.shared):
        asks[SHARED] = str(pod.gpu_milli)
    elif pod.gpu_milli:
        asks[WHOLE] = str(pod.cards)
    return asks


def count_on_cards(cards: int, pods: Sequence[TracedPod]) -> int:
    """Milli of the node's pods that, in their order, find room on real cards: parts on the fullest that will do, others on free ones."""
    free, placed = [CARD_MILLI] * cards, 0
    for pod in pods:
        fitting = sorted((left, at) for at, left in enumerate(free) if left >= pod.milli)
        if pod.cards and len(fitting) >= pod.cards:
            placed += pod.gpu_milli
            for _, at in fitting[: pod.cards]:
                free[at] -= pod.milli
    return placed


def _read_rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _parse_node(rank: int, row: dict[str, str]) -> TracedNode:
    cards = int(row["gpu"])
    resources = {
        "cpu": f"{int(row['cpu_milli'])}m",
        "memory": f"{int(row['memory_mib'])}Mi",
        "pods": str(_PODS_PER_NODE),
        WHOLE: str(cards),
    }
    return TracedNode(f"node-{rank:05d}", resources, cards)


def _parse_pod(at: int, row: dict[str, str]) -> TracedPod:
    cards = int(row["num_gpu"])
    milli = min(max(int(row["gpu_milli"]), 0), CARD_MILLI) if cards else 0
    return TracedPod(f"pod-{at:05d}", int(row["cpu_milli"]), int(row["memory_mib"]), cards, milli)
