"""Law 8: no workload that fits an empty pool waits for ever behind a stream of smaller ones."""

import asyncio
import random
from itertools import count

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.builders import RACK, START_AT, make_node, make_pool, make_quota, make_tenant, make_workload

from commonpool.cycle import run_cycle
from commonpool.engine.reference import ReferenceEngine
from commonpool.model.ids import TenantName, WorkloadName
from commonpool.planner.order import OVERDUE_SECONDS
from commonpool.sim.world import World

ENGINE = ReferenceEngine()
LARGE = WorkloadName("vision-dev/large")
MINUTE = 60
LONGEST_RUN = 40 * MINUTE


class Stream:
    """Nodes that others keep full: whenever something ends, smaller work waits for its place already."""

    def __init__(self, seed: int, *, nodes: int = 6) -> None:
        self.dice = random.Random(seed)  # noqa: S311 nothing is hidden by it
        tenants = [make_tenant(name) for name in ("vision", "speech", "audio")]
        self.world = World(now_at=START_AT, pools=[make_pool()], tenants=tenants)
        for number in range(nodes):
            self.world.put_node(make_node(f"n{number}", rack=f"r{number % 2}"))
        self.ends_at: dict[WorkloadName, int] = {}
        self.numbers = count()

    def step(self) -> None:
        """A minute of it."""
        world = self.world
        world.pass_time(MINUTE)
        for name in [name for name, at in self.ends_at.items() if at <= world.now_at]:
            world.finish(name)
            del self.ends_at[name]
        waiting = sum(not workload.begun for workload in world.workloads.values())
        for _ in range(max(0, 12 - waiting)):
            small = make_workload(
                f"small{next(self.numbers):05}",
                tenant=self.dice.choice(("speech", "audio", "vision")),
                gpus=self.dice.choice((1, 2, 4, 8)),
                priority=self.dice.choice((0, 1)),
                age=START_AT - world.now_at,
            )
            world.submit(small)
        asyncio.run(run_cycle(world, ENGINE))
        for name in list(world.workloads):
            world.start(name, 100)
            if world.workloads[name].begun and name != LARGE:
                self.ends_at.setdefault(name, world.now_at + self.dice.randint(5 * MINUTE, LONGEST_RUN))

    def wait_for_turn(self) -> int:
        """Until the large gang is overdue; how many wait that are older, and so go before it, each for a place of its own."""
        for _ in range(OVERDUE_SECONDS // MINUTE + 1):
            self.step()
        large = self.world.workloads[LARGE]
        return sum(not each.begun and each.created_at < large.created_at for each in self.world.workloads.values())

    def wait_for_large(self, minutes: int) -> int:
        """After how many minutes it has started."""
        for minute in range(minutes):
            self.step()
            if self.world.workloads[LARGE].begun:
                return minute
        raise AssertionError("it waits for ever")


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1 << 40), st.sampled_from(((6, None), (4, None), (3, RACK), (2, RACK))))
@example(9535287, (6, None))
def test_a_large_gang_starts_in_bounded_time_behind_a_stream_of_small_work(seed: int, wish: tuple[int, str | None]) -> None:
    stream = Stream(seed)
    for _ in range(10):
        stream.step()
    replicas, required = wish
    stream.world.submit(make_workload("large", replicas=replicas, required=required, age=START_AT - stream.world.now_at))
    older = stream.wait_for_turn()
    stream.wait_for_large((2 + older) * LONGEST_RUN // MINUTE)


def test_a_gang_that_may_borrow_starts_behind_a_stream_of_small_borrowers() -> None:
    stream = Stream(3)
    stream.world.set_quota(TenantName("dahlia"), [make_quota("dahlia", guaranteed=16, lendable=0)])
    for _ in range(10):
        stream.step()
    stream.world.submit(make_workload("large", replicas=4, age=START_AT - stream.world.now_at))
    stream.wait_for_large((OVERDUE_SECONDS + 2 * LONGEST_RUN) // MINUTE)


def test_a_node_that_breaks_moves_what_is_kept() -> None:
    stream = Stream(5)
    for _ in range(10):
        stream.step()
    stream.world.submit(make_workload("large", replicas=3, required=RACK, age=START_AT - stream.world.now_at))
    for _ in range(OVERDUE_SECONDS // MINUTE + 5):
        stream.step()
    stream.world.remove_node(min(stream.world.nodes))
    stream.world.put_node(make_node("n6", rack="r0"))
    stream.wait_for_large((OVERDUE_SECONDS + 2 * LONGEST_RUN) // MINUTE)


def test_without_room_kept_it_would_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the law is for: the same stream starves the same gang when nobody is ever overdue."""
    monkeypatch.setattr("commonpool.planner.order.OVERDUE_SECONDS", 1 << 40)
    stream = Stream(1)
    for _ in range(10):
        stream.step()
    stream.world.submit(make_workload("large", replicas=6, age=START_AT - stream.world.now_at))
    with pytest.raises(AssertionError, match="for ever"):
        stream.wait_for_large((OVERDUE_SECONDS + 2 * LONGEST_RUN) // MINUTE)
