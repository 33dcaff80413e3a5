import asyncio

from commonpool.live.pace import GATHER_SECONDS, LONGEST_LEISURE_SECONDS, LONGEST_REST_SECONDS, Bell, Pace, wait_any


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_cheap_rounds_follow_each_other_after_the_gathering() -> None:
    pace = Pace(Clock())
    assert pace.find_pause_seconds() == GATHER_SECONDS
    pace.note_round(0.001)
    assert pace.find_pause_seconds() == GATHER_SECONDS


def test_a_dear_round_is_followed_by_a_rest_in_proportion() -> None:
    pace = Pace(Clock())
    pace.note_round(0.2)
    assert round(pace.find_pause_seconds(), 6) == 0.4


def test_a_rest_is_never_long() -> None:
    pace = Pace(Clock())
    pace.note_round(60)
    assert pace.find_pause_seconds() == LONGEST_REST_SECONDS
    assert pace.find_leisure_seconds() == LONGEST_LEISURE_SECONDS


def test_what_needs_no_decision_waits_longer_but_not_after_a_cheap_round() -> None:
    pace = Pace(Clock())
    assert pace.find_leisure_seconds() == 0
    pace.note_round(0.1)
    assert round(pace.find_leisure_seconds(), 6) == 1.5
    assert round(pace.find_pause_seconds(), 6) == 0.2


def test_after_a_quiet_time_nothing_waits_for_a_rest() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.note_round(0.2)
    clock.now += 5
    assert pace.find_pause_seconds() == GATHER_SECONDS


async def test_waiting_for_one_of_several_ends_with_the_first_or_with_the_time() -> None:
    first, second = asyncio.Event(), asyncio.Event()
    await wait_any(first, second, timeout_seconds=0.001)
    second.set()
    async with asyncio.timeout(5):
        await wait_any(first, second, timeout_seconds=60)
    assert not first.is_set()


def test_a_bell_knows_when_it_was_rung_first() -> None:
    clock = Clock()
    bell = Bell(clock)
    for clock.now in (101.0, 105.0):
        bell.set()
    assert bell.rung_at == 101.0
    bell.clear()
    clock.now = 109.0
    bell.set()
    assert bell.rung_at == 109.0
