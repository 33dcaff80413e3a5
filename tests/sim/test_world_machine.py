"""A pool lives: work arrives and ends, nodes come and break, limits change. The rules hold after every round."""

import asyncio
from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.builders import RACK, START_AT, make_node, make_pool, make_quota, make_tenant, make_workload

from commonpool.cycle import run_cycle
from commonpool.engine.reference import ReferenceEngine
from commonpool.model.ids import NodeName, PoolName, TenantName, WorkloadName
from commonpool.model.plan import Plan
from commonpool.model.reasons import Reason
from commonpool.planner import plan_round
from commonpool.sim.world import World

ENGINE = ReferenceEngine()
TENANTS = ("birch", "cedar", "oak")


class WorldMachine(RuleBasedStateMachine):
    """Two teams under one department, and one pool of four to six nodes."""

    def __init__(self) -> None:
        super().__init__()
        tenants = [make_tenant("oak"), make_tenant("birch", parent="oak", weight=2), make_tenant("cedar", parent="oak")]
        self.world = World(now_at=START_AT, pools=[make_pool()], tenants=tenants)
        for number in range(4):
            self.add_node(number, number % 2)
        self.submitted = 0
        self.gangs: dict[WorkloadName, int] = {}

    @rule()
    def plan(self) -> None:
        before = {(tenant, index): self.held(tenant) for tenant in TENANTS for index in range(2)}
        cycle = asyncio.run(run_cycle(self.world, ENGINE))
        for tenant, lines in self.world.quotas.items():
            for line in lines:
                grown = self.held(tenant) > before[tenant, 0]
                assert not grown or line.limit is None or self.held(tenant) <= line.limit
        self.gangs_are_whole(cycle.plan)
        assert plan_round(self.world.read(), ENGINE).place == ()

    def gangs_are_whole(self, plan: Plan) -> None:
        for name in {place.workload for place in plan.place}:
            workload = self.world.workloads[name]
            if name in self.gangs:
                assert workload.needs == ()
                assert len(workload.holdings) == self.gangs[name]

    def held(self, tenant: str) -> int:
        mine = {"oak", "birch", "cedar"} if tenant == "oak" else {tenant}
        return sum(holding.amounts.gpu_milli for each in self.world.workloads.values() if each.tenant in mine for holding in each.holdings)

    @rule(
        tenant=st.sampled_from(TENANTS),
        replicas=st.integers(1, 5),
        gpus=st.sampled_from((1, 4, 8)),
        required=st.sampled_from((None, RACK)),
        priority=st.integers(0, 1),
    )
    def submit(self, tenant: str, replicas: int, gpus: int, required: str | None, priority: int) -> None:
        self.submitted += 1
        workload = make_workload(
            f"w{self.submitted:02}", tenant=tenant, replicas=replicas, gpus=gpus, required=required, priority=priority, age=-self.submitted
        )
        self.world.submit(workload)
        self.gangs[workload.name] = replicas

    @precondition(lambda self: self.world.workloads)
    @rule(pick=st.integers(0, 50), pods=st.integers(1, 5))
    def start(self, pick: int, pods: int) -> None:
        self.world.start(self.pick(pick), pods)

    @precondition(lambda self: self.world.workloads)
    @rule(pick=st.integers(0, 50))
    def finish(self, pick: int) -> None:
        self.world.finish(self.pick(pick))

    @precondition(lambda self: self.world.workloads)
    @rule(pick=st.integers(0, 50))
    def lose_pod(self, pick: int) -> None:
        name = self.pick(pick)
        self.world.lose_pod(name)
        if any(holding.bound for holding in self.world.workloads[name].holdings):
            self.gangs.pop(name, None)  # what is left of it runs on; the lost pod comes back when there is room

    def pick(self, pick: int) -> WorkloadName:
        names = sorted(self.world.workloads)
        return names[pick % len(names)]

    @rule(number=st.integers(0, 5), rack=st.integers(0, 1))
    def add_node(self, number: int, rack: int) -> None:
        if f"n{number}" not in self.world.nodes:
            self.world.put_node(make_node(f"n{number}", rack=f"r{rack}"))

    @rule(number=st.integers(0, 5))
    def break_node(self, number: int) -> None:
        for workload in self.world.workloads.values():
            if any(holding.node == f"n{number}" for holding in workload.holdings):
                self.gangs.pop(workload.name, None)
        self.world.remove_node(NodeName(f"n{number}"))

    @rule(tenant=st.sampled_from(TENANTS), guaranteed=st.integers(0, 24), limit=st.none() | st.integers(0, 48), lent=st.none() | st.just(0))
    def set_quota(self, tenant: str, guaranteed: int, limit: int | None, lent: int | None) -> None:
        self.world.set_quota(TenantName(tenant), [make_quota(tenant, "h100", guaranteed=guaranteed, limit=limit, lendable=lent)])

    @invariant()
    def no_node_holds_more_than_it_has(self) -> None:
        taken: Counter[NodeName] = Counter()
        for workload in self.world.workloads.values():
            for holding in workload.holdings:
                taken[holding.node] += holding.amounts.gpu_milli
        for name, node in self.world.nodes.items():
            assert taken[name] <= node.capacity.gpu_milli

    def teardown(self) -> None:
        """Nothing that fits the empty pool and its limits waits for ever: when the rest ends, it starts."""
        while self.world.workloads:
            plan = asyncio.run(run_cycle(self.world, ENGINE)).plan
            holding = [name for name, workload in self.world.workloads.items() if workload.holdings]
            if not holding:
                allowed = {
                    Reason.GANG_LARGER_THAN_POOL,
                    Reason.TOPOLOGY_NOT_SATISFIABLE,
                    Reason.QUOTA_REACHED,
                    Reason.RESERVED_FOR_OTHERS,
                }
                assert {hold.reason for hold in plan.hold} <= allowed
                return
            for name in holding:
                self.world.finish(name)


TestWorld = WorldMachine.TestCase
TestWorld.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)


def test_a_plan_for_what_is_gone_since_does_nothing() -> None:
    world = World(now_at=START_AT, pools=[make_pool()], tenants=[make_tenant()])
    world.put_node(make_node("n0"))
    world.submit(make_workload("gone"))
    snapshot = world.read()
    plan = plan_round(snapshot, ENGINE)
    world.finish(WorkloadName("vision-dev/gone"))
    asyncio.run(world.apply(snapshot, plan))
    assert world.workloads == {}


def test_a_gang_that_has_not_begun_gives_all_back_with_one_node() -> None:
    world = World(now_at=START_AT, pools=[make_pool()], tenants=[make_tenant()])
    for name in ("n0", "n1", "n2"):
        world.put_node(make_node(name))
    world.submit(make_workload("pretrain", replicas=2))
    asyncio.run(run_cycle(world, ENGINE))
    [workload] = world.workloads.values()
    assert [holding.node for holding in workload.holdings] == ["n0", "n1"]
    world.put_node(make_node("n1", schedulable=False))
    asyncio.run(run_cycle(world, ENGINE))
    [workload] = world.workloads.values()
    assert {holding.node for holding in workload.holdings} == {NodeName("n0"), NodeName("n2")}
    assert {holding.pool for holding in workload.holdings} == {PoolName("h100")}
