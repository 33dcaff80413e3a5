"""Round: the record of one plan; the scheduler obeys it and an auditor can read it."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from commonpool.api.names import Label, Total
from commonpool.api.resource import AGE, Column, Model, Object, Resource
from commonpool.api.rules import ATOMIC, Rule


class Gang(Model):
    """Where the pods of one workload go."""

    workload: Annotated[str, Field(min_length=3, max_length=317, pattern="^[a-z0-9][-a-z0-9]*/[a-z0-9][-a-z0-9.]*$")]
    """Namespace and name of the object whose pods these are, e.g. vision-dev/pretrain."""
    kind: Literal["Job", "Deployment", "StatefulSet", "ReplicaSet", "Pod"]
    """Kind of that object."""
    tenant: Label
    """The Tenant that pays."""
    pool: Label
    """The GPUPool that the nodes belong to."""
    nodes: Annotated[str, Field(min_length=3, max_length=262_144)]
    """Nodes in the order of ranks, node*n for n pods there, e.g. "gpu-0001*1 gpu-0002*2"."""
    ranks: Annotated[str, Field(max_length=131_072, pattern="^[0-9 -]*$")] | None = None
    """The pods by rank, in the order of nodes, e.g. "0-2" or "3 7-9": pods that are still to be made."""
    pods: Annotated[str, Field(max_length=262_144, pattern="^[-a-z0-9. ]*$")] | None = None
    """The pods by name, in the order of nodes: pods that exist already. Neither ranks nor pods: any pods of the workload."""
    request: Annotated[str, Field(min_length=3, max_length=1024)]
    """What one pod asks for, sorted: cpu in thousandths, memory in bytes, accelerators whole,
    e.g. "cpu=8000m,memory=17179869184,nvidia.com/gpu=8"."""
    why: Annotated[str, Field(min_length=1, max_length=64, pattern="^[A-Za-z][A-Za-z0-9]*$")]
    """Why the gang may start, in one word, e.g. WithinGuarantee."""


class RoundSpec(Model):
    """What was decided."""

    epoch: Total
    """Of the leader that decided; the scheduler obeys the highest epoch that it has seen."""
    number: Annotated[int, Field(ge=0, le=9_999_999_999)]
    """Number of the planning round."""
    part: Annotated[int, Field(ge=0, le=10_000)]
    """Which part of the round this is: a large round is written in several."""
    parts: Annotated[int, Field(ge=1, le=10_000)]
    """How many parts the round has."""
    gangs: Annotated[list[Gang], Field(max_length=2000), ATOMIC]
    """One line a gang."""


class Round(Object):
    """One planning round that changed something: which pods go to which nodes, and why.

    Written by the operator only, deleted when its pods are bound or gone.
    """

    resource: ClassVar[Resource] = Resource(
        kind="Round",
        plural="rounds",
        scope="Cluster",
        columns=(
            Column("Epoch", ".spec.epoch", "Of the leader that decided.", type="integer"),
            Column("Part", ".spec.part", "Which part of the round.", type="integer"),
            Column("Parts", ".spec.parts", "How many parts it has.", type="integer"),
            Column("First-Gang", ".spec.gangs[0].workload", "The first workload that it places."),
            Column("Pool", ".spec.gangs[0].pool", "The pool where it goes."),
            Column("Why", ".spec.gangs[0].why", "Why it may start."),
            AGE,
        ),
        has_status=False,
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.spec.part <= self.spec.parts",
            says="'part `%d` of `%d`: count parts from 1 to parts'.format([self.spec.part, self.spec.parts])",
            field=".spec.part",
        ),
        Rule(
            "self.spec.epoch == oldSelf.spec.epoch && self.spec.number == oldSelf.spec.number"
            " && self.spec.part == oldSelf.spec.part && self.spec.parts == oldSelf.spec.parts",
            says="'round `' + self.metadata.name + '` is a record: write a new one'",
        ),
    )

    kind: Literal["Round"] = "Round"
    """Round."""
    spec: RoundSpec
    """What was decided."""
