"""What a manifest asks for and nobody does yet: said in a condition, so that nothing is accepted in silence."""

from commonpool.api import Tenant
from commonpool.api.wishes import parse_wishes
from commonpool.kube.read.runs import Run


def list_workload_remarks(run: Run) -> tuple[str, ...]:
    """Of a GPUWorkload, or of an object that a tenant wrote as it is: there also the annotations that nobody understands."""
    workload = run.own.parsed if run.own is not None else None
    if workload is None:
        return ()
    inference = workload.spec.inference
    followed = inference is None or inference.target is None or run.load is not None or run.made is None
    remarks = () if followed else ("`target` is not followed: no administrator has said where loads are read",)
    if run.native:
        return remarks
    written = run.made.wishes if run.made is not None else run.pods[0].wishes if run.pods else ()
    return remarks + parse_wishes(dict(written)).problems


def list_tenant_remarks(tenant: Tenant) -> tuple[str, ...]:
    """Of a Tenant."""
    return ("`budget` has no effect yet: nothing waits when it is spent",) if tenant.spec.budget is not None else ()
