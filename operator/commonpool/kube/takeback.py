"""Carries out what a plan takes back, after those whom it hits have been told."""

from commonpool.api.workloadstatus import GPUWorkloadStatus
from commonpool.kube.client import Client
from commonpool.kube.mirror import Mirror
from commonpool.kube.promises import Promises
from commonpool.kube.read import World
from commonpool.kube.reclaim import Reclaim, plan_reclaims, plan_signals
from commonpool.kube.resources import PODS
from commonpool.kube.writer import Failure, Writer, attempt_all
from commonpool.model.ids import WorkloadName
from commonpool.model.plan import Plan


class Takeback:
    """Does it each round; what fails is still in the next plan."""

    def __init__(self, client: Client, mirror: Mirror, writer: Writer, promises: Promises) -> None:
        self._client = client
        self._mirror = mirror
        self._writer = writer
        self._promises = promises

    async def take_back(self, world: World, plan: Plan) -> list[Failure]:
        """Stop, shrink and signal."""
        statuses = read_statuses(self._mirror)
        reclaims = plan_reclaims(world.runs, plan, statuses, world.snapshot.now_at, world.bounds.grace_seconds)
        failures = await attempt_all((f"{each.run.child.kind} {each.run.child.path}", self._carry_out(each)) for each in reclaims)
        signals = plan_signals(world.runs, statuses)
        return failures + await attempt_all((write.subject, self._writer.perform(write)) for write in signals)

    async def _carry_out(self, reclaim: Reclaim) -> None:
        if reclaim.from_rank is not None:
            await self._promises.withdraw(reclaim.run.child, reclaim.from_rank)
        for write in reclaim.writes:
            await self._writer.perform(write)
        for ending in reclaim.pods:
            await self._client.delete(PODS, ending.pod.namespace, ending.pod.name, uid=ending.pod.uid, grace_seconds=ending.grace_seconds)


def read_statuses(mirror: Mirror) -> dict[WorkloadName, GPUWorkloadStatus]:
    """What every GPUWorkload has been told by now."""
    return {
        WorkloadName("/".join(own.key)): own.parsed.status
        for own in mirror.workloads
        if own.parsed is not None and own.parsed.status is not None
    }
