"""How long to gather changes before the next round.

A round reads everything anew, so its cost grows with the cluster and not with what has changed. While pods
come and go by the hundred, rounds that followed each other at once would take a whole processor and decide no more.
"""

from collections.abc import Callable

GATHER_SECONDS = 0.05
"""Changes that come within this time are planned together."""
REST = 2.0
"""After a round, so many times its computing time pass before the next: at most a third of a processor is spent on rounds."""
LONGEST_REST_SECONDS = 1.0


class Pace:
    """One after another, as fast as they are cheap; the first change after a quiet time waits no longer than the gathering."""

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady = steady
        self._rested_at = 0.0

    def find_pause_seconds(self) -> float:
        """How long to wait, now that something has changed."""
        return max(GATHER_SECONDS, self._rested_at - self._steady())

    def note_round(self, computing_seconds: float) -> None:
        """A round has just ended that took so much computing."""
        self._rested_at = self._steady() + min(LONGEST_REST_SECONDS, REST * computing_seconds)
