"""What the operator says about each of our objects: its status, from (snapshot, plan, facts of pods), the status before and now.

Pure, and quiet: where nothing has changed the same status comes out, whatever the time, so that
nothing is written. What one tenant reads names no other.
"""

from commonpool.kube.status.delay import find_telling_at
from commonpool.kube.status.gpupool import Breath, build_pool_status
from commonpool.kube.status.gpuquota import build_quota_status
from commonpool.kube.status.gpuworkload import WorkloadView, build_workload_status
from commonpool.kube.status.patch import find_status_patch
from commonpool.kube.status.progress import Progress, read_progress
from commonpool.kube.status.tenant import build_tenant_status, find_parent_problem
from commonpool.kube.status.untold import Untold

__all__ = [
    "Breath",
    "Progress",
    "Untold",
    "WorkloadView",
    "build_pool_status",
    "build_quota_status",
    "build_tenant_status",
    "build_workload_status",
    "find_parent_problem",
    "find_status_patch",
    "find_telling_at",
    "read_progress",
]
