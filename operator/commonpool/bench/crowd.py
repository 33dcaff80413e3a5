"""A big pool as one might be found on a working day: several kinds of nodes, tenants within tenants, work of all sizes.

Made from a seed, so that everybody measures the same. The mix of sizes leans on what published traces show: most
workloads are small, most accelerators are in large ones.
"""

import random
from collections.abc import Sequence
from dataclasses import replace

from commonpool.engine.protocol import Engine
from commonpool.model.amounts import GPU_MILLI, Amounts
from commonpool.model.assume import assume_plan
from commonpool.model.ids import ChildKey, NodeName, PoolName, Seat, TenantName, WorkloadName
from commonpool.model.snapshot import Elastic, Holding, Node, Pool, QuotaLine, Snapshot, Tenant, Wish, Workload, build_snapshot
from commonpool.planner import plan_round

START_AT = 1_800_000_000
BLOCK, RACK, HOST = "topology.commonpool.dev/block", "topology.commonpool.dev/rack", "kubernetes.io/hostname"

_GIB = 1 << 30
_NODES_PER_RACK, _RACKS_PER_BLOCK = 8, 4
_PARENTS, _TEAMS = 8, 40
_GONE = 0.2
"""Of the work that once ran, this part has ended and left holes."""

# name, resource, accelerators a node, share of all nodes, dense bf16 GFLOP/s
_POOLS = (
    ("h100", "nvidia.com/gpu", 8, 0.5, 989_000),
    ("a100", "nvidia.com/gpu", 8, 0.3, 312_000),
    ("l40s", "nvidia.com/gpu", 4, 0.1, 362_000),
    ("ascend910b", "huawei.com/Ascend910", 8, 0.1, 320_000),
)
# pods, accelerators a pod, share of the workloads
_SIZES = ((1, 1, 45), (1, 2, 10), (1, 4, 10), (1, 8, 20), (2, 8, 6), (4, 8, 4), (8, 8, 3), (16, 8, 1.5), (64, 8, 0.5))


def build_crowd(nodes: int, running: int, pending: int, engine: Engine, *, seed: int = 4) -> Snapshot:
    """A snapshot with `running` workloads placed by the planner itself, and `pending` that wait."""
    dice = random.Random(seed)  # noqa: S311 - the same crowd every time
    began = round(running / (1 - _GONE))
    workloads = [_make_workload(dice, index) for index in range(began + pending)]
    empty = _build(nodes, workloads[:began])
    filled = assume_plan(empty, plan_round(empty, engine)).workloads
    placed = [_bind(workload) for workload in filled if workload.holdings and not workload.needs]
    dice.shuffle(placed)
    return _build(nodes, [*placed[:running], *workloads[began:]])


def build_rush(nodes: int, running: int, claims: int, *, seed: int = 4) -> Snapshot:
    """A pool that half of the teams, who are guaranteed nothing, have borrowed nearly all; `claims` of the other half come at once.

    Work of one to four whole nodes holds it; of two or more, a quarter is elastic and could do with one.
    """
    dice = random.Random(seed)  # noqa: S311 - the same rush every time
    empty = _build(nodes, (), lenders=_TEAMS // 2)
    workloads = [_make_claim(dice, index) for index in range(claims)]
    at = 0
    for index in range(running):
        home = empty.nodes[at : at + min(dice.choices((1, 2, 4), (6, 3, 1))[0], max(1, len(empty.nodes) - at - running + index + 1))]
        home = tuple(node for node in home if node.pool == home[0].pool)
        workloads.append(_make_borrower(dice, index, home))
        at += len(home)
    return _build(nodes, workloads, lenders=_TEAMS // 2)


def count_accelerators(snapshot: Snapshot) -> tuple[int, int]:
    """How many there are, and how many are held."""
    total = sum(node.capacity.gpu_milli for node in snapshot.nodes)
    held = sum(holding.amounts.gpu_milli for workload in snapshot.workloads for holding in workload.holdings)
    return total // GPU_MILLI, held // GPU_MILLI


def _build(nodes: int, workloads: Sequence[Workload], *, lenders: int = 0) -> Snapshot:
    """`lenders`: so many teams share all guarantees; 0: all teams do."""
    counts = [(name, max(1, round(nodes * share)), gpus) for name, _, gpus, share, _ in _POOLS]
    return build_snapshot(
        now_at=START_AT,
        epoch=1,
        number=1,
        pools=[
            Pool(PoolName(name), resource, 80 * _GIB, (("bf16", speed),), speed * 1000 // 312_000, (BLOCK, RACK, HOST))
            for name, resource, _, _, speed in _POOLS
        ],
        nodes=[_make_node(name, gpus, index) for name, count, gpus in counts for index in range(count)],
        tenants=[*(Tenant(TenantName(f"org-{index}")) for index in range(_PARENTS)), *(_make_team(index) for index in range(_TEAMS))],
        quotas=[
            _make_quota(index, name, count * gpus * GPU_MILLI, lenders or _TEAMS)
            for index in range(lenders or _TEAMS)
            for name, count, gpus in counts
        ],
        workloads=workloads,
    )


def _make_node(pool: str, gpus: int, index: int) -> Node:
    rack = index // _NODES_PER_RACK
    block, name = f"{pool}-b{rack // _RACKS_PER_BLOCK}", f"{pool}-{index:05}"
    return Node(
        name=NodeName(name),
        pool=PoolName(pool),
        capacity=Amounts(gpus * GPU_MILLI, 128_000, 1024 * _GIB, 110),
        foreign=Amounts(0, 1000, 2 * _GIB, 5),
        domains=(block, f"{block}/r{rack}", f"{block}/r{rack}/{name}"),
    )


def _make_team(index: int) -> Tenant:
    return Tenant(TenantName(f"team-{index:02}"), TenantName(f"org-{index % _PARENTS}"), 1 + index % 3)


def _make_quota(index: int, pool: str, total: int, lenders: int) -> QuotaLine:
    """Nine tenths of each pool are guaranteed to somebody, and nobody may hold more than a quarter."""
    return QuotaLine(
        tenant=TenantName(f"team-{index:02}"),
        pools=(PoolName(pool),),
        weights_milli=(GPU_MILLI,),
        guaranteed=total * 9 // 10 // lenders,
        limit=total // 4,
    )


def _make_workload(dice: random.Random, index: int) -> Workload:
    pods, gpus, _ = dice.choices(_SIZES, [share for _, _, share in _SIZES])[0]
    name, resource, node_gpus, _, _ = dice.choices(_POOLS, [share for _, _, _, share, _ in _POOLS])[0]
    gpus = min(gpus, node_gpus)
    team = dice.randrange(_TEAMS)
    seats = tuple(Seat(rank=rank) for rank in range(pods))
    namespace = f"team-{team:02}-dev"
    wish = Wish(pool=PoolName(name)) if dice.random() < 0.7 else Wish(resource_name=resource)
    return Workload(
        name=WorkloadName(f"{namespace}/w{index:05}"),
        child=ChildKey("Job", namespace, f"w{index:05}"),
        tenant=TenantName(f"team-{team:02}"),
        shape=Amounts(gpus * GPU_MILLI, gpus * 12_000, gpus * 100 * _GIB, 1),
        created_at=START_AT - dice.randrange(86_400),
        needs=seats,
        needs_min=len(seats),
        wishes=(wish,),
        priority=dice.choice((0, 0, 0, 100)),
        required_level=BLOCK if pods > 1 and dice.random() < 0.5 else None,
        preferred_level=RACK if pods > 1 else None,
        generation=1,
    )


def _make_claim(dice: random.Random, index: int) -> Workload:
    """One to sixteen pods in the pool of its choice, of a team that is guaranteed a part of it."""
    name, _, node_gpus, _, _ = dice.choices(_POOLS, [share for _, _, _, share, _ in _POOLS])[0]
    pods, gpus = dice.choice((1, 1, 2, 4, 8, 16)), min(dice.choice((1, 2, 4, 8)), node_gpus)
    team = dice.randrange(_TEAMS // 2)
    namespace, seats = f"team-{team:02}-dev", tuple(Seat(rank=rank) for rank in range(pods))
    return Workload(
        name=WorkloadName(f"{namespace}/claim{index:05}"),
        child=ChildKey("Job", namespace, f"claim{index:05}"),
        tenant=TenantName(f"team-{team:02}"),
        shape=Amounts(gpus * GPU_MILLI, gpus * 12_000, gpus * 100 * _GIB, 1),
        created_at=START_AT - dice.randrange(600),
        needs=seats,
        needs_min=len(seats),
        wishes=(Wish(pool=PoolName(name)),),
        required_level=BLOCK if pods > 1 and dice.random() < 0.5 else None,
        generation=1,
    )


def _make_borrower(dice: random.Random, index: int, home: Sequence[Node]) -> Workload:
    """It holds these nodes as a whole."""
    gpus = home[0].capacity.gpu_milli // GPU_MILLI
    shape = Amounts(gpus * GPU_MILLI, gpus * 12_000, gpus * 100 * _GIB, 1)
    team = _TEAMS // 2 + dice.randrange(_TEAMS // 2)
    namespace = f"team-{team:02}-dev"
    return Workload(
        name=WorkloadName(f"{namespace}/w{index:05}"),
        child=ChildKey("Job", namespace, f"w{index:05}"),
        tenant=TenantName(f"team-{team:02}"),
        shape=shape,
        created_at=START_AT - 86_400,
        holdings=tuple(Holding(node.name, node.pool, Seat(rank=rank), bound=True, amounts=shape) for rank, node in enumerate(home)),
        wishes=(Wish(pool=home[0].pool),),
        generation=1,
        elastic=Elastic(1, len(home)) if len(home) > 1 and dice.random() < 0.25 else None,
        started_at=START_AT - dice.randint(1, 86_400),
        tier=dice.choice(("Standard", "Standard", "Spot")),
    )


def _bind(workload: Workload) -> Workload:
    return replace(workload, holdings=tuple(replace(holding, bound=True) for holding in workload.holdings))
