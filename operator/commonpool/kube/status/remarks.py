"""What a manifest asks for and nobody does yet: said in a condition, so that nothing is accepted in silence."""

from collections.abc import Collection, Mapping

from commonpool.api import GPUWorkload, Tenant
from commonpool.api.wishes import MIN_RUNTIME_SECONDS, parse_wishes
from commonpool.kube.read.bounds import DEFAULT_BOUNDS, Bounds, read_asked, read_grace_seconds, read_written_wishes
from commonpool.kube.read.moves import Turnover
from commonpool.kube.read.runs import Run
from commonpool.kube.serving import BY_QUOTA
from commonpool.model.ids import PoolName
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Pool


def list_workload_remarks(
    run: Run, pools: Mapping[PoolName, Pool], bounds: Bounds = DEFAULT_BOUNDS, turnover: Turnover | None = None, why: Reason | None = None
) -> tuple[str, ...]:
    """Of a GPUWorkload, or of an object that a tenant wrote as it is: there also the annotations that nobody understands.

    `turnover`: which of a service's pods are being replaced, if it is one; `why`: for what the round lets some of its pods wait.
    """
    workload = run.own.parsed if run.own is not None else None
    if workload is None:
        return ()
    remarks = _hear_bounds(run, bounds)
    inference = workload.spec.inference
    if inference is not None and run.reach is not None and run.reach.pods < inference.replicas.max:
        remarks += (f"`replicas.max` `{inference.replicas.max}` counts as `{run.reach.pods}`: {run.reach.why}",)
    if turnover is not None:
        remarks += _hear_turnover(run, turnover, why)
    if run.native:
        return remarks + _hear_preference(workload, pools)
    return remarks + parse_wishes(read_written_wishes(run)).problems


def _hear_turnover(run: Run, turnover: Turnover, why: Reason | None) -> tuple[str, ...]:
    """How its pods are replaced, and what stands in the way."""
    remarks: tuple[str, ...] = ()
    if run.refused_version:
        remarks += (f"what runs stays as it is, because its new version was refused: {run.refused_version}",)
    if turnover.rolling:
        one_by_one = run.made is not None and not run.made.surges
        how = "an old one first, because there was no room for a pod more" if one_by_one else "a new one ready before an old one goes"
        remarks += (f"a new version comes pod by pod, {how}",)
    elif turnover.going:
        alone = len(turnover.going) == 1
        pods, others = (
            ("pod leaves its node", "another is ready in its") if alone else ("pods leave their nodes", "others are ready in their")
        )
        how = "one by one, because quota allows no pod more" if why in BY_QUOTA else f"when {others} stead"
        remarks += (f"`{len(turnover.going)}` {pods}, {how}",)
    return remarks


def _hear_bounds(run: Run, most: Bounds) -> tuple[str, ...]:
    """What counts as less than it says, because others wait for it."""
    asked = read_asked(run)
    long = (
        ("`minRuntimeSeconds`" if run.native else f"annotation {MIN_RUNTIME_SECONDS}", asked.min_runtime_seconds, most.min_runtime_seconds),
        ("`checkpoint.graceSeconds`", asked.grace_seconds, most.grace_seconds),
        ("`terminationGracePeriodSeconds`", read_grace_seconds(run), most.grace_seconds),
    )
    return tuple(f"{name} `{wish}` counts as `{bound}`: administrators allow no more" for name, wish, bound in long if wish > bound)


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


def list_tenant_remarks(tenant: Tenant, priorities: Collection[str]) -> tuple[str, ...]:
    """Of a Tenant. `priorities`: the PriorityClasses that there are."""
    missing = [f"`{name}`" for name in tenant.spec.priority_classes or () if name not in priorities]
    remarks = (f"there is no PriorityClass {', '.join(missing)}: make it, or take it out of `priorityClasses`",) if missing else ()
    return remarks + (("`budget` has no effect yet: nothing waits when it is spent",) if tenant.spec.budget is not None else ())
