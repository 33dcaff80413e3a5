"""The world in domain words: what a test does not say has a sensible value."""

from dataclasses import dataclass, replace
from itertools import count

from commonpool.model.amounts import GPU_MILLI, NOTHING, Amounts
from commonpool.model.ids import ChildKey, NodeName, PoolName, Seat, TenantName, WorkloadName
from commonpool.model.plan import Hold, Place, Plan
from commonpool.model.snapshot import (
    Blocked,
    Elastic,
    Holding,
    Node,
    Pool,
    Prefer,
    QuotaLine,
    Resize,
    Scaling,
    Tenant,
    Wish,
    Workload,
)

BLOCK = "topology.commonpool.dev/block"
RACK = "topology.commonpool.dev/rack"
HOST = "kubernetes.io/hostname"
GPU = "nvidia.com/gpu"
GIB = 1 << 30
START_AT = 1_800_000_000


def make_pool(
    name: str = "h100",
    *,
    resource_name: str = GPU,
    memory_gib: int = 80,
    speed_gflops: dict[str, int] | None = None,
    topology: tuple[str, ...] = (BLOCK, RACK, HOST),
    open_to_all: bool = True,
    group_size: int = 1,
    price_micro_per_hour: int = 2_400_000,
    currency: str = "EUR",
    scaling: Scaling | None = None,
) -> Pool:
    speeds = {"bf16": 989_000, "fp8": 1_979_000} if speed_gflops is None else speed_gflops
    return Pool(
        name=PoolName(name),
        resource_name=resource_name,
        memory_bytes=memory_gib * GIB,
        speed_gflops=tuple(sorted(speeds.items())),
        topology=topology,
        open_to_all=open_to_all,
        group_size=group_size,
        price_micro_per_hour=price_micro_per_hour,
        currency=currency,
        scaling=scaling,
    )


def make_node(
    name: str,
    *,
    pool: str = "h100",
    gpus: int = 8,
    block: str = "b0",
    rack: str = "r0",
    cpu: int = 128,
    memory_gib: int = 1024,
    pods: int = 110,
    foreign: Amounts = NOTHING,
    labels: dict[str, str] | None = None,
    schedulable: bool = True,
    releasing: bool = False,
) -> Node:
    return Node(
        name=NodeName(name),
        pool=PoolName(pool),
        capacity=Amounts(gpus * GPU_MILLI, cpu * 1000, memory_gib * GIB, pods),
        foreign=foreign,
        domains=(block, f"{block}/{rack}", f"{block}/{rack}/{name}"),
        labels=tuple(sorted((labels or {}).items())),
        schedulable=schedulable,
        releasing=releasing,
    )


def make_nodes(number: int, *, pool: str = "h100", gpus: int = 8, racks: int = 1, prefix: str = "") -> list[Node]:
    """`number` equal nodes, spread over `racks` racks of one block in order."""
    return [make_node(f"{prefix or pool}-{index:04}", pool=pool, gpus=gpus, rack=f"r{index * racks // number}") for index in range(number)]


def make_tenant(name: str = "vision", *, parent: str | None = None, weight: int = 1, priority_classes: tuple[str, ...] = ()) -> Tenant:
    return Tenant(TenantName(name), TenantName(parent) if parent else None, weight, tuple(sorted(priority_classes)))


def make_quota(
    tenant: str = "vision",
    *pools: str,
    guaranteed: int = 0,
    limit: int | None = None,
    lendable: int | None = None,
    borrowable: int | None = None,
    weights_milli: tuple[int, ...] = (),
) -> QuotaLine:
    """Amounts in whole units of the line."""

    def thousandths(amount: int | None) -> int | None:
        return None if amount is None else amount * 1000

    named = tuple(PoolName(pool) for pool in pools or ("h100",))
    return QuotaLine(
        tenant=TenantName(tenant),
        pools=named,
        weights_milli=weights_milli or (1000,) * len(named),
        guaranteed=guaranteed * 1000,
        limit=thousandths(limit),
        lendable=thousandths(lendable),
        borrowable=thousandths(borrowable),
    )


@dataclass(frozen=True)
class Held:
    """Places that a workload has already: `pods` of them on `node`."""

    node: str
    pods: int = 1
    pool: str = "h100"
    bound: bool = True


def make_workload(
    name: str = "pretrain",
    *,
    tenant: str | None = "vision",
    replicas: int = 1,
    gpus: int = 8,
    cpu_milli: int = 8000,
    memory_gib: int = 16,
    gang: bool = True,
    pools: tuple[str, ...] = ("h100",),
    wishes: tuple[Wish, ...] = (),
    prefer: Prefer = Prefer.LIST_ORDER,
    patience: int = 0,
    held: tuple[Held, ...] = (),
    priority: int = 0,
    priority_class: str = "",
    age: int = 0,
    queued: int | None = None,
    required: str | None = None,
    preferred: str | None = None,
    node_selector: dict[str, str] | None = None,
    blocked: Blocked | None = None,
    most: int | None = None,
    step: int = 1,
    grace: int = 60,
    min_runtime: int = 0,
    started: int = 3600,
    checkpointed: int | None = None,
    tier: str = "Standard",
    resize: Resize | None = None,
    leaving: bool = False,
    independent: bool = False,
) -> Workload:
    """`replicas` pods by rank, of which those in `held` have a place; a gang that has not begun needs all the rest together.

    With `most` it is elastic and `replicas` its least size. Where `independent` its pods have names in place of ranks, and each of those
    in `held` is a second younger than the one before. Ages, `queued`, `started` and `checkpointed` are seconds ago, `patience` is to
    come.
    """
    namespace = f"{tenant}-dev" if tenant else "nobody"
    shape = Amounts(gpus * GPU_MILLI, cpu_milli, memory_gib * GIB, 1)
    ranks = count()

    def hold(each: Held, rank: int) -> Holding:
        place = Holding(NodeName(each.node), PoolName(each.pool), _make_seat(rank, named=independent), each.bound, shape)
        return replace(place, since_at=START_AT - started + rank) if independent else place

    holdings = tuple(hold(each, next(ranks)) for each in held for _ in range(each.pods))
    needs = tuple(_make_seat(rank, named=independent) for rank in range(len(holdings), replicas if most is None else most))
    needs_min = len(needs) if gang and not independent and not holdings else min(1, len(needs))
    if most is not None:
        needs_min = 0 if holdings else replicas
    if leaving or resize is not None:
        needs, needs_min = (), 0
    return Workload(
        name=WorkloadName(f"{namespace}/{name}"),
        child=ChildKey("Deployment" if independent else "Job", namespace, name),
        tenant=TenantName(tenant) if tenant else None,
        shape=shape,
        created_at=START_AT - age,
        needs=needs,
        needs_min=needs_min,
        holdings=holdings,
        wishes=wishes or tuple(Wish(pool=PoolName(pool)) for pool in pools),
        prefer=prefer,
        patient_until_at=START_AT + patience if patience else 0,
        priority=priority,
        priority_class=priority_class,
        required_level=required,
        preferred_level=preferred,
        node_selector=tuple(sorted((node_selector or {}).items())),
        blocked=blocked,
        elastic=None if most is None else Elastic(replicas, most, step),
        grace_seconds=grace,
        min_runtime_seconds=min_runtime,
        started_at=START_AT - started if holdings else 0,
        checkpointed_at=0 if checkpointed is None else START_AT - checkpointed,
        tier=tier,
        resize=resize,
        independent=independent,
        leaving=leaving,
        queued_at=0 if queued is None else START_AT - queued,
    )


def _make_seat(rank: int, *, named: bool) -> Seat:
    return Seat(pod=f"{rank:04}") if named else Seat(rank=rank)


def find_places(plan: Plan, name: str) -> list[Place]:
    """All placements of the workload of that short name."""
    return [place for place in plan.place if place.workload.partition("/")[2] == name]


def get_nodes(plan: Plan, name: str) -> list[str]:
    """Where the pods of a workload go, in order; empty if it is not placed."""
    return [entry.node for place in find_places(plan, name) for entry in place.entries]


def get_hold(plan: Plan, name: str) -> Hold:
    """Why a workload waits; an error if it does not."""
    [hold] = [hold for hold in plan.hold if hold.workload.partition("/")[2] == name]
    return hold
