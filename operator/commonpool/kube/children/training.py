"""Training: an Indexed Job whose pods find rank 0 through a headless Service.

`torchrun script.py` needs no arguments there: it reads PET_*. Other launchers read
MASTER_ADDR and MASTER_PORT, and COMMONPOOL_RANK and COMMONPOOL_WORLD_SIZE, which count pods.
"""

from commonpool.api import GPUWorkload
from commonpool.api.training import Training
from commonpool.kube.children.parts import Manifest, build_headless_service, build_host, build_job, build_rank_variable, build_template
from commonpool.model.snapshot import Pool

MASTER_PORT = 29500
RESTARTS_OF_THE_GANG = 3


def build_training(workload: GPUWorkload, training: Training, pool: Pool, count: int) -> list[Manifest]:
    """A gang of `count` pods; when one crashes all do, so each restart of the gang may count as `count` failures."""
    template = build_template(workload, training.template, pool, _build_environment(workload, count))
    if training.checkpoint is not None:
        own = template["spec"].get("terminationGracePeriodSeconds", 0)
        template["spec"]["terminationGracePeriodSeconds"] = max(own, training.checkpoint.grace_seconds)
    return [build_headless_service(workload), build_job(workload, template, count, RESTARTS_OF_THE_GANG * count)]


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
