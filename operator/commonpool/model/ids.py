"""Names of things. They are all strings; the types keep one from standing for another."""

from dataclasses import dataclass
from typing import NewType

NodeName = NewType("NodeName", str)
PoolName = NewType("PoolName", str)
TenantName = NewType("TenantName", str)
WorkloadName = NewType("WorkloadName", str)
"""`namespace/name` of a GPUWorkload."""


@dataclass(frozen=True, slots=True, order=True)
class ChildKey:
    """The object whose pods a workload runs as: what a Round names and a pod leads to."""

    kind: str
    namespace: str
    name: str

    @property
    def path(self) -> str:
        """`namespace/name`, as a Round writes it."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class Seat:
    """Which pod of a workload: one that exists (by name), one that will exist (by rank), or any (neither)."""

    rank: int = -1
    pod: str = ""


ANY_SEAT = Seat()
