"""Pauses for workloads that failed for reasons of their own: each time twice as long, until they succeed or are changed.

Kept in the process: who leads next tries them once more, which costs one try.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from commonpool.kube.read.runs import Run
from commonpool.model.ids import ChildKey

LONGEST_PAUSE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Setback:
    """What failed, and when it is tried again."""

    message: str
    generation: int
    until_at: int
    times: int


class Setbacks:
    """By child; the first pause is so long."""

    def __init__(self, first_pause_seconds: int) -> None:
        self._first_pause_seconds = first_pause_seconds
        self._known: dict[ChildKey, Setback] = {}

    def note(self, run: Run, message: str, now_at: int) -> None:
        """It has failed now."""
        before = self._known.get(run.child)
        times = before.times + 1 if before is not None else 0
        pause_seconds = min(LONGEST_PAUSE_SECONDS, self._first_pause_seconds << min(times, 10))
        generation = run.own.generation if run.own is not None else 0
        self._known[run.child] = Setback(message, generation, now_at + pause_seconds, times)

    def forget(self, child: ChildKey) -> None:
        """It has succeeded."""
        self._known.pop(child, None)

    def retain(self, children: Collection[ChildKey]) -> None:
        """Forget all others."""
        self._known = {child: setback for child, setback in self._known.items() if child in children}

    def __contains__(self, child: ChildKey) -> bool:
        return child in self._known

    def __bool__(self) -> bool:
        return bool(self._known)

    def find(self, now_at: int, generations: Mapping[tuple[str, str], int]) -> dict[ChildKey, str]:
        """Those that pause, and why: neither has their time come, nor has their workload changed. `generations`: of workloads by name."""
        return {
            child: setback.message
            for child, setback in self._known.items()
            if now_at < setback.until_at and generations.get((child.namespace, child.name), setback.generation) == setback.generation
        }

    def find_next_due(self, now_at: int) -> int | None:
        """When the next pause ends."""
        return min((setback.until_at for setback in self._known.values() if setback.until_at > now_at), default=None)
