"""Lets pools breathe: nodes that are to go take no more pods, then the pool's provider is asked for another number."""

from collections.abc import Iterable
from dataclasses import dataclass

from commonpool.kube.client import Client
from commonpool.kube.mirror import Mirror
from commonpool.kube.provider import NodeProvider
from commonpool.kube.read import World
from commonpool.kube.read.fleet import Fleet
from commonpool.kube.resources import NODES
from commonpool.kube.writer import Failure, attempt, attempt_all
from commonpool.model.ids import NodeName, PoolName
from commonpool.model.names import RELEASED_ANNOTATION
from commonpool.model.plan import Plan, ScalePool


@dataclass(frozen=True, slots=True)
class Cordoning:
    """Whether a node shall take pods."""

    node: NodeName
    closed: bool


class Scaler:
    """Does it each round; what a provider refused is asked again by the next plan, because nothing was noted of it."""

    def __init__(self, client: Client, mirror: Mirror, provider: NodeProvider) -> None:
        self.problems: dict[PoolName, str] = {}
        """Why a provider does not take what it was asked for last."""
        self._client = client
        self._mirror = mirror
        self._provider = provider

    async def scale(self, world: World, plan: Plan) -> tuple[tuple[ScalePool, ...], list[Failure]]:
        """What providers have been asked for, and what failed."""
        wanted = {scale.pool: scale for scale in plan.scale}
        cordonings = [each for pool in world.fleet.pools for each in plan_cordons(world.fleet, pool, wanted.get(pool))]
        failures = await attempt_all((f"Node {each.node}", self._cordon(each)) for each in cordonings)
        asked = []
        for scale in plan.scale if not failures else ():
            failure = await attempt(f"provider of GPUPool {scale.pool}", self._ask(world.fleet, scale))
            if failure is None:
                asked.append(scale)
                self.problems.pop(scale.pool, None)
            else:
                failures.append(failure)
                self.problems[scale.pool] = failure.error.message
        self.problems = {pool: problem for pool, problem in self.problems.items() if pool in wanted}
        return tuple(asked), failures

    async def _cordon(self, cordoning: Cordoning) -> None:
        annotations = {RELEASED_ANNOTATION: "true" if cordoning.closed else None}
        patch = {"metadata": {"annotations": annotations}, "spec": {"unschedulable": cordoning.closed or None}}
        self._mirror.learn(NODES, await self._client.merge_patch(NODES, "", cordoning.node, patch))

    async def _ask(self, fleet: Fleet, scale: ScalePool) -> None:
        scaling = fleet.specs[scale.pool].scaling
        if scaling is not None and scaling.provider is not None:
            await self._provider.ask(scaling.provider.scale, scale.nodes)


def plan_cordons(fleet: Fleet, pool: PoolName, scale: ScalePool | None) -> Iterable[Cordoning]:
    """Close what is released, and open again what is no longer to go: more nodes than that are wanted."""
    scaling = fleet.pools[pool].scaling
    if scaling is None:
        return ()
    present = [name for name, node in fleet.nodes.items() if node.pool == pool]
    wanted = scale.nodes if scale is not None else scaling.wanted_nodes
    released = set(scale.release) if scale is not None else set()
    closed = sorted((name for name in present if fleet.facts[name].released), key=lambda name: (name not in released, name))
    staying = closed[: max(0, len(present) - wanted)]
    close = [Cordoning(name, closed=True) for name in sorted(released - set(closed)) if name in fleet.nodes]
    return [*close, *(Cordoning(name, closed=False) for name in closed if name not in staying)]
