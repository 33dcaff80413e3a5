"""GPUWorkload: one thing that a tenant wants to run."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from commonpool.api.hpc import HPC
from commonpool.api.inference import Inference
from commonpool.api.names import Key, Name, Precision, Prefer, Subdomain, Tier
from commonpool.api.quantity import Quantity
from commonpool.api.resource import AGE, Column, Model, Object, Resource
from commonpool.api.rules import ATOMIC, Rule, guarded
from commonpool.api.tracked import Tracked
from commonpool.api.training import Training
from commonpool.api.workloadstatus import GPUWorkloadStatus

_SEGMENT, _SIZE = "(has(self.placement) && has(self.placement.segment))", "self.placement.segment.size"
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
            "!has(self.pool) || !has(self.memory)",
            says="'pool `' + self.pool + '` already says which accelerator it is: leave out memory, or give it an entry of its own'",
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
    """Any pool whose accelerators are fast in this precision, e.g. fp8; `prefer` compares their speed in it. Beside `pool`: what the work
    computes in there. Absent: bf16, or fp16, is what speeds are compared in."""
    weight: Annotated[int, Field(ge=1, le=10_000)] = 100
    """What an accelerator of these is worth to the work, in percent of what `prefer` finds: 150 where the work runs half as fast again as
    data sheets promise. With ListOrder simply the highest weight is first."""


_ONCE = Rule(
    "self.all(each, !has(each.pool) || self.exists_one(other, has(other.pool) && other.pool == each.pool))",
    message="`anyOf` lists a pool twice: keep one entry of each",  # which one would cost the apiserver too much to say
)


class Accelerators(Model):
    """What one replica needs."""

    per_replica: Annotated[int, Field(ge=1, le=1024)]
    """Accelerators of one replica (one pod); all on one node."""
    any_of: Annotated[list[Choice], Field(min_length=1, max_length=16), ATOMIC, guarded(_ONCE)] | None = None
    """Which accelerators will do; a workload runs in one pool only. Absent: those of any pool that is open to the tenant."""
    prefer: Prefer = "ListOrder"
    """Which of several pools is tried first. ListOrder: as listed, within one entry the cheapest; Fastest: most TFLOP/s; Cheapest: the
    lowest price of an accelerator; BestValue: most TFLOP/s for the price. The first that takes it now gets it."""
    wait_seconds: Annotated[int, Field(ge=0, le=2_592_000)] = 0
    """So long after its creation (or startTime) it rather waits for the best of its pools that could ever take it than to start in
    another. To wait without end, list that pool alone."""


class Segment(Model):
    """A part of a gang whose pods must be near to each other, e.g. those that share a tensor."""

    size: Annotated[int, Field(ge=2, le=4096)]
    """Pods of one segment: ranks 0 to size - 1, the next size, and so on."""
    level: Key
    """Topology level inside one domain of which all pods of a segment must be."""


class Spread(Model):
    """Equal numbers of pods in several domains."""

    level: Key
    """Topology level whose domains have equally many pods (or segments) each, as far as they have any."""
    min_domains: Annotated[int, Field(ge=1, le=256)] = 2
    """At least so many domains are used."""
    max_skew: Annotated[int, Field(ge=0, le=256)] = 1
    """By how many pods (or segments) two of the domains may differ; 0: exactly equal."""


class Placement(Model):
    """How the pods shall lie in the topology of the pool. Neighbours in rank are neighbours there in any case."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.required) || has(self.preferred) || has(self.segment) || has(self.spread)",
            message="an empty `placement` says nothing: set required, preferred, segment or spread, or leave it out",
        ),
        Rule(
            "!has(self.required) || !has(self.spread) || self.required != self.spread.level",
            says="'pods inside one `' + self.required + '` cannot be spread over several: spread over a narrower level'",
        ),
    )

    required: Key | None = None
    """Topology level (a node label) inside one domain of which all pods must be; it waits until one has room."""
    preferred: Key | None = None
    """Topology level of which the pods should use as few domains as can be had, and of the wider levels likewise; nothing waits for it."""
    segment: Segment | None = None
    """Each so many pods of consecutive ranks inside one domain; it waits until that can be had."""
    spread: Spread | None = None
    """Equal numbers in several domains; it waits until that can be had."""


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
        Rule(
            f"!{_SEGMENT} || has(self.training) || has(self.hpc)",
            message="segments are made of ranks, which only training and hpc have: leave out `segment`",
            field=".placement",
        ),
        Rule(
            f"!{_SEGMENT} || !has(self.training) || (self.training.replicas.min % {_SIZE} == 0 && self.training.replicas.max % {_SIZE} == 0"
            f" && (self.training.replicas.min == self.training.replicas.max || self.training.replicas.step % {_SIZE} == 0))",
            says=f"'replicas come in whole segments: use multiples of `%d` for min, max and step'.format([{_SIZE}])",
            field=".training.replicas",
        ),
        Rule(
            f"!{_SEGMENT} || !has(self.hpc) || self.hpc.nodes % {_SIZE} == 0",
            says=f"'nodes `%d` are no whole segments: use a multiple of `%d`'.format([self.hpc.nodes, {_SIZE}])",
            field=".hpc.nodes",
        ),
        Rule(
            "!has(self.placement) || !has(self.placement.spread) || !has(self.training)"
            " || self.training.replicas.min == self.training.replicas.max",
            message="training that grows and shrinks does not stay evenly spread: set replicas to one number, or leave out `spread`",
            field=".training.replicas",
        ),
    )

    accelerators: Accelerators
    """What one replica needs."""
    tier: Tier = "Standard"
    """How firmly it runs. Guaranteed: only within the tenant's guarantee, never evicted for others as far as that covers it; Standard: may
    borrow, and gives back what it borrowed; Spot: runs in what is left over, evicted first."""
    priority_class_name: Subdomain | None = None
    """A PriorityClass that the tenant may use: higher values come first inside the tenant."""
    placement: Placement | None = None
    """How the pods shall lie in the topology of the pool; absent: anywhere in it."""
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
            Column("Cost", ".status.cost.amount", "What those of its pods that have ended have cost.", wide=True),
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
