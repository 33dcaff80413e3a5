"""What a manifest asks for and nobody does yet: said in a condition, so that nothing is accepted in silence."""

from collections.abc import Mapping

from commonpool.api import GPUWorkload, Tenant
from commonpool.api.wishes import parse_wishes
from commonpool.kube.read.runs import Run
from commonpool.model.ids import PoolName
from commonpool.model.snapshot import Pool


def list_workload_remarks(run: Run, pools: Mapping[PoolName, Pool]) -> tuple[str, ...]:
    """Of a GPUWorkload, or of an object that a tenant wrote as it is: there also the annotations that nobody understands."""
    workload = run.own.parsed if run.own is not None else None
    if workload is None:
        return ()
    inference = workload.spec.inference
    followed = inference is None or inference.target is None or run.load is not None or run.made is None
    remarks = () if followed else ("`target` is not followed: no administrator has said where loads are read",)
    if run.native:
        return remarks + _hear_preference(workload, pools)
    written = run.made.wishes if run.made is not None else run.pods[0].wishes if run.pods else ()
    return remarks + parse_wishes(dict(written)).problems


def _hear_preference(workload: GPUWorkload, pools: Mapping[PoolName, Pool]) -> tuple[str, ...]:
    """A topology level that none of its pools has is preferred in vain; one that is required so is a reason to wait."""
    preferred = workload.spec.placement.preferred if workload.spec.placement is not None else None
    choices = workload.spec.accelerators.any_of or ()
    named = [PoolName(choice.pool) for choice in choices if choice.pool is not None]
    known = [pools[name] for name in named if name in pools] if named and len(named) == len(choices) else list(pools.values())
    if preferred is None or not known or any(preferred in pool.topology for pool in known):
        return ()
    levels = ", ".join(f"`{level}`" for level in dict.fromkeys(level for pool in known for level in pool.topology)) or "none"
    return (f"`placement.preferred` has no effect: none of its pools has a topology level `{preferred}`; they have: {levels}",)


def list_tenant_remarks(tenant: Tenant) -> tuple[str, ...]:
    """Of a Tenant."""
    return ("`budget` has no effect yet: nothing waits when it is spent",) if tenant.spec.budget is not None else ()
