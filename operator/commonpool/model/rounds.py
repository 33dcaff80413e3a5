"""A Round's gang lines as text, and what of them still stands (docs/architecture.md, Round).

The scheduler plugin reads the same text in Go (`scheduler/rounds`).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from commonpool.model.amounts import GPU_MILLI, Amounts
from commonpool.model.ids import ANY_SEAT, ChildKey, NodeName, PoolName, Seat, TenantName
from commonpool.model.plan import Entry, Place

_RUN = re.compile(r"^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)\*([1-9][0-9]*)$")
_RANGE = re.compile(r"^(0|[1-9][0-9]*)(?:-([1-9][0-9]*))?$")


@dataclass(frozen=True, slots=True)
class Line:
    """One gang of a Round."""

    child: ChildKey
    tenant: TenantName
    pool: PoolName
    resource_name: str
    shape: Amounts
    entries: tuple[Entry, ...]
    why: str


@dataclass(frozen=True, slots=True, order=True)
class RoundId:
    """Rounds are ordered by it: a newer one overrides an older one's entry of the same rank."""

    epoch: int
    number: int
    part: int

    @property
    def object_name(self) -> str:
        """`metadata.name` of the Round."""
        return f"r-{self.number:010d}-{self.part}"


@dataclass(frozen=True, slots=True)
class Round:
    """One part of a planning round as it stands in the cluster."""

    id: RoundId
    lines: tuple[Line, ...]


def build_line(place: Place) -> Line:
    """The gang line of one placement."""
    return Line(place.child, place.tenant, place.pool, place.resource_name, place.shape, place.entries, place.why)


def render_nodes(entries: Sequence[Entry]) -> str:
    """`node*n` for each run of pods on the same node."""
    return " ".join(f"{node}*{sum(1 for _ in run)}" for node, run in groupby(entries, key=lambda entry: entry.node))


def render_ranks(entries: Sequence[Entry]) -> str:
    """`0-3 7` where entries are promised by rank, else nothing."""
    spans: list[tuple[int, int]] = []
    for entry in entries:
        rank = entry.seat.rank
        if rank < 0 or entry.seat.pod:
            return ""
        if spans and spans[-1][1] + 1 == rank:
            spans[-1] = (spans[-1][0], rank)
        else:
            spans.append((rank, rank))
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


def render_pods(entries: Sequence[Entry]) -> str:
    """Pod names where entries are promised by name, else nothing."""
    return " ".join(entry.seat.pod for entry in entries if entry.seat.pod)


def render_request(shape: Amounts, resource_name: str) -> str:
    """One pod's promise: cpu in milli, memory in bytes, whole accelerators; sorted by name."""
    parts = {"cpu": f"{shape.cpu_milli}m", "memory": str(shape.memory_bytes), resource_name: str(shape.gpu_milli // GPU_MILLI)}
    return ",".join(f"{name}={amount}" for name, amount in sorted(parts.items()))


def parse_entries(nodes: str, ranks: str = "", pods: str = "") -> tuple[Entry, ...]:
    """The entries of a line; ValueError if its texts do not agree."""
    names: list[NodeName] = []
    for part in nodes.split():
        run = _RUN.match(part)
        if run is None:
            raise ValueError(f"`{part}` is not `node*count`")
        names += [NodeName(run[1])] * int(run[3])
    if ranks and pods:
        raise ValueError("a line names ranks or pods, not both")
    seats = [Seat(pod=pod) for pod in pods.split()] or list(_parse_ranks(ranks)) or [ANY_SEAT] * len(names)
    if len(seats) != len(names):
        raise ValueError(f"{len(names)} places for {len(seats)} pods")
    return tuple(Entry(seat, node) for seat, node in zip(seats, names, strict=True))


def _parse_ranks(ranks: str) -> Iterable[Seat]:
    for part in ranks.split():
        span = _RANGE.match(part)
        if span is None:
            raise ValueError(f"`{part}` is not a rank or `first-last`")
        for rank in range(int(span[1]), int(span[2] or span[1]) + 1):
            yield Seat(rank=rank)


def parse_request(request: str) -> tuple[str, Amounts]:
    """The accelerator resource and the amounts of one pod; ValueError if the text is not a promise."""
    parts = dict(part.split("=", 1) for part in request.split(","))
    cpu, memory = parts.pop("cpu", "0m"), parts.pop("memory", "0")
    if len(parts) != 1 or not cpu.endswith("m"):
        raise ValueError(f"`{request}` does not promise one kind of accelerator")
    [(resource_name, count)] = parts.items()
    return resource_name, Amounts(int(count) * GPU_MILLI, int(cpu[:-1]), int(memory), 1)


def split_parts(lines: Sequence[Line], most_lines: int = 2000, most_bytes: int = 256 * 1024) -> Iterable[tuple[Line, ...]]:
    """Cut a round into parts that the API takes; a line is never cut."""
    part: list[Line] = []
    size = 0
    for line in lines:
        cost = (
            200 + len(line.child.path) + len(render_nodes(line.entries)) + len(render_ranks(line.entries)) + len(render_pods(line.entries))
        )
        if part and (len(part) == most_lines or size + cost > most_bytes):
            yield tuple(part)
            part, size = [], 0
        part.append(line)
        size += cost
    if part:
        yield tuple(part)
