"""How long to gather changes before the next round.

A round reads everything anew, so its cost grows with the cluster and not with what has changed. While pods
come and go by the hundred, rounds that followed each other at once would take a whole processor and decide no more.
"""

import asyncio
from collections.abc import Callable

GATHER_SECONDS = 0.05
"""Changes that come within this time are planned together."""
REST = 2.0
"""After a round, so many times its computing time pass before the next, if somebody waits for a decision."""
LONGEST_REST_SECONDS = 1.0
LEISURE = 15.0
"""The same if nobody does."""
LONGEST_LEISURE_SECONDS = 3.0


class Bell(asyncio.Event):
    """An event that knows when it was set first since it was last cleared."""

    def __init__(self, steady: Callable[[], float]) -> None:
        super().__init__()
        self._steady = steady
        self.rung_at = 0.0

    def set(self) -> None:
        """Ring; whoever rings again changes nothing."""
        if not self.is_set():
            self.rung_at = self._steady()
        super().set()


class Pace:
    """One after another, as fast as they are cheap; the first change after a quiet time waits no longer than the gathering."""

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady = steady
        self._ended_at = 0.0
        self._computing_seconds = 0.0

    def find_pause_seconds(self) -> float:
        """How long to gather, now that something has changed for which a decision may be due."""
        return max(GATHER_SECONDS, self._find_rest(min(LONGEST_REST_SECONDS, REST * self._computing_seconds)))

    def find_leisure_seconds(self) -> float:
        """How long to wait for such a change, if what has changed needs no decision."""
        return max(0.0, self._find_rest(min(LONGEST_LEISURE_SECONDS, LEISURE * self._computing_seconds)))

    def note_round(self, computing_seconds: float) -> None:
        """A round has just ended that took so much computing."""
        self._ended_at, self._computing_seconds = self._steady(), computing_seconds

    def _find_rest(self, seconds: float) -> float:
        return self._ended_at + seconds - self._steady()


async def wait_any(*events: asyncio.Event, timeout_seconds: float) -> None:
    """Until one of them is set, or the time is over."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
