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
from commonpool.model.ranks import parse_ranks, render_ranks

MOST_PODS = 1 << 17
"""In one line: far beyond the largest gang, and small enough that no text can exhaust memory."""

_RUN = re.compile(r"([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)\*([1-9][0-9]{0,9})")
_PART = re.compile(r"([^=,]+)=(0|[1-9][0-9]{0,18})(m?)")


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
    made_at: int = 0
    """When it was written, seconds since 1970; 0: it has not been."""


def build_line(place: Place) -> Line:
    """The gang line of one placement."""
    return Line(place.child, place.tenant, place.pool, place.resource_name, place.shape, place.entries, place.why)


def render_nodes(entries: Sequence[Entry]) -> str:
    """`node*n` for each run of pods on the same node."""
    return " ".join(f"{node}*{sum(1 for _ in run)}" for node, run in groupby(entries, key=lambda entry: entry.node))


def render_seats(entries: Sequence[Entry]) -> str:
    """`0-3 7` where entries are promised by rank, else nothing."""
    if any(entry.seat.rank < 0 or entry.seat.pod for entry in entries):
        return ""
    return render_ranks(entry.seat.rank for entry in entries)


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
        run = _RUN.fullmatch(part)
        if run is None:
            raise ValueError(f"`{part}` is not `node*count`")
        if int(run[2]) > MOST_PODS - len(names):
            raise ValueError(f"more than {MOST_PODS} pods in one line")
        names += [NodeName(run[1])] * int(run[2])
    if not names:
        raise ValueError("no node is named")
    if ranks and pods:
        raise ValueError("a line names ranks or pods, not both")
    seats = [Seat(pod=pod) for pod in pods.split()] or [Seat(rank=rank) for rank in parse_ranks(ranks, len(names))]
    seats = seats or [ANY_SEAT] * len(names)
    if len(seats) != len(names):
        raise ValueError(f"{len(names)} places for {len(seats)} pods")
    if seats[0] != ANY_SEAT and len(set(seats)) < len(seats):
        raise ValueError("a pod is named twice")
    return tuple(Entry(seat, node) for seat, node in zip(seats, names, strict=True))


def parse_request(request: str) -> tuple[str, Amounts]:
    """The accelerator resource and the amounts of one pod; ValueError if the text is not a promise of one kind of accelerator."""
    amounts: dict[str, int] = {}
    for text in request.split(","):
        part = _PART.fullmatch(text)
        if part is None or (part[1] == "cpu") != bool(part[3]):
            raise ValueError(f"`{text}` is not `resource=amount`")
        if part[1] in amounts:
            raise ValueError(f"`{part[1]}` is promised twice")
        amounts[part[1]] = int(part[2])
    cpu, memory = amounts.pop("cpu", 0), amounts.pop("memory", 0)
    if len(amounts) != 1 or 0 in amounts.values():
        raise ValueError(f"`{request}` does not promise one kind of accelerator")
    [(resource_name, count)] = amounts.items()
    return resource_name, Amounts(count * GPU_MILLI, cpu, memory, 1)


def split_parts(lines: Sequence[Line], most_lines: int = 2000, most_bytes: int = 256 * 1024) -> Iterable[tuple[Line, ...]]:
    """Cut a round into parts that the API takes. Lines of one key that stand together stay together: a gang is written at once."""
    part: list[Line] = []
    size = 0
    for _, group in groupby(lines, key=lambda line: line.child):
        gang = list(group)
        cost = sum(_count_bytes(line) for line in gang)
        if part and (len(part) + len(gang) > most_lines or size + cost > most_bytes):
            yield tuple(part)
            part, size = [], 0
        part += gang
        size += cost
    if part:
        yield tuple(part)


def _count_bytes(line: Line) -> int:
    """About what a line takes as JSON."""
    texts = (line.child.path, render_nodes(line.entries), render_seats(line.entries), render_pods(line.entries))
    return 200 + sum(len(text) for text in texts)
