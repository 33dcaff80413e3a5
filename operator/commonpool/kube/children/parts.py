"""What all children have in common: metadata, labels, and the pod template with the accelerators in it."""

from typing import Any

from commonpool.api import GPUWorkload
from commonpool.api.podtemplate import PodTemplate
from commonpool.model.names import API_VERSION, POOL_TAINT, SCHEDULER_NAME
from commonpool.model.snapshot import Pool

Manifest = dict[str, Any]

RANK_FIELD = "metadata.annotations['batch.kubernetes.io/job-completion-index']"


def build_labels(workload: GPUWorkload) -> dict[str, str]:
    """What tells these objects, and their pods, from all others of the namespace.

    Ordinary labels: one under `commonpool.dev/` would be refused on pods, whose creator is the job controller.
    """
    return {"app.kubernetes.io/instance": workload.metadata.name, "app.kubernetes.io/managed-by": "commonpool"}


def build_metadata(workload: GPUWorkload, suffix: str = "") -> Manifest:
    """Name, namespace, labels and the owner, whose deletion need not wait for this object."""
    name = workload.metadata.name
    owner = {"apiVersion": API_VERSION, "kind": "GPUWorkload", "name": name, "uid": workload.metadata.uid or ""}
    return {
        "name": f"{name}{suffix}",
        "namespace": workload.metadata.namespace or "",
        "labels": build_labels(workload),
        "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": False}],
    }


def build_template(workload: GPUWorkload, template: PodTemplate, pool: Pool, environment: list[Manifest]) -> Manifest:
    """The tenant's template with what the pool needs added: accelerators, scheduler, toleration, priority, labels, environment.

    A variable that a container sets itself stays as it is; ours come before it, so that it can refer to them.
    """
    manifest = template.build_manifest()
    metadata = manifest.setdefault("metadata", {})
    metadata["labels"] = {"app.kubernetes.io/name": workload.metadata.name, **(metadata.get("labels") or {}), **build_labels(workload)}
    spec = manifest["spec"]
    spec["schedulerName"] = SCHEDULER_NAME
    toleration = {"key": POOL_TAINT, "operator": "Exists", "effect": "NoSchedule"}
    if toleration not in spec.get("tolerations", []):
        spec["tolerations"] = [*spec.get("tolerations", []), toleration]
    if workload.spec.priority_class_name is not None:
        spec["priorityClassName"] = workload.spec.priority_class_name
    for container in spec["containers"]:
        given = container.get("env") or []
        named = {variable.get("name") for variable in given}
        if together := [variable for variable in environment if variable["name"] not in named] + given:
            container["env"] = together
    resources = spec["containers"][0].setdefault("resources", {})
    for side in ("limits", "requests"):
        resources[side] = {**(resources.get(side) or {}), pool.resource_name: str(workload.spec.accelerators.per_replica)}
    return manifest


def build_job(workload: GPUWorkload, template: Manifest, count: int, backoff_limit: int) -> Manifest:
    """An Indexed Job of `count` pods that run at once, each under the host name `<job>-<rank>`.

    A pod that the cluster took away (eviction, a lost node) is replaced without counting as a failure,
    and only after the old one has ended: its place in the pool is the one that was promised.
    """
    pod = template["spec"]
    pod.setdefault("restartPolicy", "Never")
    pod["subdomain"] = workload.metadata.name
    spec: Manifest = {
        "completionMode": "Indexed",
        "completions": count,
        "parallelism": count,
        "backoffLimit": backoff_limit,
        "podReplacementPolicy": "Failed",
        "template": template,
    }
    if pod["restartPolicy"] == "Never":  # the API allows the policy with no other
        ignored = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
        spec["podFailurePolicy"] = {"rules": [ignored]}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": build_metadata(workload), "spec": spec}


def build_headless_service(workload: GPUWorkload) -> Manifest:
    """Names for the pods of a Job, also before they are ready: they wait for each other."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": build_metadata(workload),
        "spec": {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": build_labels(workload)},
    }


def build_host(workload: GPUWorkload, rank: int) -> str:
    """The name under which the pod of a rank is found, whatever the cluster's domain."""
    name = workload.metadata.name
    return f"{name}-{rank}.{name}.{workload.metadata.namespace}.svc"


def build_rank_variable(name: str) -> Manifest:
    """A variable that holds the pod's rank."""
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": RANK_FIELD}}}
