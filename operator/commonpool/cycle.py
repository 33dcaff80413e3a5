"""One planning round, the same for a live cluster, a saved snapshot and a simulated world."""

from dataclasses import dataclass
from typing import Protocol

from commonpool.engine.protocol import Engine
from commonpool.model.plan import Plan
from commonpool.model.snapshot import Snapshot
from commonpool.planner import plan_round


class Cluster(Protocol):
    """Where the facts of a round come from and its decisions go."""

    def read(self) -> Snapshot:
        """Freeze the facts of now."""
        ...

    async def apply(self, snapshot: Snapshot, plan: Plan) -> None:
        """Make the plan true; what could not be done shows in the next snapshot."""
        ...


@dataclass(frozen=True, slots=True)
class Cycle:
    """What a round saw and what it decided: enough to replay it."""

    snapshot: Snapshot
    plan: Plan


async def run_cycle(cluster: Cluster, engine: Engine) -> Cycle:
    """Read, plan, apply."""
    snapshot = cluster.read()
    plan = plan_round(snapshot, engine)
    await cluster.apply(snapshot, plan)
    return Cycle(snapshot, plan)
