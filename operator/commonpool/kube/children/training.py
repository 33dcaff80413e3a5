"""Training: an Indexed Job whose pods find rank 0 through a headless Service.

`torchrun script.py` needs no arguments there: it reads PET_*. Other launchers read
MASTER_ADDR and MASTER_PORT, and COMMONPOOL_RANK and COMMONPOOL_WORLD_SIZE, which count pods. A
training that may grow and shrink has no world size but the least and the most of it.
"""

from commonpool.api import GPUWorkload
from commonpool.api.training import Replicas, Training
from commonpool.kube.children.parts import Manifest, build_headless_service, build_host, build_job, build_rank_variable, build_template
from commonpool.model.names import RESIZE_ANNOTATION
from commonpool.model.snapshot import Pool

MASTER_PORT = 29500
RESTARTS_OF_THE_GANG = 3
SIGNAL_DIRECTORY = "/etc/commonpool"
SIGNAL_FILE = "resize"
SIGNAL_VOLUME = "commonpool-resize"


def build_training(workload: GPUWorkload, training: Training, pool: Pool, count: int) -> list[Manifest]:
    """A gang of `count` pods; when one crashes all do, so each restart of the gang may count as `count` failures."""
    sizes = training.replicas
    elastic = sizes.min < sizes.max
    environment = _build_elastic_environment(workload, sizes) if elastic else _build_environment(workload, count)
    template = build_template(workload, training.template, pool, environment)
    if elastic:
        _mount_signal(template["spec"])
    if training.checkpoint is not None:
        own = template["spec"].get("terminationGracePeriodSeconds", 1)  # with 0 a pod would be gone before its containers are
        template["spec"]["terminationGracePeriodSeconds"] = max(own, training.checkpoint.grace_seconds)
    most = sizes.max if elastic else count
    return [build_headless_service(workload), build_job(workload, template, count, RESTARTS_OF_THE_GANG * most)]


def _build_environment(workload: GPUWorkload, count: int) -> list[Manifest]:
    first = build_host(workload, 0)
    return [
        build_rank_variable("COMMONPOOL_RANK"),
        {"name": "COMMONPOOL_WORLD_SIZE", "value": str(count)},
        {"name": "MASTER_ADDR", "value": first},
        {"name": "MASTER_PORT", "value": str(MASTER_PORT)},
        build_rank_variable("PET_NODE_RANK"),
        {"name": "PET_NNODES", "value": str(count)},
        {"name": "PET_NPROC_PER_NODE", "value": str(workload.spec.accelerators.per_replica)},
        {"name": "PET_MASTER_ADDR", "value": first},
        {"name": "PET_MASTER_PORT", "value": str(MASTER_PORT)},
    ]


def _build_elastic_environment(workload: GPUWorkload, sizes: Replicas) -> list[Manifest]:
    """No size is for ever, so `torchrun` meets at rank 0 (c10d) with as many as are there."""
    first = build_host(workload, 0)
    return [
        build_rank_variable("COMMONPOOL_RANK"),
        {"name": "COMMONPOOL_MIN_WORLD_SIZE", "value": str(sizes.min)},
        {"name": "COMMONPOOL_MAX_WORLD_SIZE", "value": str(sizes.max)},
        {"name": "COMMONPOOL_RESIZE_FILE", "value": f"{SIGNAL_DIRECTORY}/{SIGNAL_FILE}"},
        {"name": "MASTER_ADDR", "value": first},
        {"name": "MASTER_PORT", "value": str(MASTER_PORT)},
        {"name": "PET_NNODES", "value": f"{sizes.min}:{sizes.max}"},
        {"name": "PET_NPROC_PER_NODE", "value": str(workload.spec.accelerators.per_replica)},
        {"name": "PET_RDZV_BACKEND", "value": "c10d"},
        {"name": "PET_RDZV_ENDPOINT", "value": f"{first}:{MASTER_PORT}"},
        {"name": "PET_RDZV_ID", "value": workload.metadata.uid or ""},
    ]


def _mount_signal(pod: Manifest) -> None:
    """The annotation that tells of a shrink as a file: empty, until there is something to tell, and on rank 0 only."""
    item = {"path": SIGNAL_FILE, "fieldRef": {"fieldPath": f"metadata.annotations['{RESIZE_ANNOTATION}']"}}
    pod["volumes"] = [*pod.get("volumes", []), {"name": SIGNAL_VOLUME, "downwardAPI": {"items": [item]}}]
    for container in pod["containers"]:
        mount = {"name": SIGNAL_VOLUME, "mountPath": SIGNAL_DIRECTORY, "readOnly": True}
        container["volumeMounts"] = [*(container.get("volumeMounts") or []), mount]
