"""Small pools of every sort, awkward ones too: overdrawn nodes, circles of tenants, places on nodes that are gone.

Hypothesis draws how much there is of everything and one seed; each part is made from the
seed and its own number. So a world costs a millisecond instead of thirty, and shrinks by
losing parts.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from hypothesis import strategies as st
from tests.builders import BLOCK, GIB, HOST, RACK, START_AT, make_node, make_pool, make_tenant, make_workload

from commonpool.model.amounts import Amounts
from commonpool.model.ids import PoolName, Seat, TenantName, WorkloadName
from commonpool.model.reasons import Reason
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
    Segment,
    Snapshot,
    Spread,
    Tenant,
    Wish,
    Workload,
    build_snapshot,
)

Part = TypeVar("Part")

POOLS = ("a100", "h100", "npu")
TENANTS = ("amber", "birch", "cedar", "dahlia")
SHAPES = (
    Amounts(1000, 4000, 8 * GIB, 1),
    Amounts(2000, 8000, 8 * GIB, 1),
    Amounts(4000, 48_000, 16 * GIB, 1),
    Amounts(8000, 64_000, 64 * GIB, 1),
    Amounts(500, 1000, GIB, 1),
    Amounts(0, 16_000, GIB, 1),
    Amounts(1 << 40, 1 << 60, GIB, 1),
)
ZONES: tuple[dict[str, str], ...] = ({"zone": "east"}, {"zone": "west"}, {})
Dice = random.Random


@dataclass(frozen=True)
class Size:
    """How much there is, and the seed."""

    seed: int
    pools: int
    nodes: int
    tenants: int
    quotas: int
    workloads: int


def sizes() -> st.SearchStrategy[Size]:
    return st.builds(
        Size,
        seed=st.integers(0, 1 << 40),
        pools=st.sampled_from((1, 2, 3, 3, 3, 3)),
        nodes=st.integers(0, 14),
        tenants=st.sampled_from((1, 3, 4, 4)),
        quotas=st.integers(0, 6),
        workloads=st.integers(0, 10),
    )


def make_world(size: Size) -> dict[str, list[Any]]:
    """The parts of a snapshot, in whatever order."""

    def make(number: int, kind: str, make_one: Callable[[Dice, int], Part]) -> list[Part]:
        return [make_one(Dice(f"{size.seed} {kind} {index}"), index) for index in range(number)]

    nodes = make(size.nodes, "node", _make_node)
    return {
        "pools": make(size.pools, "pool", _make_pool),
        "nodes": nodes,
        "tenants": make(size.tenants, "tenant", _make_tenant),
        "quotas": make(size.quotas, "quota", _make_quota),
        "workloads": make(size.workloads, "workload", lambda dice, index: _make_workload(dice, index, nodes, TENANTS[: size.tenants])),
    }


def build(world: dict[str, list[Any]]) -> Snapshot:
    return build_snapshot(now_at=START_AT, epoch=1, number=7, **world)


def snapshots() -> st.SearchStrategy[Snapshot]:
    return sizes().map(make_world).map(build)


def _make_pool(dice: Dice, index: int) -> Pool:
    return make_pool(
        POOLS[index],
        resource_name=dice.choice(("nvidia.com/gpu", "huawei.com/ascend")),
        memory_gib=dice.choice((0, 40, 80)),
        speed_gflops=dice.choice(({}, {"bf16": 300_000}, {"bf16": 989_000, "fp8": 1_979_000})),
        topology=dice.choice(((), (BLOCK, RACK, HOST), (BLOCK, RACK, HOST), (BLOCK, RACK))),
        open_to_all=dice.choice((True, True, False)),
        group_size=dice.choice((1, 1, 1, 1, 2, 4)),
        price_micro_per_hour=dice.randrange(3),
        scaling=_make_scaling(dice) if dice.random() < 0.4 else None,
        currency=dice.choice(("EUR", "EUR", "EUR", "JPY")),
    )


def _make_scaling(dice: Dice) -> Scaling:
    least = dice.randint(0, 2)
    return Scaling(
        least_nodes=least,
        most_nodes=least + dice.randint(0, 6),
        wanted_nodes=dice.randint(0, 6),
        node=Amounts(dice.choice((4, 8)) * 1000, 96_000, 1024 * GIB, 110),
        cooldown_seconds=dice.choice((0, 60)),
        surplus_since_at=dice.choice((0, START_AT - 30, START_AT - 60)),
    )


def _make_node(dice: Dice, index: int) -> Node:
    return make_node(
        f"n{index}",
        pool=dice.choice(POOLS),
        gpus=dice.choice((0, 4, 8, 8, 8, 8)),
        block=dice.choice(("b0", "b1")),
        rack=dice.choice(("r0", "r1")),
        cpu=dice.choice((32, 96, 128)),
        pods=dice.choice((2, 110, 110, 110)),
        foreign=dice.choice((*(Amounts(),) * 4, Amounts(0, 2000, GIB, 3), Amounts(1000, 100_000, GIB, 1))),
        labels=dice.choice(ZONES),
        schedulable=dice.random() < 0.8,
        releasing=dice.random() < 0.05,
    )


def _make_tenant(dice: Dice, index: int) -> Tenant:
    return make_tenant(
        TENANTS[index],
        parent=dice.choice((None, None, *TENANTS, "nobody")),
        weight=dice.randint(1, 3),
        priority_classes=dice.choice(((), ("high",))),
    )


def _make_quota(dice: Dice, _: int) -> QuotaLine:
    """One pool or all of them: the lines of a tenant are then inside one another or apart."""
    names = dice.choice([*((pool,) for pool in POOLS), POOLS])

    def amount() -> int:
        return dice.choice((0, 8, 16, dice.randint(0, 40))) * 1000

    return QuotaLine(
        tenant=TenantName(dice.choice(TENANTS)),
        pools=tuple(PoolName(name) for name in names),
        weights_milli=dice.choice(((1000, 1000, 1000), (700, 3200, 1000)))[: len(names)],
        guaranteed=amount(),
        limit=dice.choice((None, None, amount())),
        lendable=dice.choice((None, 0, amount())),
        borrowable=dice.choice((None, None, amount())),
    )


def _make_workload(dice: Dice, index: int, nodes: list[Node], tenants: tuple[str, ...]) -> Workload:
    tenant = dice.choice((None, "stranger", *tenants * 12))
    base = make_workload(f"w{index}", tenant=tenant)
    shape = dice.choice((*SHAPES, *SHAPES[:4] * 4))
    replicas = dice.choice((0, 1, 2, 2, 3, 4, 6))
    held = dice.randint(0, replicas) if dice.random() < 0.4 else 0
    homes = _choose_homes(dice, nodes)
    needs = _choose_seats(dice, held, replicas)
    segment = dice.choice((*(None,) * 7, Segment(2, HOST), Segment(2, RACK), Segment(dice.randint(1, 4), dice.choice((RACK, BLOCK)))))
    if segment is not None and 0 < held < segment.size:
        segment = None  # what runs has at least its least size
    elastic = _in_segments(_make_elastic(dice, held, replicas), segment)
    needs_min = len(needs) if not held and dice.random() < 0.6 else min(1, len(needs))
    if elastic is not None:
        needs = tuple(Seat(rank=rank) for rank in range(held, elastic.most))
        needs_min = 0 if held else elastic.least
    leaving = bool(held) and dice.random() < 0.1
    resize = Resize(elastic.least, START_AT + dice.choice((-5, 60))) if elastic and held > elastic.least and dice.random() < 0.3 else None
    if leaving or resize:
        needs, needs_min = (), 0
    return Workload(
        name=WorkloadName(f"{base.child.namespace}/w{index}"),
        child=base.child,
        tenant=base.tenant,
        shape=shape,
        created_at=START_AT - dice.choice((0, 1, 2, 2000, 4000)),
        needs=needs,
        needs_min=needs_min,
        holdings=tuple(
            Holding(dice.choice(homes).name, homes[0].pool, Seat(rank=rank), dice.random() < 0.5, shape) for rank in range(held)
        ),
        wishes=tuple(_make_wish(dice) for _ in range(dice.choice((0, 1, 1, 2, 2, 2, 3, 3, 3)))),
        priority=dice.randint(0, 1),
        priority_class="high" if dice.random() < 0.1 else "",
        required_level=dice.choice((None, None, None, None, BLOCK, RACK, HOST)),
        preferred_level=dice.choice((None, RACK, BLOCK)),
        segment=segment,
        spread=dice.choice((*(None,) * 8, Spread(RACK, dice.randint(1, 3), dice.randint(0, 1)), Spread(HOST, 2))),
        node_selector=dice.choice(((), (), (("zone", "east"),))),
        blocked=Blocked(Reason.SUSPENDED_BY_OWNER, "is suspended by its owner") if dice.random() < 0.1 else None,
        generation=1,
        elastic=elastic,
        grace_seconds=dice.choice((0, 60)),
        min_runtime_seconds=dice.choice((0, 600, 3600)),
        started_at=START_AT - dice.randint(1, 1000) if held else 0,
        checkpointed_at=START_AT - dice.randint(0, 1000) if dice.random() < 0.3 else 0,
        tier=dice.choice(("Standard", "Standard", "Standard", "Spot", "Guaranteed")),
        resize=resize,
        leaving=leaving,
        prefer=dice.choice((Prefer.LIST_ORDER, *Prefer)),
        patient_until_at=START_AT + dice.choice((-START_AT, 0, 600, 600)),
        independent=elastic is None and segment is None and dice.random() < 0.3,
        queued_at=dice.choice((0, 0, START_AT - 1900, START_AT - 1)),
    )


def _make_elastic(dice: Dice, held: int, replicas: int) -> Elastic | None:
    if not replicas or dice.random() < 0.6:
        return None
    least = dice.randint(1, max(1, held))
    return Elastic(least, max(least, replicas) + dice.randint(0, 3), dice.choice((1, 1, 2)))


def _in_segments(elastic: Elastic | None, segment: Segment | None) -> Elastic | None:
    """Sizes that come in whole segments, as the API wants them."""
    if elastic is None or segment is None:
        return elastic
    size, steps = segment.size, (elastic.most - elastic.least) // elastic.step
    least = max(1, elastic.least // size) * size
    return Elastic(least, least + steps * elastic.step * size, elastic.step * size)


def _choose_homes(dice: Dice, nodes: list[Node]) -> list[Node]:
    """One or two nodes of one pool, sometimes of two, sometimes gone."""
    if not nodes or dice.random() < 0.1:
        return [make_node("gone", pool=dice.choice(POOLS))]
    first = dice.choice(nodes)
    return [first, dice.choice([node for node in nodes if node.pool == first.pool or dice.random() < 0.1])]


def _choose_seats(dice: Dice, held: int, replicas: int) -> tuple[Seat, ...]:
    """By rank, by name, any pods, or some that exist and some that will."""
    ranked = tuple(Seat(rank=rank) for rank in range(held, replicas))
    named = tuple(Seat(pod=f"pod-{rank}") for rank in range(held, replicas))
    half = len(ranked) // 2
    return dice.choice((ranked, named, tuple(Seat() for _ in ranked), named[:half] + ranked[half:]))


def _make_wish(dice: Dice) -> Wish:
    sort = dice.random()
    if sort < 0.6:
        return Wish(pool=PoolName(dice.choice((*POOLS * 5, "nowhere"))), weight=_choose_weight(sort))
    if sort < 0.8:
        return Wish(resource_name=dice.choice(("nvidia.com/gpu", "huawei.com/ascend", "amd.com/gpu")), weight=_choose_weight(sort))
    return Wish(
        memory_bytes=dice.choice((0, 40 * GIB, 80 * GIB)), precision=dice.choice((None, "bf16", "fp8")), weight=_choose_weight(sort)
    )


def _choose_weight(sort: float) -> int:
    """From a number that is there anyway: one in four is not even."""
    return (100, 100, 100, 1 + int(sort * 300))[int(sort * 1000) % 4]
