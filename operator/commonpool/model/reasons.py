"""Why a thing is as it is: one word each, the same in plan, condition, event, metric label and CLI."""

from enum import StrEnum


class Reason(StrEnum):
    """A word a person reads in `kubectl get` and a program may match."""

    # why a placement was made (Round, Plan.place)
    WITHIN_GUARANTEE = "WithinGuarantee"
    BORROWED = "Borrowed"
    SHARED = "Shared"  # no GPUQuota speaks of it: the pool is open to all

    GREW = "Grew"  # elastic work takes what is idle

    # why places are taken back, or nodes asked for (Plan.shrink, evict, scale)
    RECLAIMED_FOR_GUARANTEE = "ReclaimedForGuarantee"
    WORK_NEEDS_NODES = "WorkNeedsNodes"
    NODES_IDLE = "NodesIdle"
    BELOW_LEAST_NODES = "BelowLeastNodes"

    # why a workload waits (Plan.hold)
    WAITS_FOR_NODES = "WaitsForNodes"
    WAITS_FOR_RECLAIM = "WaitsForReclaim"  # others are giving back what this is guaranteed
    WAITS_FOR_MIN_RUNTIME = "WaitsForMinRuntime"  # others may keep that until they have run so long as they were promised
    QUOTA_REACHED = "QuotaReached"
    BORROWING_LIMIT_REACHED = "BorrowingLimitReached"
    RESERVED_FOR_OTHERS = "ReservedForOthers"
    INSUFFICIENT_CAPACITY = "InsufficientCapacity"
    TOPOLOGY_NOT_SATISFIABLE = "TopologyNotSatisfiable"
    GANG_LARGER_THAN_POOL = "GangLargerThanPool"
    POOL_NOT_FOUND = "PoolNotFound"
    POOL_NOT_OPEN = "PoolNotOpen"
    NO_POOL_MATCHES = "NoPoolMatches"
    NOT_A_TENANT = "NotATenant"
    PRIORITY_NOT_ALLOWED = "PriorityNotAllowed"
    NOT_SUPPORTED = "NotSupported"
    INVALID_SPEC = "InvalidSpec"
    SUSPENDED_BY_OWNER = "SuspendedByOwner"
    WAITS_FOR_START_TIME = "WaitsForStartTime"
    WAITS_FOR_OTHER = "WaitsForOther"
    CHILD_REFUSED = "ChildRefused"
    CANNOT_START = "CannotStart"  # it had places, and its pods could not take them; or has them, and a pod cannot start there
    PODS_MISSING = "PodsMissing"  # what makes its pods cannot

    # where a workload is on its way (conditions)
    QUEUED = "Queued"
    NO_PODS = "NoPods"  # the object that a tenant wrote asks for none, or none has been made of it
    PLACED = "Placed"
    STARTING = "Starting"
    RUNNING = "Running"
    SHRINKING = "Shrinking"
    EVICTED = "Evicted"
    COMPLETED = "Completed"
    FAILED = "Failed"

    # whether a service can follow its load, and a pool's provider does what it is asked for (conditions)
    LOAD_KNOWN = "LoadKnown"
    LOAD_UNKNOWN = "LoadUnknown"
    PROVIDER_ASKED = "ProviderAsked"
    PROVIDER_REFUSED = "ProviderRefused"

    # how a pool, a tenant or a quota stands (condition Ready)
    READY = "Ready"
    NO_NODES = "NoNodes"
    NO_ACCELERATORS = "NoAccelerators"
    NAMESPACE_TAKEN = "NamespaceTaken"
    NAMESPACE_REFUSED = "NamespaceRefused"
    NAMESPACE_TERMINATING = "NamespaceTerminating"
    COUNTED = "Counted"
    NOT_COUNTED = "NotCounted"
    PARENT_NOT_FOUND = "ParentNotFound"
    PARENT_CIRCLE = "ParentCircle"
    TENANT_NOT_FOUND = "TenantNotFound"
    GUARANTEES_EXCEED_CAPACITY = "GuaranteesExceedCapacity"
    GUARANTEES_EXCEED_PARENT = "GuaranteesExceedParent"


QUEUED_REASONS = (
    Reason.WAITS_FOR_RECLAIM,
    Reason.WAITS_FOR_NODES,
    Reason.WAITS_FOR_MIN_RUNTIME,
    Reason.INSUFFICIENT_CAPACITY,
    Reason.RESERVED_FOR_OTHERS,
    Reason.BORROWING_LIMIT_REACHED,
    Reason.QUOTA_REACHED,
)
"""What time or others can change. A workload that waits for one of these has a place in the queue; nearest to a start first."""

HOPELESS_REASONS = (Reason.TOPOLOGY_NOT_SATISFIABLE, Reason.GANG_LARGER_THAN_POOL)
"""What nobody but its owner, or an administrator, can change; nearest to a start first."""

_RANKS = {reason: rank for rank, reason in enumerate(dict.fromkeys((*QUEUED_REASONS, *HOPELESS_REASONS, *Reason)))}


def find_rank(reason: Reason) -> int:
    """How near to a start who waits for it is; 0 is nearest. Of those that no table ranks, the first in the enumeration."""
    return _RANKS[reason]
