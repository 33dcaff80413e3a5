"""What should change, as data: each action with its reason."""

from dataclasses import dataclass

from commonpool.model.amounts import Amounts
from commonpool.model.ids import ChildKey, NodeName, PoolName, Seat, TenantName, WorkloadName
from commonpool.model.reasons import Reason


@dataclass(frozen=True, slots=True)
class Entry:
    """One pod's place."""

    seat: Seat
    node: NodeName


@dataclass(frozen=True, slots=True)
class Passed:
    """A pool that a workload likes better than the one where it was placed, and why that did not take it."""

    pool: PoolName
    reason: Reason


@dataclass(frozen=True, slots=True)
class Place:
    """Promise places to pods of a workload: one line of a Round."""

    workload: WorkloadName
    child: ChildKey
    tenant: TenantName
    pool: PoolName
    resource_name: str
    shape: Amounts
    entries: tuple[Entry, ...]
    """In the order of ranks, which is the order along the topology. All seats of one placement are of one sort: named, ranked or any."""
    why: Reason
    generation: int = 0
    passed: tuple[Passed, ...] = ()
    """Best first; of work that starts."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Let a workload wait, and say why."""

    workload: WorkloadName
    reason: Reason
    message: str
    """One sentence for the tenant; it names no other tenant."""
    nearest_change: str = ""
    """The nearest change that would start it, if one is known."""
    position: int = 0
    """Place in the queue of its tenant, from 1; 0 if it is not queued (it cannot start as it is)."""


@dataclass(frozen=True, slots=True)
class Shrink:
    """Take pods back from elastic work: it is told first, and keeps them until its grace is over."""

    workload: WorkloadName
    child: ChildKey
    keep: int
    """Pods that stay: those of the lowest ranks, of a service the oldest."""
    by_at: int
    """When the others go: now plus its grace, fixed when it is first told."""
    why: Reason
    message: str
    """One sentence for its tenant; it names no other tenant."""
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Evict:
    """Take all places of a workload back: it stops (its pods get their grace) and queues again, as old as it is."""

    workload: WorkloadName
    child: ChildKey
    why: Reason
    message: str
    """One sentence for its tenant; it names no other tenant."""
    generation: int = 0


@dataclass(frozen=True, slots=True)
class ScalePool:
    """Ask the provider of a pool's nodes for another number of them."""

    pool: PoolName
    nodes: int
    why: Reason
    message: str
    release: tuple[NodeName, ...] = ()
    """Empty nodes that are to go: nothing may be placed there any more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One round's decisions: `place` in the order decided, all others by name.

    Growing is a placement of further ranks of a workload that has begun, with the reason `Grew`.
    """

    epoch: int
    number: int
    place: tuple[Place, ...] = ()
    hold: tuple[Hold, ...] = ()
    shrink: tuple[Shrink, ...] = ()
    evict: tuple[Evict, ...] = ()
    scale: tuple[ScalePool, ...] = ()
    surplus: tuple[PoolName, ...] = ()
    """Pools with nodes that nothing needs now: they are given back once that has lasted."""
