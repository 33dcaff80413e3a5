"""HPC: a job on a fixed number of nodes, with a walltime, as in a batch system."""

from typing import Annotated, ClassVar

from pydantic import Field

from commonpool.api.names import Name
from commonpool.api.podtemplate import RUNS_TO_THE_END, PodTemplate
from commonpool.api.resource import Model
from commonpool.api.rules import SET, Rule
from commonpool.api.timestamp import Timestamp


class Array(Model):
    """The same job many times over, each with its own index."""

    count: Annotated[int, Field(ge=1, le=10_000)]
    """How many times."""


class HPC(Model):
    """A job on a fixed number of nodes: an Indexed Job and a headless Service, with rank, hostfile and walltime in its environment."""

    rules: ClassVar[tuple[Rule, ...]] = (RUNS_TO_THE_END,)

    nodes: Annotated[int, Field(ge=1, le=100_000)]
    """Nodes (one pod each) that start together."""
    walltime_seconds: Annotated[int, Field(ge=1, le=31_536_000)]
    """Seconds after which it is stopped, from when it has its places: pulling images counts too. Then its pods are told to end and have the
    terminationGracePeriodSeconds of the template, 30 if it says none, until they are killed. The shorter, the sooner it finds a gap."""
    exclusive: bool = False
    """True: nobody else's pods on its nodes."""
    start_time: Timestamp | None = None
    """It does not start before this instant, e.g. 2027-01-01T06:00:00Z."""
    after: Annotated[list[Name], Field(max_length=32), SET] | None = None
    """GPUWorkloads of the same namespace that must have succeeded before it starts."""
    array: Array | None = None
    """The same job many times over."""
    template: PodTemplate
    """What the pods are. The accelerators are added to the first container."""
