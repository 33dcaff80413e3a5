"""Inference: replicas that stay up behind one address and follow their load."""

from typing import Annotated, ClassVar

from pydantic import Field

from commonpool.api.names import Word
from commonpool.api.podtemplate import RUNS_FOR_EVER, PodTemplate
from commonpool.api.quantity import Quantity
from commonpool.api.range import Range
from commonpool.api.resource import Model
from commonpool.api.rules import Rule


class ServingReplicas(Range):
    """How many replicas, from and to. A plain number is min = max."""

    min: Annotated[int, Field(ge=0, le=100_000)]
    """Replicas that stay up even without load; 0: all may go. What of them is borrowed may be taken back all the same."""
    max: Annotated[int, Field(ge=1, le=100_000)]
    """Replicas that it may grow to under load."""


class Target(Model):
    """What the number of replicas follows."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!isQuantity(string(self.perReplica)) || quantity(string(self.perReplica)).isGreaterThan(quantity('0'))",
            message="a replica that carries nothing is no measure: say in `perReplica` how much of the metric one carries, e.g. 10",
            field=".perReplica",
        ),
    )

    metric: Word
    """Name of the measure, e.g. requestsPerSecond."""
    per_replica: Quantity
    """How much of it one replica carries, e.g. "10"."""


class Inference(Model):
    """Replicas that stay up behind one address: a Deployment and a Service are made when it is placed."""

    rules: ClassVar[tuple[Rule, ...]] = (
        RUNS_FOR_EVER,
        Rule(
            "self.port == oldSelf.port",
            says="'port `%d` cannot become `%d`: its clients and the pods that serve know the old one: make a new GPUWorkload,"
            " and delete this one when that serves'.format([oldSelf.port, self.port])",
            field=".port",
        ),
    )

    replicas: ServingReplicas
    """How many replicas (pods), from and to."""
    port: Annotated[int, Field(ge=1, le=65_535)] = 8000
    """The port where the containers listen, and the Service too."""
    target: Target | None = None
    """What the number of replicas follows between min and max; absent: it stays at min, at least 1."""
    template: PodTemplate
    """What the pods are. The accelerators are added to the first container. When it changes, a pod goes when a new one is ready."""
