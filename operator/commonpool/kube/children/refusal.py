"""What a workload may wish for and the pool cannot do: said before anything is planned for it."""

from collections.abc import Collection

from commonpool.api import GPUWorkload
from commonpool.api.hpc import HPC
from commonpool.api.podtemplate import PodTemplate
from commonpool.kube.children.hpc import build_host_line
from commonpool.model.names import GROUP
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Blocked

MOST_HOSTFILE_BYTES = 1_000_000
"""A ConfigMap holds 1 MiB, names and all."""


def find_refusal(workload: GPUWorkload, node_sizes: Collection[int]) -> Blocked | None:
    """Why no children can be made for it as it is written; None if they can.

    `node_sizes`: how many accelerators the nodes have on which it may run.
    """
    spec = workload.spec
    kinds = [kind for kind in (spec.training, spec.inference, spec.hpc) if kind is not None]
    for kind in kinds:
        if (refusal := _judge_template(kind.template)) is not None:
            return refusal
    return _judge_hpc(workload, spec.hpc, node_sizes) if spec.hpc is not None else None


def _judge_template(template: PodTemplate) -> Blocked | None:
    labels = (template.metadata.labels if template.metadata else None) or {}
    if forged := sorted(label for label in labels if label.startswith(f"{GROUP}/")):
        return Blocked(Reason.INVALID_SPEC, f"label `{forged[0]}` in the template is the pool's own: leave it out")
    return None


def _judge_hpc(workload: GPUWorkload, hpc: HPC, node_sizes: Collection[int]) -> Blocked | None:
    if hpc.array is not None:
        return Blocked(
            Reason.NOT_SUPPORTED,
            f"an array of `{hpc.array.count}` jobs is not supported: leave `array` out, and make a GPUWorkload for each job",
        )
    most = max(node_sizes, default=0)
    if hpc.exclusive and workload.spec.accelerators.per_replica < most:
        return Blocked(
            Reason.NOT_SUPPORTED,
            f"`exclusive` is kept only for pods that take all accelerators of a node: set perReplica to `{most}`, or leave `exclusive` out",
        )
    if len(build_host_line(workload, hpc.nodes - 1)) * hpc.nodes > MOST_HOSTFILE_BYTES:
        return Blocked(Reason.NOT_SUPPORTED, f"the hostfile of `{hpc.nodes}` nodes is larger than a ConfigMap may be: ask for fewer nodes")
    return None
