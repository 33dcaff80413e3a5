"""HPC: an Indexed Job with a headless Service, a hostfile for `mpirun`, and a walltime."""

from commonpool.api import GPUWorkload
from commonpool.api.hpc import HPC
from commonpool.kube.children.parts import (
    Manifest,
    build_headless_service,
    build_host,
    build_job,
    build_metadata,
    build_rank_variable,
    build_template,
)
from commonpool.model.snapshot import Pool

HOSTS_DIRECTORY = "/etc/commonpool"
HOSTS_VOLUME = "commonpool-hosts"
HOSTS_SUFFIX = "-hosts"


def build_hpc(workload: GPUWorkload, hpc: HPC, pool: Pool, count: int) -> list[Manifest]:
    """A job of `count` nodes that is stopped after its walltime; as in a batch system one failed rank ends it."""
    hosts = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": build_metadata(workload, HOSTS_SUFFIX),
        "data": {"hostfile": "".join(build_host_line(workload, rank) for rank in range(count))},
    }
    template = build_template(workload, hpc.template, pool, _build_environment(hpc, count))
    _mount_hosts(template["spec"], workload.metadata.name + HOSTS_SUFFIX)
    job = build_job(workload, template, count, 0)
    job["spec"]["activeDeadlineSeconds"] = hpc.walltime_seconds
    return [hosts, build_headless_service(workload), job]


def build_host_line(workload: GPUWorkload, rank: int) -> str:
    """A rank's line of the hostfile, in Open MPI's form: a slot for each accelerator."""
    return f"{build_host(workload, rank)} slots={workload.spec.accelerators.per_replica}\n"


def _build_environment(hpc: HPC, count: int) -> list[Manifest]:
    return [
        build_rank_variable("COMMONPOOL_RANK"),
        {"name": "COMMONPOOL_WORLD_SIZE", "value": str(count)},
        {"name": "COMMONPOOL_HOSTFILE", "value": f"{HOSTS_DIRECTORY}/hostfile"},
        {"name": "COMMONPOOL_WALLTIME_SECONDS", "value": str(hpc.walltime_seconds)},
    ]


def _mount_hosts(pod: Manifest, config_map: str) -> None:
    pod["volumes"] = [*pod.get("volumes", []), {"name": HOSTS_VOLUME, "configMap": {"name": config_map}}]
    for container in pod["containers"]:
        mount = {"name": HOSTS_VOLUME, "mountPath": HOSTS_DIRECTORY, "readOnly": True}
        container["volumeMounts"] = [*(container.get("volumeMounts") or []), mount]
