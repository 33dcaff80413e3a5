"""What a tenant holds, what it waits for, and whether its namespaces are in place."""

from collections.abc import Collection, Mapping, Sequence

from commonpool.api import Tenant
from commonpool.api.conditions import find_condition
from commonpool.api.tenant import TenantStatus, TenantUsage
from commonpool.kube.status.conditions import Judgement, build_conditions, shorten
from commonpool.kube.status.remarks import list_tenant_remarks
from commonpool.model.amounts import GPU_MILLI
from commonpool.model.demand import NO_DEMAND, Demand
from commonpool.model.ids import TenantName
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Blocked
from commonpool.model.usage import NO_USE, Usage, list_above


def build_tenant_status(  # noqa: PLR0913 one argument a part of what is known
    tenant: Tenant,
    usage: Usage,
    demands: Mapping[TenantName, Demand],
    problems: Sequence[Blocked],
    now_at: int,
    *,
    priorities: Collection[str] = (),
) -> TenantStatus:
    """The status as it should be; `problems` are those of its namespaces, of its parent, and what it holds that nobody counts.

    `priorities`: the PriorityClasses that there are.
    """
    previous = tenant.status or TenantStatus()
    name, generation = TenantName(tenant.metadata.name), tenant.metadata.generation
    demand = demands.get(name, NO_DEMAND)
    held = {pool: usage.subtrees.get((name, pool), NO_USE).total for pool in sorted(usage.pools)}
    lines = [
        TenantUsage(pool=pool, accelerators=amount // GPU_MILLI, waiting=demand.asked[pool] // GPU_MILLI)
        for pool, amount in held.items()
        if amount or demand.asked[pool]
    ]
    percent = max((amount * 100 // usage.pools[pool].total for pool, amount in held.items() if usage.pools[pool].total), default=0)
    return TenantStatus(
        observed_generation=generation,
        usage=lines,
        summary=shorten(" ".join(f"{line.pool}={line.accelerators}" for line in lines if line.accelerators)),
        workloads=demand.holding,
        waiting=demand.waiting,
        share=f"{percent}%",
        debt=previous.debt,
        spent=previous.spent,
        forecast=previous.forecast,
        conditions=build_conditions(
            previous.conditions, _judge_all(tenant, problems, list_tenant_remarks(tenant, priorities)), now_at, generation
        ),
        kopf=previous.kopf,
    )


def find_parent_problem(tenant: Tenant, tenants: Mapping[str, Tenant]) -> Blocked | None:
    """What is wrong with a tenant's place in the tree of all tenants."""
    name, parent = TenantName(tenant.metadata.name), tenant.spec.parent
    if parent is None:
        return None
    if parent not in tenants:
        return Blocked(
            Reason.PARENT_NOT_FOUND, f"there is no Tenant `{parent}`: make it, or leave `parent` out; until then it stands alone"
        )
    parents = {TenantName(key): TenantName(each.spec.parent) if each.spec.parent else None for key, each in tenants.items()}
    if parents[list_above(name, parents)[-1]] in parents:
        return Blocked(Reason.PARENT_CIRCLE, f"following `parent` from `{name}` goes round in a circle: give one a new parent")
    return None


def _judge_all(tenant: Tenant, problems: Sequence[Blocked], remarks: Sequence[str]) -> list[Judgement]:
    """Whether it is ready; and whether all that it holds is counted, if that is not so or was not."""
    judgements = [_judge(tenant, [problem for problem in problems if problem.reason is not Reason.NOT_COUNTED], remarks)]
    stray = next((problem for problem in problems if problem.reason is Reason.NOT_COUNTED), None)
    if stray is not None:
        judgements.append(Judgement("Counted", "False", stray.reason, stray.message))
    elif tenant.status is not None and find_condition(tenant.status.conditions or [], "Counted") is not None:
        judgements.append(Judgement("Counted", "True", Reason.COUNTED, "all that it holds is on nodes of pools"))
    return judgements


def _judge(tenant: Tenant, problems: Sequence[Blocked], remarks: Sequence[str]) -> Judgement:
    if problems:
        return Judgement("Ready", "False", problems[0].reason, "; ".join(problem.message for problem in problems))
    namespaces, members = len(tenant.spec.namespaces or ()), len(tenant.spec.members or ())
    sentence = f"{_count(namespaces, 'namespace')}, {_count(members, 'member')}"
    return Judgement("Ready", "True", Reason.READY, "; ".join((sentence, *remarks)))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
