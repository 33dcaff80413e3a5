"""From a workload, its pool and its number of pods to the manifests, in the order in which they must be made."""

from collections.abc import Mapping
from typing import Any

from commonpool.api import GPUWorkload
from commonpool.errors import BugError, UserError
from commonpool.kube.children.hpc import build_hpc
from commonpool.kube.children.inference import build_inference
from commonpool.kube.children.parts import Manifest
from commonpool.kube.children.training import build_training
from commonpool.model.ids import ChildKey
from commonpool.model.names import GROUP
from commonpool.model.snapshot import Pool


def build_children(workload: GPUWorkload, pool: Pool, count: int) -> list[Manifest]:
    """What `workload` is as `count` pods in `pool`; what others refer to comes first, the Job or Deployment last.

    To be created, not applied: an object of that name that is not ours (see `is_child`) is
    somebody's. UserError where the pool offers no resource that pods could ask for.
    """
    if not pool.resource_name:
        raise UserError(
            f"pool `{pool.name}` offers its accelerators as devices to claim, which workloads cannot use yet",
            hint="name a pool that has a `resourceName`",
        )
    spec = workload.spec
    if spec.training is not None:
        return build_training(workload, spec.training, pool, count)
    if spec.inference is not None:
        return build_inference(workload, spec.inference, pool, count)
    if spec.hpc is not None:
        return build_hpc(workload, spec.hpc, pool, count)
    raise BugError(f"`{workload.metadata.name}` is run by the object that it tracks")


def find_child_key(workload: GPUWorkload) -> ChildKey | None:
    """The object whose pods are this workload's; None where it says nothing to run."""
    spec, name, namespace = workload.spec, workload.metadata.name, workload.metadata.namespace or ""
    if spec.tracked is not None:
        return ChildKey(spec.tracked.kind, namespace, spec.tracked.name)
    if spec.training is not None or spec.hpc is not None:
        return ChildKey("Job", namespace, name)
    return ChildKey("Deployment", namespace, name) if spec.inference is not None else None


def build_scale_patch(kind: str, count: int) -> Manifest:
    """The merge patch that gives a child `count` pods; an Indexed Job keeps completions = parallelism."""
    if kind == "Job":
        return {"spec": {"parallelism": count, "completions": count}}
    return {"spec": {"replicas": count}}


def is_child(manifest: Mapping[str, Any], workload: GPUWorkload) -> bool:
    """Whether an object that exists was made for this very workload, and not for one of the same name before it."""
    owners = manifest.get("metadata", {}).get("ownerReferences") or ()
    return any(
        owner.get("controller") and owner.get("uid") == workload.metadata.uid and str(owner.get("apiVersion", "")).startswith(f"{GROUP}/")
        for owner in owners
    )
