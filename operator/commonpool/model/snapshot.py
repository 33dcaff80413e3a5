"""Everything a decision may look at, `now` included, frozen.

`build_snapshot` sorts every part by its unique key: equal facts make equal snapshots,
in whatever order they were read.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from commonpool.model.amounts import NOTHING, Amounts
from commonpool.model.ids import ChildKey, NodeName, PoolName, Seat, TenantName, WorkloadName
from commonpool.model.reasons import Reason


@dataclass(frozen=True, slots=True)
class Scaling:
    """How many nodes a pool may have, and what one more would be."""

    least_nodes: int
    most_nodes: int
    wanted_nodes: int
    """What its provider has been asked for last."""
    node: Amounts
    """What a new node gives to pods."""
    cooldown_seconds: int = 600
    """So long nodes must have been surplus before they are given back."""
    surplus_since_at: int = 0
    """Since when it has had nodes that nothing needs; 0: it has none."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Nodes that carry one kind of accelerator."""

    name: PoolName
    resource_name: str
    """The extended resource that pods ask for, e.g. `nvidia.com/gpu`."""
    memory_bytes: int = 0
    """Memory of one accelerator; 0 if nobody said."""
    speed_gflops: tuple[tuple[str, int], ...] = ()
    """Dense GFLOP/s of one accelerator by precision, sorted by precision."""
    reference_milli: int = 1000
    """What one accelerator counts in quotas of unit `reference`, in thousandths of a reference accelerator."""
    topology: tuple[str, ...] = ()
    """Node labels of the topology levels, widest first."""
    open_to_all: bool = True
    group_size: int = 1
    """Accelerators that are given out together only: a pod asks for a multiple of it."""
    scaling: Scaling | None = None
    """None: its nodes are what they are."""
    price_micro_per_hour: int = 0
    """Price of one accelerator for one hour in millionths of `currency`."""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a pool. Nodes in no pool are not in a snapshot."""

    name: NodeName
    pool: PoolName
    capacity: Amounts
    """What the node can give to pods (allocatable)."""
    foreign: Amounts = NOTHING
    """What pods outside every workload hold there (daemons, admins)."""
    domains: tuple[str, ...] = ()
    """Its domain at each of its pool's topology levels: the label values from the widest level down, joined by `/`;
    empty text where a label is missing."""
    labels: tuple[tuple[str, str], ...] = ()
    """Only the labels that some workload's node selector asks for, sorted."""
    schedulable: bool = True
    releasing: bool = False
    """Given back: its provider takes it away."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """Who uses the pool."""

    name: TenantName
    parent: TenantName | None = None
    weight: int = 1
    priority_classes: tuple[str, ...] = ()
    """Priority classes its workloads may name, sorted; none named, none allowed but the default."""


@dataclass(frozen=True, slots=True)
class QuotaLine:
    """What a tenant and all its descendants may hold in some pools, counted together.

    All amounts are thousandths of the line's unit (an accelerator, or a reference accelerator).
    """

    tenant: TenantName
    pools: tuple[PoolName, ...]
    weights_milli: tuple[int, ...]
    """What one accelerator of each pool counts in this line, thousandths; same order as `pools`."""
    guaranteed: int = 0
    limit: int | None = None
    lendable: int | None = None
    """How much of the unused guarantee others may use; None: all of it."""
    borrowable: int | None = None
    """How much the tenant may hold beyond its guarantee; None: up to the limit."""


class Prefer(StrEnum):
    """By what work that may run in several pools ranks them; `model.pools` says how."""

    LIST_ORDER = "ListOrder"
    FASTEST = "Fastest"
    CHEAPEST = "Cheapest"
    BEST_VALUE = "BestValue"


EVEN_WEIGHT = 100


@dataclass(frozen=True, slots=True)
class Wish:
    """One acceptable kind of accelerator: a pool by name, or any pool that can do what is asked."""

    pool: PoolName | None = None
    resource_name: str | None = None
    """Pods that exist as they are ask for a resource: every pool that has it will do."""
    memory_bytes: int = 0
    precision: str | None = None
    """What it computes in there: the pool must know it, and its speed is the one in it."""
    weight: int = EVEN_WEIGHT
    """What an accelerator there is worth to the work beside what the pool says, in hundredths."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A place that a workload has: promised by a Round, or taken by a bound pod."""

    node: NodeName
    pool: PoolName
    seat: Seat
    bound: bool
    amounts: Amounts
    since_at: int = 0
    """Of independent pods: when the pod was made; 0: nobody said."""
    ending: bool = False
    """Of independent pods: it is being deleted, and holds its place until it has ended."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """A reason, known before any planning, for which a workload must not be placed."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Elastic:
    """Sizes in pods: `least`, and from there in steps of `step` up to `most`."""

    least: int
    most: int
    step: int = 1


@dataclass(frozen=True, slots=True)
class Resize:
    """A workload has been told to have only `keep` pods from `by_at` on."""

    keep: int
    by_at: int


@dataclass(frozen=True, slots=True)
class Segment:
    """Each `size` pods of consecutive ranks, from rank 0 on, are inside one domain of a topology level."""

    size: int
    level: str


@dataclass(frozen=True, slots=True)
class Spread:
    """Each domain of a topology level that is used has equally many pods (or segments)."""

    level: str
    min_domains: int = 2
    """At least so many domains are used."""
    max_skew: int = 0
    """By how many pods (or segments) two of them may differ."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One thing a tenant wants to run."""

    name: WorkloadName
    child: ChildKey
    tenant: TenantName | None
    shape: Amounts
    """What one pod takes."""
    created_at: int
    """Seconds since 1970."""
    needs: tuple[Seat, ...] = ()
    """Pods that have no place yet, in order."""
    needs_min: int = 0
    """So many of `needs` start together or none does: all of them for a gang that has not begun, its least size for elastic work,
    1 for the rest; 0 for begun elastic work whose `needs` are the ranks that it could grow by."""
    holdings: tuple[Holding, ...] = ()
    wishes: tuple[Wish, ...] = ()
    """Where it may run, as its owner lists it. Of the pools ranked by `prefer`, the first that takes it now gets it."""
    prefer: Prefer = Prefer.LIST_ORDER
    patient_until_at: int = 0
    """Until then it rather waits for a pool than to start in one that it likes less; 0: it starts where it can."""
    priority: int = 0
    priority_class: str = ""
    required_level: str | None = None
    preferred_level: str | None = None
    segment: Segment | None = None
    spread: Spread | None = None
    node_selector: tuple[tuple[str, str], ...] = ()
    blocked: Blocked | None = None
    generation: int = 0
    elastic: Elastic | None = None
    """What sizes it may have while it runs; None: the one that it has. Once it has begun, `needs` by rank with a `needs_min` of 0 are
    those that it may grow by."""
    grace_seconds: int = 0
    """What it needs to write a checkpoint when it is told to shrink or stop."""
    min_runtime_seconds: int = 0
    """Once started it runs so long before it may be shrunk or evicted for others."""
    started_at: int = 0
    """When it got the places that it holds; 0 if it holds none."""
    checkpointed_at: int = 0
    """When it last wrote a checkpoint; 0: never, or nobody said."""
    tier: str = "Standard"
    """Guaranteed (never borrows, gives nothing as far as the guarantee covers it), Standard, or Spot (evicted first)."""
    resize: Resize | None = None
    """A shrink that it has been told of and that is not done."""
    independent: bool = False
    """Each of its pods is of use without the others (a service): it has no least size, and gives back pod by pod."""
    leaving: bool = False
    """Evicted: what it holds is given back as its pods end."""
    queued_at: int = 0
    """From when its wait counts, if that is later than its creation: time that it could not have run is no wait."""

    @property
    def waits_since_at(self) -> int:
        """The instant from which its age in the queue counts."""
        return max(self.created_at, self.queued_at)

    @property
    def begun(self) -> bool:
        """Whether some of it holds a place already."""
        return bool(self.holdings)

    @property
    def free_at(self) -> int:
        """From when on others may take from it what it has begun on: its minimum run time, and the second in which it started, are over."""
        return self.started_at + max(1, self.min_runtime_seconds)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The facts of one planning round. Build it with `build_snapshot`."""

    now_at: int
    """Seconds since 1970."""
    epoch: int
    number: int
    """Of the Round that a plan over this snapshot would write."""
    pools: tuple[Pool, ...] = ()
    nodes: tuple[Node, ...] = ()
    tenants: tuple[Tenant, ...] = ()
    quotas: tuple[QuotaLine, ...] = ()
    workloads: tuple[Workload, ...] = ()


def _holding_key(holding: Holding) -> tuple[str, Seat, bool, str, Amounts, int, bool]:
    return (holding.node, holding.seat, holding.bound, holding.pool, holding.amounts, holding.since_at, holding.ending)


def _quota_key(line: QuotaLine) -> tuple[str, tuple[str, ...], tuple[int, ...], tuple[int, ...]]:
    amounts = (-1 if amount is None else amount for amount in (line.guaranteed, line.limit, line.lendable, line.borrowable))
    return (line.tenant, line.pools, line.weights_milli, tuple(amounts))


def build_snapshot(  # noqa: PLR0913 one argument a part of the world
    *,
    now_at: int,
    epoch: int,
    number: int,
    pools: Iterable[Pool] = (),
    nodes: Iterable[Node] = (),
    tenants: Iterable[Tenant] = (),
    quotas: Iterable[QuotaLine] = (),
    workloads: Iterable[Workload] = (),
) -> Snapshot:
    """Freeze the facts of a round in one canonical order."""
    return Snapshot(
        now_at=now_at,
        epoch=epoch,
        number=number,
        pools=tuple(sorted(pools, key=lambda pool: pool.name)),
        nodes=tuple(sorted(nodes, key=lambda node: (node.pool, node.domains, node.name))),
        tenants=tuple(sorted(tenants, key=lambda tenant: tenant.name)),
        quotas=tuple(sorted(quotas, key=_quota_key)),
        workloads=tuple(sorted((_sorted_holdings(workload) for workload in workloads), key=lambda workload: workload.name)),
    )


def _sorted_holdings(workload: Workload) -> Workload:
    holdings = tuple(sorted(workload.holdings, key=_holding_key))
    return workload if holdings == workload.holdings else replace(workload, holdings=holdings)
