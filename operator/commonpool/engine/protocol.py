"""The packing engine's face: what the planner hands in, and what it gets back.

Amounts are vectors of four integers: `gpu_milli`, `cpu_milli`, `memory_bytes`, `pods`. Nodes are indexes into the fleet.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias

if TYPE_CHECKING:
    from array import array
    from types import TracebackType

Amounts: TypeAlias = tuple[int, int, int, int]

AMOUNTS = 4
CLASS_FIELDS = AMOUNTS + 1
ANYWHERE = -1
NO_DOMAIN = -1

# With these bounds no sum or product of the engine leaves 64 bits, so the native one needs no check while it packs.
MAX_GPU_MILLI = 1 << 32
MAX_AMOUNT = 1 << 50
MAX_TOTAL_WEIGHT = 1 << 28
MAX_COUNT = 1 << 20
MAX_NODES = 1 << 24
MAX_LEVELS = 1 << 4
MAX_CLASSES = 1 << 16
MAX_SITES = 1 << 16
MAX_LOOKAHEAD = 1 << 11
"""So many pods (or segments) of a gang are shared out among domains exactly; what is beyond goes to the largest domains first."""

LIMITS: Amounts = (MAX_GPU_MILLI, MAX_AMOUNT, MAX_AMOUNT, MAX_AMOUNT)


class Fault(IntEnum):
    """Why the engine refuses a call: the negative results of the C face."""

    BAD_HANDLE = -1
    BAD_LENGTH = -2
    BAD_VALUE = -3
    OVERFLOW = -4
    PANIC = -5


@dataclass(frozen=True, slots=True)
class Fleet:
    """What there is to pack into, as flat 64-bit arrays (typecode `q`).

    `free` has four amounts a node; one may be negative (a node that lost a card under its pods) and then holds nothing more.
    `capacity` is the same with nothing running: it says what a whole domain is.
    `domains` has one row a level, widest level first, and in it each node's domain: 0 <= domain < number of nodes, or -1 for none.
    Levels are nested: nodes of one domain have the same domain (or none) at every wider level.
    `classes` is the mix of work to keep room for: four amounts and a weight each. Empty: plain best fit.
    """

    free: "array[int]"
    capacity: "array[int]"
    levels: int
    domains: "array[int]"
    classes: "array[int]"

    @property
    def nodes(self) -> int:
        """The number of nodes."""
        return len(self.free) // AMOUNTS


@dataclass(frozen=True, slots=True)
class GangRequest:
    """`count` equal pods, or at least `min_count` of them, and how they shall lie. Levels count from 0, the widest; -1: no such wish.

    `amounts` is what one pod needs; at least one of the four is above zero. 0 <= min_count <= count, 1 <= count.
    """

    amounts: Amounts
    min_count: int
    count: int
    level: int = ANYWHERE
    """All pods inside one domain of this level."""
    preferred: int = ANYWHERE
    """In as few domains as can be at each level from the widest down to this one, a wider level before a narrower one. Refuses nothing."""
    segment: int = 1
    """Each so many consecutive ranks (0.. `segment` - 1 and so on) inside one domain of `segment_level`; only whole segments are placed."""
    segment_level: int = ANYWHERE
    """`level` or narrower; -1 if and only if `segment` is 1."""
    spread_level: int = ANYWHERE
    """Equally many segments in each domain of this level that is used: narrower than `level`, not narrower than `segment_level`."""
    min_domains: int = 0
    """How many domains of `spread_level` are used at least; 1 or more with a `spread_level`, else 0."""
    max_skew: int = 0
    """By how many segments two used domains of `spread_level` may differ."""


@dataclass(frozen=True, slots=True)
class GangAnswer:
    """Where the pods went: one node index a pod, in the order of ranks; empty if the gang does not fit.

    The order is that of the topology: pods of one node are neighbours, then those of one domain, at every level. Where the fleet is
    sorted by topology the indexes ascend.
    `fit_count` is the most pods, capped at the request's `count`, that could have been placed with these wishes: what to tell who waits.
    """

    nodes: "array[int]"
    fit_count: int


class Packing(Protocol):
    """One fleet while it is being packed. Not for use by two threads at once. A call that raises has changed nothing."""

    def select(self, eligible: "array[int]") -> int:
        """Number a choice of nodes (strictly ascending indexes) for `place`; what depends on it is then known from call to call."""

    def place(self, request: GangRequest, site: int) -> GangAnswer:
        """Place the gang on some of the nodes of the site (see `select`) and take what it needs from them.

        Raises `EngineError` for what no caller should ask; "does not fit" is an answer.
        """

    def add(self, node: int, amounts: Amounts) -> None:
        """Give `amounts` back to a node, or take them where they are negative."""

    def close(self) -> None:
        """Forget the fleet. Closing twice does no harm; every other call on a closed packing raises `EngineError`."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None") -> None: ...


class Engine(Protocol):
    """A way of packing. All engines give the same answers, ties included."""

    name: str

    def open(self, fleet: Fleet) -> Packing:
        """Copy the fleet into a packing, once a round."""
