"""Every metric of the operator: its name, its labels and what it means.

The operator measures by this table (`live.metrics`), the reference is made from it (`telemetry.reference`), and the
dashboard may ask for nothing else (`telemetry.dashboard`).

Labels are bounded by what admins make: pools, tenants, quota lines, and words of ours. Never a workload, a pod, a node
or a namespace: a tenant could make as many of those as it likes.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Prometheus' own words."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


_QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_PATIENT = (1, 5, 15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600, 72 * 3600)


@dataclass(frozen=True, slots=True)
class Instrument:
    """One metric."""

    name: str
    """As Prometheus shows it."""
    kind: Kind
    help: str
    """A sentence without its full stop."""
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram's buckets."""


def _gauge(name: str, meaning: str, *labels: str) -> Instrument:
    return Instrument(f"commonpool_{name}", Kind.GAUGE, meaning, labels)


def _counter(name: str, meaning: str, *labels: str) -> Instrument:
    return Instrument(f"commonpool_{name}_total", Kind.COUNTER, meaning, labels)


def _histogram(name: str, meaning: str, *labels: str, buckets: tuple[float, ...] = _QUICK) -> Instrument:
    return Instrument(f"commonpool_{name}_seconds", Kind.HISTOGRAM, meaning, labels, buckets)


# -- who leads
LEADER = _gauge("leader", "1 while this process leads, else 0")
LEADER_EPOCH = _gauge("leader_epoch", "Epoch in which this process leads; 0 while it stands by")
BUILD_INFO = _gauge("build_info", "Always 1; which version runs, and which packing engine", "version", "engine")

# -- what there is and who holds it: the leader's last round
POOL_CAPACITY = _gauge("pool_capacity_accelerators", "Accelerators of a pool's nodes", "pool")
POOL_ACCELERATORS = _gauge(
    "pool_accelerators",
    "Accelerators of a pool by state: bound (a pod has it), promised (its pod is on the way), foreign (of pods outside the pool's queue),"
    " free, unhealthy (idle, on a node that takes no pods)",
    "pool",
    "state",
)
POOL_LARGEST_GANG = _gauge("pool_largest_gang_accelerators", "Free accelerators on nodes that are free as a whole", "pool")
POOL_NODES = _gauge("pool_nodes", "Nodes of a pool by state: schedulable, unschedulable, releasing (they are to go)", "pool", "state")
POOL_WANTED_NODES = _gauge("pool_wanted_nodes", "Nodes that the provider of a pool with scaling has been asked for", "pool")
TENANT_ACCELERATORS = _gauge(
    "tenant_accelerators", "Accelerators that a tenant itself holds, without those of tenants below it, by state", "tenant", "pool", "state"
)
HOLDING_WORKLOADS = _gauge("holding_workloads", "Workloads that hold accelerators", "tenant")
WAITING_WORKLOADS = _gauge("waiting_workloads", "Workloads that wait, by the reason that their tenant is told", "tenant", "reason")
WAITING_ACCELERATORS = _gauge("waiting_accelerators", "Accelerators that waiting workloads ask for", "tenant", "reason")
OLDEST_WAITING = _gauge(
    "oldest_waiting_timestamp_seconds", "Since when what has waited longest could have run; what can never start is not counted", "tenant"
)
_LINE = ("tenant", "pools", "unit")
QUOTA_GUARANTEED = _gauge("quota_guaranteed_accelerators", "What a quota line guarantees; `unit` accelerator or reference", *_LINE)
QUOTA_LIMIT = _gauge("quota_limit_accelerators", "What a quota line allows at most; absent: no limit", *_LINE)
QUOTA_USED = _gauge("quota_used_accelerators", "What counts against a quota line: held or promised, tenants below included", *_LINE)
QUOTA_BORROWED = _gauge("quota_borrowed_accelerators", "Of what is used, beyond the guarantee", *_LINE)
QUOTA_LENT = _gauge("quota_lent_accelerators", "Of the unused guarantee, what others hold now", *_LINE)
SNAPSHOT_OBJECTS = _gauge("snapshot_objects", "Size of what the last round looked at: nodes, workloads, places held", "kind")

# -- what is decided
ROUNDS = _counter("rounds", "Planning rounds by outcome: moved (something was decided) or still", "outcome")
ROUND_SECONDS = _histogram("round_duration", "One round, from reading the mirror to the last write")
ROUND_PART_SECONDS = _histogram("round_part_duration", "Parts of a round: read (the mirror), plan, apply (all writes)", "part")
DECISION_SECONDS = _histogram(
    "decision_latency", "From the first change that a round answers to its decisions being written; rounds that decided nothing not counted"
)
ACTIONS = _counter("actions", "Decisions by kind: place, hold (a new reason to wait), grow, shrink, evict, scale", "action", "reason")
PLACED_PODS = _counter("placed_pods", "Pods promised a place", "pool", "reason")
SHRUNK_WORKLOADS = _counter("shrunk_workloads", "Workloads told to give pods back, by rule", "tenant", "reason")
EVICTED_WORKLOADS = _counter("evicted_workloads", "Workloads that lost all their places, by rule", "tenant", "reason")
WAIT_SECONDS = _histogram("wait_duration", "From when a workload could have run to the promise of its places", "pool", buckets=_PATIENT)
ACCELERATOR_SECONDS = _counter(
    "tenant_accelerator_seconds",
    "Accelerators held times the seconds for which they were, while a leader looked; what is billed is in the objects' status",
    "tenant",
    "pool",
)

# -- how the cluster takes it
FAILED_WRITES = _counter("failed_writes", "Writes that a round could not do and the next tries again, by kind of object", "subject")
API_REQUESTS = _counter("apiserver_requests", "Requests to the apiserver; code `none`: no answer", "method", "code")
API_SECONDS = _histogram("apiserver_request_duration", "From a request to the beginning of its answer; WATCH: until it is open", "method")

# -- how it follows the cluster: nodes, pods, what makes pods, Rounds
WATCH_LISTS = _counter(
    "watch_lists", "Whole lists that were read; one each at the start, then only where a watch has missed too much", "resource"
)
WATCH_EVENTS = _counter("watch_events", "Changes that a watch told", "resource")
WATCH_FAILURES = _counter("watch_failures", "Lists and watches that failed and were tried again", "resource")
UNREADABLE_OBJECTS = _gauge("unreadable_objects", "Objects that cannot be read as they are now, and are planned without", "resource")

INSTRUMENTS = tuple(value for value in list(globals().values()) if isinstance(value, Instrument))
"""All of them, in the order of this file."""
