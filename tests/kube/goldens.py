"""Golden cases: `golden/<subject>/<case>.in.yaml` goes through the subject's builder, `.out.yaml` is what must come out.

`python -m tests.kube.goldens` writes the outputs anew, to be looked at in the diff.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import yaml
from tests.builders import GPU, START_AT, Held, make_pool, make_workload

from commonpool.api import GPUWorkload, Tenant
from commonpool.kube import facts, records
from commonpool.kube.children import build_children
from commonpool.kube.events import find_event
from commonpool.kube.facts import ChildFact, NamespaceFact, PodView
from commonpool.kube.read.stints import Stint
from commonpool.kube.status import Progress, WorkloadView, build_workload_status
from commonpool.kube.tenancy import plan_tenancy
from commonpool.kube.tracking import plan_tracking, read_trackables
from commonpool.kube.writes import Write
from commonpool.model.ids import WorkloadName
from commonpool.model.plan import Hold
from commonpool.model.reasons import Reason

GOLDEN = Path(__file__).with_name("golden")
Case = dict[str, Any]


class _Plain(yaml.SafeDumper):
    """No anchors: each part is written out where it stands."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 PyYAML's own name
        return True


def find_cases() -> list[Path]:
    return sorted(GOLDEN.glob("*/*.in.yaml"))


def get_output(case: Path) -> Path:
    return case.with_name(case.name.replace(".in.yaml", ".out.yaml"))


def render_case(case: Path) -> str:
    built = BUILDERS[case.parent.name](yaml.safe_load(case.read_text()))
    return yaml.dump_all(built, Dumper=_Plain, sort_keys=False, width=160)


def read_objects(manifests: Iterable[Case]) -> tuple[list[ChildFact], list[PodView]]:
    """Objects as tenants write them, as the mirror keeps them."""
    children: list[ChildFact] = []
    pods: list[PodView] = []
    for manifest in manifests:
        match manifest["kind"]:
            case "Pod":
                pods.append(facts.read_pod(msgspec.convert(manifest, records.Pod, strict=False)))
            case "Job":
                children.append(facts.read_job(msgspec.convert(manifest, records.Job, strict=False)))
            case kind:
                children.append(facts.read_scaled(kind, msgspec.convert(manifest, records.Scaled, strict=False)))
    return children, pods


def render_writes(writes: Iterable[Write]) -> list[Case]:
    return [{"verb": str(write.verb), "manifest": write.manifest} for write in writes]


def _children(case: Case) -> list[Case]:
    pool = make_pool(case["pool"], resource_name=case.get("resourceName", GPU))
    return build_children(GPUWorkload.model_validate(case["workload"]), pool, case["count"])


def _tenancy(case: Case) -> list[Case]:
    tenancy = plan_tenancy(
        [Tenant.model_validate(tenant) for tenant in case["tenants"]],
        [NamespaceFact(**namespace) for namespace in case.get("namespaces", [])],
        case.get("existing", []),
    )
    problems = {str(tenant): [f"{each.reason}: {each.message}" for each in told] for tenant, told in tenancy.problems.items()}
    return [{"leaving": tenancy.leaving, "problems": problems}, *render_writes(tenancy.writes)]


def _tracking(case: Case) -> list[Case]:
    workloads = [GPUWorkload.model_validate(workload) for workload in case.get("workloads", [])]
    return render_writes(plan_tracking(read_trackables(*read_objects(case["objects"])), workloads, case["namespaces"], [GPU]))


def _status(case: Case) -> list[Case]:
    planned = case.get("planned")
    hold = case.get("hold")
    progress = case["progress"]
    workload = GPUWorkload.model_validate(case["workload"])
    view = WorkloadView(
        workload=workload,
        planned=make_workload(
            replicas=planned["replicas"], tenant=planned["tenant"], held=tuple(Held(**held) for held in planned.get("held", []))
        )
        if planned
        else None,
        hold=Hold(WorkloadName("vision-dev/pretrain"), Reason(hold.pop("reason")), **hold) if hold else None,
        progress=Progress(**{**progress, "outcome": Reason(progress["outcome"]) if "outcome" in progress else None}),
        why=case.get("why", ""),
        stints=tuple(Stint(**stint) for stint in case.get("stints", [])),
    )
    now_at = START_AT + case["after"]
    status = build_workload_status(view, {pool.name: pool for pool in [make_pool()]}, now_at)
    event = find_event(workload, status, now_at)
    return [{"status": status.build_manifest()}, *([event] if event else [])]


BUILDERS: dict[str, Callable[[Case], list[Case]]] = {
    "children": _children,
    "tenancy": _tenancy,
    "tracking": _tracking,
    "status": _status,
}


def main() -> None:
    """Write all outputs anew."""
    for case in find_cases():
        get_output(case).write_text(render_case(case))


if __name__ == "__main__":
    main()
