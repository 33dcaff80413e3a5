"""What a manifest asks for and nobody does yet: said in a condition, so that nothing is accepted in silence."""

from commonpool.api import GPUPool, GPUWorkload, Tenant
from commonpool.api.wishes import parse_wishes
from commonpool.kube.read.needs import count_wanted
from commonpool.kube.read.runs import Run


def list_workload_remarks(run: Run) -> tuple[str, ...]:
    """Of a GPUWorkload, or of an object that a tenant wrote as it is: there also the annotations that nobody understands."""
    workload = run.own.parsed if run.own is not None else None
    if workload is None:
        return ()
    remarks = _list_spec_remarks(workload, count_wanted(run))
    if run.native:
        return remarks
    written = run.made.wishes if run.made is not None else run.pods[0].wishes if run.pods else ()
    return remarks + parse_wishes(dict(written)).problems


def _list_spec_remarks(workload: GPUWorkload, wanted: int) -> tuple[str, ...]:
    spec, remarks = workload.spec, []
    if spec.tier != "Standard":
        remarks.append(f"tier `{spec.tier}` has no effect yet: it runs as `Standard`")
    if spec.training is not None and spec.training.replicas.max > wanted:
        remarks.append(f"it does not grow to `{spec.training.replicas.max}` replicas yet: it stays at `{wanted}`")
    if spec.inference is not None and spec.inference.target is not None:
        remarks.append(f"`target` is not followed yet: it stays at `{wanted}` replicas")
    return tuple(remarks)


def list_pool_remarks(pool: GPUPool) -> tuple[str, ...]:
    """Of a GPUPool."""
    scaling = pool.spec.scaling
    return ("`scaling` has no effect yet: its nodes stay as they are",) if scaling is not None and scaling.provider is not None else ()


def list_tenant_remarks(tenant: Tenant) -> tuple[str, ...]:
    """Of a Tenant."""
    return ("`budget` has no effect yet: nothing waits when it is spent",) if tenant.spec.budget is not None else ()
