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
class Plan:
    """One round's decisions: `place` in the order decided, `hold` by workload name."""

    epoch: int
    number: int
    place: tuple[Place, ...] = ()
    hold: tuple[Hold, ...] = ()
