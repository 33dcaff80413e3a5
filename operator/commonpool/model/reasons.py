"""Why a thing is as it is: one word each, the same in plan, condition, event, metric label and CLI."""

from enum import StrEnum


class Reason(StrEnum):
    """A word a person reads in `kubectl get` and a program may match."""

    # why a placement was made (Round, Plan.place)
    WITHIN_GUARANTEE = "WithinGuarantee"
    BORROWED = "Borrowed"
    SHARED = "Shared"  # no GPUQuota speaks of it: the pool is open to all

    # why a workload waits (Plan.hold)
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

    # where a workload is on its way (conditions)
    QUEUED = "Queued"
    PLACED = "Placed"
    STARTING = "Starting"
    RUNNING = "Running"
    COMPLETED = "Completed"
    FAILED = "Failed"

    # how a pool, a tenant or a quota stands (condition Ready)
    READY = "Ready"
    NO_NODES = "NoNodes"
    NO_ACCELERATORS = "NoAccelerators"
    NAMESPACE_TAKEN = "NamespaceTaken"
    NAMESPACE_REFUSED = "NamespaceRefused"
    NAMESPACE_TERMINATING = "NamespaceTerminating"
    PARENT_NOT_FOUND = "ParentNotFound"
    PARENT_CIRCLE = "ParentCircle"
    TENANT_NOT_FOUND = "TenantNotFound"
    GUARANTEES_EXCEED_CAPACITY = "GuaranteesExceedCapacity"
    GUARANTEES_EXCEED_PARENT = "GuaranteesExceedParent"
