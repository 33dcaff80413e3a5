"""What people write: pydantic models of the five kinds, the source of `crds/`.

This package knows the words and their bounds. It must not talk to a cluster, decide anything or look at the clock.
"""

from commonpool.api.gpupool import GPUPool
from commonpool.api.gpuquota import GPUQuota
from commonpool.api.gpuworkload import GPUWorkload
from commonpool.api.round import Round
from commonpool.api.tenant import Tenant

__all__ = ["GPUPool", "GPUQuota", "GPUWorkload", "Round", "Tenant"]
