"""What a benchmark of bindings is asked to do."""

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """Who makes the pods and who binds them."""

    CEILING = "ceiling"  # the driver makes and binds them: what the apiserver can do at most
    WRITES = "writes"  # the driver writes all that the pool writes for these gangs, by the same policies: no operator, no scheduler
    STOCK = "stock"  # the driver makes them, stock kube-scheduler binds them: no queue, no quota, no gangs
    POOL = "pool"  # a tenant's Jobs through policies, operator and our scheduler; the driver makes the pods of each Job that is released
    JOBS = "jobs"  # the same, but Kubernetes' own Job controller makes the pods


@dataclass(frozen=True, slots=True)
class Setting:
    """How much of everything."""

    nodes: int = 500
    gpus: int = 8
    gangs: int = 500
    size: int = 8
    runs: int = 3
    held: int = 0
    """Pods of another tenant that wait meanwhile."""
    workers: int = 64
    timeout_seconds: int = 600

    @property
    def pods(self) -> int:
        """Pods that are to be bound."""
        return self.gangs * self.size
