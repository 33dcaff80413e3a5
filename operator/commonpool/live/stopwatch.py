"""How long each part of a round takes: a cluster that notes when it was asked."""

from collections.abc import Callable
from dataclasses import dataclass

from commonpool.cycle import Cluster
from commonpool.model.plan import Plan
from commonpool.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds that the parts of one round took, and on the same clock when it ended."""

    read: float
    plan: float
    apply: float
    ended_at: float

    @property
    def whole(self) -> float:
        """The round from its beginning to its end."""
        return self.read + self.plan + self.apply


class Stopwatch:
    """`cycle.Cluster` around another one; `times` are those of the last round."""

    def __init__(self, cluster: Cluster, steady: Callable[[], float]) -> None:
        self.times: Times | None = None
        self._cluster = cluster
        self._steady = steady
        self._began_at = self._read_at = 0.0

    def read(self) -> Snapshot:
        """Freeze the facts of now."""
        self._began_at = self._steady()
        snapshot = self._cluster.read()
        self._read_at = self._steady()
        return snapshot

    async def apply(self, snapshot: Snapshot, plan: Plan) -> None:
        """Make the plan true; what lies between the reading and this is the planning."""
        planned_at = self._steady()
        await self._cluster.apply(snapshot, plan)
        ended_at = self._steady()
        self.times = Times(self._read_at - self._began_at, planned_at - self._read_at, ended_at - planned_at, ended_at)
