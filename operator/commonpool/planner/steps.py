"""By how many pods elastic work may grow."""

from dataclasses import dataclass

from commonpool.model.elastic import count_off_grid
from commonpool.model.snapshot import Workload


@dataclass(frozen=True, slots=True)
class Steps:
    """Numbers of pods: `first`, then each `step` more, up to `most` (0 if not even the first)."""

    first: int
    step: int
    most: int

    def up_to(self, pods: int) -> "Steps":
        """Those within so many pods."""
        most = min(self.most, pods)
        return Steps(self.first, self.step, most - (most - self.first) % self.step if most >= self.first else 0)

    def after(self, size: int) -> "Steps":
        """The same on top of so many pods."""
        return Steps(self.first + size, self.step, self.most + size)


def find_steps(workload: Workload, size: int, most: int) -> Steps:
    """By how many pods it may grow, at most `most`."""
    elastic = workload.elastic
    step = 1 if elastic is None else elastic.step
    over = 0 if elastic is None else count_off_grid(elastic, size)
    return Steps(step - over, step, most)
