"""A pool breathes: work grows, shrinks, is evicted, nodes come and go and break. The rules hold after every round."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.builders import GIB, RACK, START_AT, make_node, make_pool, make_quota, make_tenant, make_workload

from commonpool.cycle import run_cycle
from commonpool.engine.reference import ReferenceEngine
from commonpool.model.amounts import Amounts
from commonpool.model.assume import assume_plan
from commonpool.model.elastic import may_grow, split_places
from commonpool.model.ids import NodeName, PoolName, TenantName, WorkloadName
from commonpool.model.plan import Plan
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Node, Scaling, Snapshot, Workload
from commonpool.planner import plan_round
from commonpool.planner.claim import Claims
from commonpool.sim.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

ENGINE = ReferenceEngine()
TENANTS = ("birch", "cedar", "dahlia")
SCALED = "cloud"
HOPELESS = {
    Reason.GANG_LARGER_THAN_POOL,
    Reason.TOPOLOGY_NOT_SATISFIABLE,
    Reason.QUOTA_REACHED,
    Reason.RESERVED_FOR_OTHERS,
    Reason.BORROWING_LIMIT_REACHED,
}
"""What nothing but a larger pool or another quota could change."""


def make_new_node(pool: PoolName, number: int) -> Node:
    return make_node(f"{pool}-new{number}", pool=pool, rack=f"new{number}")


class History:
    """Three teams, a pool of up to six nodes and one that can get up to four; what happens follows from a seed.

    `services`: whether a part of the work is services, whose pods come and go one by one.
    """

    def __init__(self, seed: int, *, services: bool) -> None:
        scaling = Scaling(0, 4, 0, Amounts(8000, 128_000, 1024 * GIB, 110), cooldown_seconds=300)
        pools = [make_pool(), make_pool(SCALED, scaling=scaling)]
        self.world = World(
            now_at=START_AT, pools=pools, tenants=[make_tenant(name) for name in TENANTS], make_node=make_new_node, boot_seconds=60
        )
        self.dice = random.Random(seed)  # noqa: S311 nothing is hidden by it
        self.services = services
        self.submitted = 0
        self.seen: Counter[str] = Counter()
        """How often what the laws speak of has happened."""
        for number in range(6):
            self.world.put_node(make_node(f"n{number}", rack=f"r{number % 2}"))
        for tenant in TENANTS:
            self.set_quota(tenant)

    def live(self, steps: int) -> None:
        """Mostly some borrow and others claim, to begin with. Then things happen; after each, a round and all rules."""
        if self.dice.random() < 0.7:
            self.lend_and_claim()
        for _ in range(steps):
            self.step()

    def lend_and_claim(self) -> None:
        """Who is guaranteed nothing fills the pool, as far as it goes; who is guaranteed much wants some of it back."""
        dice, [borrower, *owners] = self.dice, self.dice.sample(TENANTS, 3)
        self.set_quota(borrower, guaranteed=0)
        for owner in owners:
            self.set_quota(owner, guaranteed=dice.choice((8, 16, 24)))
        for _ in range(dice.choice((1, 2, 4))):
            self.submit(borrower, pools=("h100",), gpus=8)
            self.plan()
        self.start()
        self.pass_time()
        self.plan()
        if dice.random() < 0.5:
            self.finish()
            self.plan()
            self.start()
        self.world.pass_time(600)
        for _ in range(dice.choice((1, 2, 3))):
            self.submit(dice.choice(owners), pools=("h100",))
        self.plan()
        if dice.random() < 0.3:
            self.break_node()
            self.plan()

    def step(self) -> None:
        actions: list[tuple[Callable[[], None], int]] = [
            (self.submit, 7),
            (self.start, 5),
            (self.pass_time, 6),
            (self.finish, 3),
            (self.checkpoint, 1),
            (self.lose_pod, 1),
            (self.break_node, 2),
            (self.mend_node, 3),
            (self.world.fail_boot, 1),
            (lambda: self.set_quota(self.dice.choice(TENANTS)), 1),
        ]
        [act] = self.dice.choices([act for act, _ in actions], [weight for _, weight in actions])
        act()
        check_capacity(self.world)
        self.plan()

    def plan(self) -> None:
        before = self.world.read()
        plan = asyncio.run(run_cycle(self.world, ENGINE)).plan
        for check in (
            check_promises,
            check_pods_inside_stay,
            check_what_is_borrowed_goes_first,
            check_victims_are_needed,
            check_reasons,
            check_sizes,
            check_limits,
            check_nothing_moves_again,
        ):
            check(before, plan)
        check_capacity(self.world)
        self.count(before, plan)

    def count(self, before: Snapshot, plan: Plan) -> None:
        present = {pool.name: sum(node.pool == pool.name for node in before.nodes) for pool in before.pools}
        services = {each.name: each for each in before.workloads if each.independent}
        self.seen["shrink"] += sum(shrink.workload not in services for shrink in plan.shrink)
        self.seen["service gives a part"] += sum(shrink.workload in services for shrink in plan.shrink)
        self.seen["service gives all"] += sum(evict.workload in services for evict in plan.evict)
        self.seen["service keeps its guarantee"] += sum(
            find_guaranteed(before, services[shrink.workload]) > 0 for shrink in plan.shrink if shrink.workload in services
        )
        self.seen["grow"] += sum(place.why is Reason.GREW for place in plan.place)
        self.seen["evict"] += len(plan.evict)
        self.seen["more nodes"] += sum(scale.nodes > present[scale.pool] for scale in plan.scale)
        self.seen["fewer nodes"] += sum(bool(scale.release) for scale in plan.scale)
        self.seen["behind a run time"] += any(hold.reason is Reason.WAITS_FOR_MIN_RUNTIME for hold in plan.hold)
        self.seen["several claims"] += len(find_served(plan)) > 1 and bool(plan.shrink or plan.evict)

    def submit(self, tenant: str = "", **said: Any) -> None:  # noqa: ANN401 as `make_workload` takes it
        dice = self.dice
        self.submitted += 1
        replicas = dice.choice((1, 1, 1, 2, 2, 4))
        drawn = {
            "tenant": tenant or dice.choice(TENANTS),
            "replicas": replicas,
            "most": dice.choice((None, replicas + 2, replicas + 4)),
            "step": dice.choice((1, 1, 2)),
            "gpus": dice.choice((1, 4, 8, 8)),
            "pools": dice.choice((("h100",), ("h100",), ("h100",), (SCALED,), ("h100", SCALED))),
            "tier": dice.choice(("Standard", "Standard", "Standard", "Standard", "Spot", "Guaranteed")),
            "required": dice.choice((None, None, RACK)),
            "min_runtime": dice.choice((0, 0, 0, 600)),
            "grace": dice.choice((0, 60, 900)),
            "priority": dice.choice((0, 0, 1)),
            "age": START_AT - self.world.now_at,
        }
        if self.services and dice.random() < 0.4:
            drawn |= {"independent": True, "replicas": dice.choice((1, 2, 3, 4, 6)), "most": None, "gpus": dice.choice((2, 4, 8, 8))}
            drawn |= {"min_runtime": 0 if dice.random() < 0.9 else 600}
        self.world.submit(make_workload(f"w{self.submitted:02}", **{**drawn, **said}))

    def start(self) -> None:
        """The scheduler binds what is promised."""
        for name in list(self.world.workloads):
            self.world.start(name, self.dice.choice((1, 100, 100)))

    def pass_time(self) -> None:
        self.world.pass_time(self.dice.choice((1, 30, 60, 600, 2000)))

    def finish(self) -> None:
        if name := self.pick():
            self.world.finish(name)

    def checkpoint(self) -> None:
        if name := self.pick():
            self.world.checkpoint(name)

    def lose_pod(self) -> None:
        if name := self.pick():
            self.world.lose_pod(name)

    def pick(self) -> WorkloadName | None:
        holding = sorted(name for name, workload in self.world.workloads.items() if workload.begun)
        return self.dice.choice(holding) if holding else None

    def break_node(self) -> None:
        if not self.world.nodes:
            return
        giving = {
            holding.node for each in self.world.workloads.values() if each.resize is not None or each.leaving for holding in each.holdings
        }
        name = self.dice.choice(sorted(giving & self.world.nodes.keys() or self.world.nodes))
        hit = [each for each in self.world.workloads.values() if any(holding.node == name for holding in each.holdings)]
        self.seen["node loss"] += bool(hit)
        self.seen["node loss while shrinking"] += any(each.resize is not None for each in hit)
        self.seen["node loss while leaving"] += any(each.leaving for each in hit)
        self.world.remove_node(name)

    def mend_node(self) -> None:
        number = self.dice.randrange(6)
        if f"n{number}" not in self.world.nodes:
            self.world.put_node(make_node(f"n{number}", rack=f"r{number % 2}"))

    def set_quota(self, tenant: str, guaranteed: int | None = None) -> None:
        dice = self.dice
        line = make_quota(
            tenant,
            "h100",
            guaranteed=dice.choice((0, 8, 16, 16, 32)) if guaranteed is None else guaranteed,
            limit=dice.choice((None, None, None, None, 32)),
            lendable=dice.choice((None, None, None, None, 4)),
            borrowable=dice.choice((None, None, None, None, 12)),
        )
        self.world.set_quota(TenantName(tenant), [line])

    def end(self) -> None:
        """Nothing that fits the empty pool and its limits waits for ever: when the rest ends, it starts."""
        world = self.world
        for _ in range(100):
            plan = asyncio.run(run_cycle(world, ENGINE)).plan
            for name in list(world.workloads):
                world.start(name, 100)
            active = [name for name, workload in world.workloads.items() if workload.begun]
            for name in active:
                if not world.workloads[name].leaving:
                    world.finish(name)
            world.pass_time(700)
            if not active and all(hold.reason is not Reason.WAITS_FOR_NODES for hold in plan.hold):
                assert {hold.reason for hold in plan.hold} <= HOPELESS
                return
        raise AssertionError("somebody waits for ever")


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 1 << 40), services=st.booleans())
@example(seed=900, services=False)
@example(seed=3200, services=False)
def test_the_rules_hold_through_every_history(seed: int, *, services: bool) -> None:
    history = History(seed, services=services)
    history.live(30)
    history.end()


def test_the_histories_show_enough_of_what_the_laws_speak_of(request: pytest.FixtureRequest) -> None:
    """A law says nothing where nothing happens: in so many of a hundred histories each of these happens at least once.

    Services are in those with an odd number.
    """
    seen: Counter[str] = Counter()
    number, first = request.config.getoption("histories"), request.config.getoption("histories_from")
    for seed in range(first, first + number):
        history = History(seed, services=bool(seed % 2))
        try:
            history.live(30)
            history.end()
        except AssertionError as error:
            error.add_note(f"in History({seed})")
            raise
        seen.update(what for what, times in history.seen.items() if times)
    wanted = {
        "shrink": 15,
        "grow": 10,
        "evict": 15,
        "more nodes": 40,
        "fewer nodes": 3,
        "node loss": 40,
        "node loss while shrinking": 4,
        "node loss while leaving": 3,
        "several claims": 4,
        "behind a run time": 2,
        "service gives a part": 5,
        "service gives all": 2,
        "service keeps its guarantee": 2,
    }
    assert not {what: seen[what] for what, least in wanted.items() if seen[what] < least * number // 100}, seen


def use(snapshot: Snapshot, tenant: TenantName, pool: str) -> int:
    return sum(
        holding.amounts.gpu_milli
        for workload in snapshot.workloads
        if workload.tenant == tenant
        for holding in workload.holdings
        if holding.pool == pool
    )


def count_tier(snapshot: Snapshot, tenant: TenantName, tier: str) -> int:
    """What work of one tier holds of the pools, for one tenant."""
    mine = (workload for workload in snapshot.workloads if workload.tenant == tenant and workload.tier == tier)
    return sum(holding.amounts.gpu_milli for workload in mine for holding in workload.holdings)


def check_promises(before: Snapshot, plan: Plan) -> None:
    """Law 6. Nobody is touched within his minimum run time or his tenant's guarantee, and somebody's guarantee gains by it."""
    workloads = {workload.name: workload for workload in before.workloads}
    guaranteed = {(line.tenant, pool): line.guaranteed for line in before.quotas for pool in line.pools}
    after = assume_plan(before, plan)
    given_back: Counter[tuple[TenantName, str]] = Counter()
    for name, keep in [*((shrink.workload, shrink.keep) for shrink in plan.shrink), *((evict.workload, 0) for evict in plan.evict)]:
        workload = workloads[name]
        assert workload.tenant is not None
        assert workload.begun
        assert not workload.leaving
        assert workload.tier != "Guaranteed" or count_tier(before, workload.tenant, "Guaranteed") > sum(
            line.guaranteed for line in before.quotas if line.tenant == workload.tenant
        )
        assert before.now_at - workload.started_at >= workload.min_runtime_seconds
        [pool] = {holding.pool for holding in workload.holdings}
        held = use(after, workload.tenant, pool)
        assert held > guaranteed.get((workload.tenant, pool), 0)
        if keep and not workload.independent:
            given_back[workload.tenant, pool] += (len(workload.holdings) - keep) * workload.shape.gpu_milli
    for (tenant, named), milli in given_back.items():
        assert use(after, tenant, named) - milli >= guaranteed.get((tenant, PoolName(named)), 0)
    if plan.shrink or plan.evict:
        waits = {hold.workload for hold in plan.hold if hold.reason is Reason.WAITS_FOR_RECLAIM}
        # a pod that a running workload has lost is served as well, and that has a Place beside it or no gang to wait for
        partial = {workload.name for workload in after.workloads if workload.begun and workload.needs and not may_grow(workload)}
        assert waits | partial


def find_guaranteed(snapshot: Snapshot, workload: Workload) -> int:
    """What its tenant is guaranteed where it runs."""
    pools = {holding.pool for holding in workload.holdings}
    return sum(line.guaranteed for line in snapshot.quotas if line.tenant == workload.tenant and pools & set(line.pools))


def check_pods_inside_stay(before: Snapshot, plan: Plan) -> None:
    """Law 6, of independent pods: none is taken that the guarantee would still cover beside all that its tenant keeps."""
    after = assume_plan(before, plan)
    workloads = {workload.name: workload for workload in before.workloads}
    for name in (*(shrink.workload for shrink in plan.shrink), *(evict.workload for evict in plan.evict)):
        workload = workloads[name]
        if workload.independent and workload.tenant is not None:
            [pool] = {holding.pool for holding in workload.holdings}
            assert count_kept(after, workload.tenant, pool) + workload.shape.gpu_milli > find_guaranteed(before, workload)


def check_what_is_borrowed_goes_first(before: Snapshot, plan: Plan) -> None:
    """Law 7, of one claim and divisible work: no pod that is covered goes where a borrowed one of the same tenant's would do as well."""
    if not plan.shrink or len(find_served(plan)) != 1 or len(find_claims(before)) > 1:
        return
    workloads = {workload.name: workload for workload in before.workloads}
    kept = {name: len(split_places(workload)[0]) for name, workload in workloads.items()}
    kept |= {shrink.workload: shrink.keep for shrink in plan.shrink} | {evict.workload: 0 for evict in plan.evict}
    for shrink in plan.shrink:
        victim, covered = workloads[shrink.workload], count_covered(before, workloads[shrink.workload])
        for other in before.workloads:
            least = max(count_covered(before, other), other.elastic.least if other.elastic is not None else 1)
            is_open = other.begun and not other.leaving and other.tier != "Guaranteed" and other.free_at <= before.now_at
            lacks = other.elastic is not None and other.needs and not may_grow(other)
            divisible = other.independent or other.elastic is not None
            if other.tenant != victim.tenant or other == victim or not (divisible and is_open) or lacks:
                continue
            step = other.elastic.step if other.elastic is not None else 1
            if shrink.keep >= covered or kept[other.name] - step < least:
                continue
            instead = replace(shrink, workload=other.name, child=other.child, keep=kept[other.name] - step)
            spared = replace(shrink, keep=shrink.keep + (victim.elastic.step if victim.elastic is not None else 1))
            rest = [each for each in plan.shrink if each.workload not in {shrink.workload, other.name}]
            swapped = assume_plan(before, replace(plan, shrink=(*rest, spared, instead)))
            [pool] = {holding.pool for holding in other.holdings}
            assert other.tenant is not None
            if other.elastic is not None and count_kept(swapped, other.tenant, pool) < find_guaranteed(before, other):
                continue  # its tenant would not keep what it is guaranteed
            again = plan_round(swapped, ENGINE)
            served = find_served(again) | {place.workload for place in again.place}
            assert again.shrink or again.evict or not find_served(plan) & served


def count_covered(snapshot: Snapshot, workload: Workload) -> int:
    """How many pods of divisible work its tenant's guarantee covers: what ranks highest and has run longest comes first."""
    left = find_guaranteed(snapshot, workload)
    held = [each for each in snapshot.workloads if each.begun and not each.leaving and each.tenant == workload.tenant]
    pools = {holding.pool for holding in workload.holdings}
    for each in sorted(held, key=lambda each: (each.tier != "Guaranteed", -each.priority, each.started_at, each.name)):
        if not pools & {holding.pool for holding in each.holdings}:
            continue
        pods, size = len(split_places(each)[0]), each.shape.gpu_milli
        first = 1 if each.independent else pods if each.elastic is None else min(each.elastic.least, pods)
        covered = min(pods, left // size) if first and first * size <= left else 0
        left -= covered * size
        if each.name == workload.name:
            return covered
    return 0


def count_kept(snapshot: Snapshot, tenant: TenantName, pool: PoolName) -> int:
    """What a tenant holds and does not give back."""
    mine = (split_places(workload)[0] for workload in snapshot.workloads if workload.tenant == tenant)
    return sum(holding.amounts.gpu_milli for kept in mine for holding in kept if holding.pool == pool)


def check_victims_are_needed(before: Snapshot, plan: Plan) -> None:
    """Law 7, of one claim. Without any one of them the claim would have to take others, or not be served: none is asked in vain.

    Of several, which are served one after the other, less holds: `tests/planner/test_several_claims.py`.
    """
    partial = any(each.begun and each.needs and not may_grow(each) for each in before.workloads)  # these claim without a word
    if partial or len(find_served(plan)) != 1 or not (plan.evict or plan.shrink) or len(find_claims(before)) > 1:
        return
    for victim in (*plan.evict, *plan.shrink):
        less = replace(
            plan,
            evict=tuple(other for other in plan.evict if other != victim),
            shrink=tuple(other for other in plan.shrink if other != victim),
        )
        again = plan_round(assume_plan(before, less), ENGINE)
        served = find_served(again) | {place.workload for place in again.place}
        assert again.shrink or again.evict or not find_served(plan) & served


def find_served(plan: Plan) -> set[WorkloadName]:
    """Who waits for what others give back."""
    return {hold.workload for hold in plan.hold if hold.reason is Reason.WAITS_FOR_RECLAIM}


def find_claims(before: Snapshot) -> set[WorkloadName]:
    """Who is given room that is to come, in any pass of a round: of several claims all but one may find another place in a later pass."""
    found: set[WorkloadName] = set()
    serve = Claims.serve

    def watch(claims: Claims, workload: Workload, tenant: TenantName, pools: Sequence[PoolName], pods: int) -> bool:
        served = serve(claims, workload, tenant, pools, pods)
        if served:
            found.add(workload.name)
        return served

    with patch.object(Claims, "serve", watch):
        plan_round(before, ENGINE)
    return found


def check_reasons(before: Snapshot, plan: Plan) -> None:
    """Law 9."""
    told = Counter(hold.workload for hold in plan.hold)
    placed = {place.workload for place in plan.place}
    told_else = {evict.workload for evict in plan.evict} | {shrink.workload for shrink in plan.shrink}
    for workload in before.workloads:
        waits = workload.needs and not may_grow(workload) and workload.name not in placed | told_else
        assert told[workload.name] == bool(waits)


def check_sizes(before: Snapshot, plan: Plan) -> None:
    """Law 3, and elastic work has one of its sizes."""
    workloads = {workload.name: workload for workload in before.workloads}
    for place in plan.place:
        workload = workloads[place.workload]
        size = len(workload.holdings) + len(place.entries)
        if workload.elastic is not None and (not workload.begun or may_grow(workload)):
            assert workload.elastic.least <= size <= workload.elastic.most
            assert place.why is not Reason.GREW or workload.begun
        elif not workload.begun:
            assert len(place.entries) >= workload.needs_min
    for shrink in plan.shrink:
        workload = workloads[shrink.workload]
        assert workload.elastic is not None or workload.independent
        assert shrink.keep >= (workload.elastic.least if workload.elastic is not None else 1)


def check_limits(before: Snapshot, plan: Plan) -> None:
    """Law 2."""
    after = assume_plan(before, plan)
    for line in before.quotas:
        [named] = line.pools
        had, has = use(before, line.tenant, named), use(after, line.tenant, named)
        assert has <= had or line.limit is None or has <= line.limit


def check_nothing_moves_again(before: Snapshot, plan: Plan) -> None:
    """Law 5."""
    again = plan_round(assume_plan(before, plan), ENGINE)
    assert (again.place, again.shrink, again.evict, again.scale, again.surplus) == ((), (), (), (), plan.surplus)


def check_capacity(world: World) -> None:
    """Law 1, and nobody holds a seat twice."""
    taken: Counter[NodeName] = Counter()
    for workload in world.workloads.values():
        assert len({holding.seat for holding in workload.holdings}) == len(workload.holdings)
        for holding in workload.holdings:
            taken[holding.node] += holding.amounts.gpu_milli
    for name, node in world.nodes.items():
        assert taken[name] <= node.capacity.gpu_milli
    assert sum(node.pool == SCALED and not node.releasing for node in world.nodes.values()) <= 4
