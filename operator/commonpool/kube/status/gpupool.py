"""What a pool has, what of it is given out and what is free."""

from commonpool.api import GPUPool
from commonpool.api.gpupool import GPUPoolStatus, PoolAccelerators
from commonpool.kube.status.conditions import Judgement, build_conditions
from commonpool.kube.status.remarks import list_pool_remarks
from commonpool.model.amounts import GPU_MILLI
from commonpool.model.reasons import Reason
from commonpool.model.usage import NO_USE, PoolUse

EMPTY = PoolUse(nodes=0, total=0, use=NO_USE, foreign=0, free=0, unhealthy=0, free_in_whole_nodes=0)


def build_pool_status(pool: GPUPool, use: PoolUse | None, now_at: int) -> GPUPoolStatus:
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
        conditions=build_conditions(previous.conditions, [_judge(pool, use)], now_at, generation),
        kopf=previous.kopf,
    )


def _judge(pool: GPUPool, use: PoolUse) -> Judgement:
    spec = pool.spec.completed()
    if spec.resource_name is None:
        message = (
            f"accelerators of device class `{spec.device_class_name}` are not given out yet: set `resourceName` if the nodes offer one"
        )
        return Judgement("Ready", "False", Reason.NOT_SUPPORTED, message)
    if not use.nodes:
        return Judgement("Ready", "False", Reason.NO_NODES, "no node matches `nodes`: compare it with `kubectl get nodes --show-labels`")
    if not use.total:
        message = f"{_count(use.nodes)} with these labels, and none offers `{spec.resource_name}`: is the device plugin running there?"
        return Judgement("Ready", "False", Reason.NO_ACCELERATORS, message)
    offer = f"{_count(use.nodes)} {'offers' if use.nodes == 1 else 'offer'} {use.total // GPU_MILLI} `{spec.resource_name}`"
    return Judgement("Ready", "True", Reason.READY, "; ".join((offer, *list_pool_remarks(pool))))


def _count(nodes: int) -> str:
    return "1 node" if nodes == 1 else f"{nodes} nodes"
