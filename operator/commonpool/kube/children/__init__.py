"""The ordinary objects that a GPUWorkload runs as: a Job or a Deployment of its own name, and what its pods need to find each other.

Pure builders: the same workload, pool and count give the same manifests. Nothing here writes, reads a cluster or knows a node.
"""

from commonpool.kube.children.build import build_children, build_scale_patch, find_child_key, is_child
from commonpool.kube.children.inference import build_strategy, build_version, count_surge, digest_template
from commonpool.kube.children.refusal import find_refusal

__all__ = [
    "build_children",
    "build_scale_patch",
    "build_strategy",
    "build_version",
    "count_surge",
    "digest_template",
    "find_child_key",
    "find_refusal",
    "is_child",
]
