"""The Lease: one leader, rising epochs, and a leader that was asleep knows it."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonpool.errors import ConflictError
from commonpool.live.leader import Leader, Timing

Json = dict[str, Any]


class MemoryLeases:
    """One Lease with optimistic locking, as the apiserver keeps it."""

    def __init__(self) -> None:
        self.spec: Json | None = None
        self.version = 0

    async def read(self) -> Json | None:
        return None if self.spec is None else {"metadata": {"resourceVersion": str(self.version)}, "spec": dict(self.spec)}

    async def create(self, spec: Json) -> None:
        if self.spec is not None:
            raise ConflictError("exists")
        self.spec, self.version = dict(spec), 1

    async def patch(self, spec: Json, *, resource_version: str) -> None:
        if self.spec is None or resource_version != str(self.version):
            raise ConflictError("changed")
        self.spec = {key: value for key, value in (self.spec | spec).items() if value is not None}
        self.version += 1


class Clock:
    """Time that steps when it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def steady(self) -> float:
        return self.now

    def wall(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)


def make_leader(leases: MemoryLeases, clock: Clock, name: str) -> Leader:
    return Leader(leases, name, steady=clock.steady, wall=clock.wall, timing=Timing(15, 10, 3))


async def test_the_first_process_leads_in_epoch_1_and_the_second_waits() -> None:
    leases, clock = MemoryLeases(), Clock()
    first, second = make_leader(leases, clock, "a"), make_leader(leases, clock, "b")
    await first.step()
    await second.step()
    assert (first.epoch, second.epoch) == (1, None)


async def test_a_leader_that_was_stopped_past_its_deadline_does_not_act_when_it_goes_on() -> None:
    leases, clock = MemoryLeases(), Clock()
    first, second = make_leader(leases, clock, "a"), make_leader(leases, clock, "b")
    await first.step()
    await second.step()
    clock.now += 16
    assert first.epoch is None
    await second.step()
    assert second.epoch == 2
    await first.step()
    assert first.epoch is None


async def test_who_leads_on_after_a_lapse_is_told_so_because_what_came_meanwhile_was_let_go() -> None:
    clock, told = Clock(), asyncio.Event()
    leader = Leader(MemoryLeases(), "a", steady=clock.steady, wall=clock.wall, timing=Timing(15, 10, 0))
    running = asyncio.create_task(leader.run(told.set))
    await told.wait()
    told.clear()
    clock.now += 11
    assert leader.epoch is None
    await told.wait()
    assert leader.epoch == 1
    running.cancel()


async def test_a_restarted_process_of_the_same_name_leads_at_once_in_a_higher_epoch() -> None:
    leases, clock = MemoryLeases(), Clock()
    before, after = make_leader(leases, clock, "a"), make_leader(leases, clock, "a")
    await before.step()
    await after.step()
    assert after.epoch == 2
    await before.step()
    assert before.epoch != 2


async def test_a_released_lease_is_taken_without_waiting() -> None:
    leases, clock = MemoryLeases(), Clock()
    first, second = make_leader(leases, clock, "a"), make_leader(leases, clock, "b")
    await first.step()
    await first.release()
    await second.step()
    assert (first.epoch, second.epoch) == (None, 2)


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0.0, 1.0, 4.0, 9.0, 11.0, 16.0])), max_size=60))
@pytest.mark.asyncio
async def test_never_two_leaders_at_once_and_epochs_only_rise(history: list[tuple[int, float]]) -> None:
    leases, clock = MemoryLeases(), Clock()
    leaders = [make_leader(leases, clock, name) for name in "abc"]
    highest = 0
    for who, seconds in history:
        clock.now += seconds
        await leaders[who].step()
        acting = [leader.epoch for leader in leaders if leader.epoch is not None]
        assert len(acting) <= 1
        if acting:
            assert acting[0] >= highest
            highest = acting[0]
