"""What a pool has, what of it is given out and what is free, and how it breathes."""

from dataclasses import dataclass

from commonpool.api import GPUPool
from commonpool.api.gpupool import GPUPoolStatus, PoolAccelerators, ScalingStatus
from commonpool.kube.status.conditions import Judgement, build_conditions, read_instant
from commonpool.model.amounts import GPU_MILLI
from commonpool.model.ids import PoolName
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Scaling
from commonpool.model.usage import NO_USE, PoolUse

EMPTY = PoolUse(nodes=0, total=0, use=NO_USE, foreign=0, free=0, unhealthy=0, free_in_whole_nodes=0, largest_node=0)


@dataclass(frozen=True, slots=True)
class Breath:
    """How the pool's number of nodes is being changed, and why it has none."""

    scaling: Scaling | None = None
    """As the round leaves it; None: it stays as it is."""
    problem: str = ""
    """Why its provider does not take what it is asked for; empty if it does."""
    rival: PoolName | None = None
    """Of a pool without nodes: who has nodes that it would take."""


NO_BREATH = Breath()


def build_pool_status(pool: GPUPool, use: PoolUse | None, now_at: int, breath: Breath = NO_BREATH) -> GPUPoolStatus:
    """The status as it should be; `use` is its part of `model.usage.sum_usage`, None if the snapshot does not know it."""
    previous, use = pool.status or GPUPoolStatus(), use or EMPTY
    generation = pool.metadata.generation
    return GPUPoolStatus(
        observed_generation=generation,
        nodes=use.nodes,
        accelerators=PoolAccelerators(
            total=use.total // GPU_MILLI,
            promised=use.use.total // GPU_MILLI,
            free=use.free // GPU_MILLI,
            unhealthy=use.unhealthy // GPU_MILLI,
        ),
        resource_name=pool.spec.completed().resource_name,
        largest_free_gang=use.free_in_whole_nodes // GPU_MILLI,
        scaling=_build_scaling(breath.scaling),
        conditions=build_conditions(previous.conditions, [_judge(pool, use, breath), *_judge_breath(pool, breath)], now_at, generation),
        kopf=previous.kopf,
    )


def _build_scaling(scaling: Scaling | None) -> ScalingStatus | None:
    if scaling is None:
        return None
    since_at = scaling.surplus_since_at
    return ScalingStatus(wanted_nodes=scaling.wanted_nodes, surplus_since=read_instant(since_at) if since_at else None)


def _judge_breath(pool: GPUPool, breath: Breath) -> list[Judgement]:
    if breath.problem:
        return [
            Judgement("Scaling", "False", Reason.PROVIDER_REFUSED, f"its provider does not take what it is asked for: {breath.problem}")
        ]
    if breath.scaling is None:
        said = pool.spec.scaling
        if said is None or said.provider is None:
            return []
        message = "there is no node to see what a new one would be: say in `scaling.node` what it gives to pods"
        return [Judgement("Scaling", "False", Reason.NO_NODES, message)]
    return [Judgement("Scaling", "True", Reason.PROVIDER_ASKED, f"its provider was asked for {_count(breath.scaling.wanted_nodes)}")]


def _judge(pool: GPUPool, use: PoolUse, breath: Breath) -> Judgement:
    spec = pool.spec.completed()
    if spec.resource_name is None:
        message = (
            f"accelerators of device class `{spec.device_class_name}` are not given out yet: set `resourceName` if the nodes offer one"
        )
        return Judgement("Ready", "False", Reason.NOT_SUPPORTED, message)
    if not use.nodes:
        return _judge_empty(breath)
    if not use.total:
        message = f"{_count(use.nodes)} with these labels, and none offers `{spec.resource_name}`: is the device plugin running there?"
        return Judgement("Ready", "False", Reason.NO_ACCELERATORS, message)
    if use.largest_node < spec.group_size * GPU_MILLI:
        largest = f"the largest offers {use.largest_node // GPU_MILLI} `{spec.resource_name}`"
        message = f"no node has a whole group of `{spec.group_size}` accelerators, {largest}: lower `groupSize`"
        return Judgement("Ready", "False", Reason.NO_ACCELERATORS, message)
    offer = f"{_count(use.nodes)} {'offers' if use.nodes == 1 else 'offer'} {use.total // GPU_MILLI} `{spec.resource_name}`"
    return Judgement("Ready", "True", Reason.READY, offer)


def _judge_empty(breath: Breath) -> Judgement:
    if breath.scaling is not None:
        return Judgement("Ready", "True", Reason.READY, f"no nodes now, up to {breath.scaling.most_nodes} when work needs them")
    message = "no node matches `nodes`: compare it with `kubectl get nodes --show-labels`"
    if breath.rival is not None:
        message = f"pool `{breath.rival}` has the nodes that match `nodes`: a node is in one pool only, so let the selectors differ"
    return Judgement("Ready", "False", Reason.NO_NODES, message)


def _count(nodes: int) -> str:
    return "1 node" if nodes == 1 else f"{nodes} nodes"
