"""GPUWorkload: one thing that a tenant wants to run."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from commonpool.api.hpc import HPC
from commonpool.api.inference import Inference
from commonpool.api.names import Key, Name, Precision, Subdomain, Tier
from commonpool.api.quantity import Quantity
from commonpool.api.resource import AGE, Column, Model, Object, Resource
from commonpool.api.rules import ATOMIC, Rule
from commonpool.api.tracked import Tracked
from commonpool.api.training import Training
from commonpool.api.workloadstatus import GPUWorkloadStatus

TYPES = ("training", "inference", "hpc", "tracked")


def _count(subject: str) -> str:
    """CEL: how many of the types are given."""
    return " + ".join(f"(has({subject}.{name}) ? 1 : 0)" for name in TYPES)


def _words(subject: str) -> str:
    """CEL: the types that are given, each between backticks."""
    return " + ".join(f"(has({subject}.{name}) ? ' `{name}`' : '')" for name in TYPES)


class Choice(Model):
    """Accelerators that will do: of one pool, or of any pool with these capabilities."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.pool) || !(has(self.memory) || has(self.precision))",
            says="'pool `' + self.pool + '` already says which accelerator it is: leave out memory and precision,"
            " or give them an entry of their own'",
        ),
        Rule(
            "has(self.pool) || has(self.memory) || has(self.precision)",
            message="an empty entry of `anyOf` says nothing: name a pool or a capability, or leave `anyOf` out if any accelerator will do",
        ),
    )

    pool: Name | None = None
    """Name of a GPUPool."""
    memory: Quantity | None = None
    """Any pool whose accelerators have at least this memory, e.g. 80Gi."""
    precision: Precision | None = None
    """Any pool whose accelerators are fast in this precision, e.g. fp8."""


class Accelerators(Model):
    """What one replica needs."""

    per_replica: Annotated[int, Field(ge=1, le=1024)]
    """Accelerators of one replica (one pod); all on one node."""
    any_of: Annotated[list[Choice], Field(min_length=1, max_length=16), ATOMIC] | None = None
    """Which accelerators will do, best first; a workload runs in one pool only. Absent: those of any pool that is open to the tenant."""


class Placement(Model):
    """How near to each other the pods must be."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.required) || has(self.preferred)",
            message="an empty `placement` says nothing: set required or preferred to a topology level of the pool, or leave it out",
        ),
    )

    required: Key | None = None
    """Topology level (a node label) inside one domain of which all pods must be; it waits until one has room."""
    preferred: Key | None = None
    """Topology level inside one domain of which the pods should be, if that can be had."""


class GPUWorkloadSpec(Model):
    """What the tenant wants."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            f"{_count('self')} == 1",
            says=f"({_count('self')} == 0 ? 'it says nothing to run' : 'it asks to run several things,' + {_words('self')})"
            " + ': set exactly one of training, inference, hpc, tracked'",
        ),
        Rule(
            " && ".join(f"has(self.{name}) == has(oldSelf.{name})" for name in TYPES),
            says=f"'what it runs cannot change from' + {_words('oldSelf')} + ' to' + {_words('self')} + ': delete it and make a new one'",
        ),
        Rule(
            "!has(self.tracked) || !has(oldSelf.tracked) || self.tracked == oldSelf.tracked",
            message="`tracked` cannot change: it is for the object that it was made for",
            field=".tracked",
        ),
    )

    accelerators: Accelerators
    """What one replica needs."""
    tier: Tier = "Standard"
    """How firmly it runs. Guaranteed: only within the tenant's guarantee, never evicted for others; Standard: may borrow, and gives back
    what it borrowed; Spot: runs in what is left over, evicted first."""
    priority_class_name: Subdomain | None = None
    """A PriorityClass that the tenant may use: higher values come first inside the tenant."""
    placement: Placement | None = None
    """How near to each other the pods must be; absent: anywhere in the pool."""
    training: Training | None = None
    """A gang of replicas that start together, may grow and shrink, and write checkpoints."""
    inference: Inference | None = None
    """Replicas that stay up behind one address and follow their load."""
    hpc: HPC | None = None
    """A job on a fixed number of nodes, with a walltime."""
    tracked: Tracked | None = None
    """Written by the operator for an object that the tenant wrote as it is, e.g. a Job."""


class GPUWorkload(Object):
    """One thing that a tenant wants to run: training, inference or hpc; or an object of another kind that is tracked as one.

    It waits without pods until all of it can start.
    """

    resource: ClassVar[Resource] = Resource(
        kind="GPUWorkload",
        plural="gpuworkloads",
        short_names=("gw",),
        scope="Namespaced",
        columns=(
            Column("Kind", ".status.kind", "What is run."),
            Column("Pool", ".status.pool", "The pool where it runs."),
            Column("Replicas", ".status.replicas.summary", "Replicas that it has, of those it wants."),
            Column("State", '.status.conditions[?(@.type=="Succeeded")].reason', "Where it stands."),
            Column("Waits-For", ".status.wait.reason", "Why it waits."),
            Column("ETA", ".status.wait.expectedStart.from", "When it is expected to start."),
            AGE,
            Column("Tenant", ".status.tenant", "Who pays.", wide=True),
            Column("Tier", ".status.tier", "How firmly it runs.", wide=True),
            Column("Accelerators", ".status.accelerators", "Accelerators that it holds.", type="integer", wide=True),
            Column("Cost", ".status.cost.amount", "What it had cost at status.accountedAt, when its state last changed.", wide=True),
        ),
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.spec.tracked) || self.metadata.name.matches('^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$')",
            says="'name `' + self.metadata.name + '` becomes the host name of its pods:"
            " use at most 52 lower-case letters, digits and dashes, a letter first'",
            field=".metadata.name",
        ),
        Rule(
            "!has(self.spec.hpc) || !has(self.spec.hpc.after) || !(self.metadata.name in self.spec.hpc.after)",
            says="'`' + self.metadata.name + '` cannot start after itself: name other workloads in after'",
            field=".spec.hpc.after",
        ),
    )

    kind: Literal["GPUWorkload"] = "GPUWorkload"
    """GPUWorkload."""
    spec: GPUWorkloadSpec
    """What the tenant wants."""
    status: GPUWorkloadStatus | None = None
    """Where it stands, and what would help."""
