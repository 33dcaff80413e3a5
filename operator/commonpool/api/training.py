"""Training: a gang of replicas that start together, may grow and shrink, and write checkpoints."""

from typing import Annotated, ClassVar

from pydantic import Field

from commonpool.api.podtemplate import RUNS_TO_THE_END, PodTemplate
from commonpool.api.range import Range
from commonpool.api.resource import Model
from commonpool.api.rules import Rule


class Replicas(Range):
    """How many replicas, from and to; `min` start together or not at all. A plain number is min = max."""

    rules: ClassVar[tuple[Rule, ...]] = (
        *Range.rules,
        Rule(
            "self.max < self.min || (self.max - self.min) % self.step == 0",
            says="'from min `%d` in steps of `%d` one never comes to max `%d`: use max `%d`'"
            ".format([self.min, self.step, self.max, self.max - (self.max - self.min) % self.step])",
        ),
    )

    min: Annotated[int, Field(ge=1, le=100_000)]
    """Replicas that must start together; with fewer it waits."""
    max: Annotated[int, Field(ge=1, le=100_000)]
    """Replicas that it can use: it grows up to here while accelerators are free, and is shrunk towards `min` when others need them."""
    step: Annotated[int, Field(ge=1, le=100_000)] = 1
    """It grows and shrinks by multiples of this."""


class Checkpoint(Model):
    """How the training saves its work."""

    interval_seconds: Annotated[int, Field(ge=1, le=604_800)]
    """Seconds between two checkpoints: the most that an eviction can lose."""
    grace_seconds: Annotated[int, Field(ge=0, le=86_400)] = 30
    """Seconds that it is given to write one more before it is stopped; more than the administrator allows (600, if he says nothing) counts
    as that much."""


class Training(Model):
    """A gang of replicas that start together: an Indexed Job, made when it is placed; rank and address of rank 0 are in its environment."""

    rules: ClassVar[tuple[Rule, ...]] = (RUNS_TO_THE_END,)

    replicas: Replicas
    """How many replicas (pods), from and to."""
    checkpoint: Checkpoint | None = None
    """How the training saves its work; absent: an eviction loses all of it."""
    min_runtime_seconds: Annotated[int, Field(ge=0, le=2_592_000)] = 0
    """Seconds after its start in which it is not evicted for another tenant's gain; more than the administrator allows (3600, if he says
    nothing) counts as that much."""
    template: PodTemplate
    """What the pods are. The accelerators are added to the first container."""
