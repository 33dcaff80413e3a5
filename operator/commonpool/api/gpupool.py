"""GPUPool: a set of nodes that carry one kind of accelerator."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from commonpool.api.catalogue import ACCELERATORS, cut_accelerator, find_accelerator
from commonpool.api.conditions import Conditions, ObservedGeneration
from commonpool.api.money import Amount, Currency
from commonpool.api.names import PRECISIONS, Count, Key, Name, Precision, Subdomain, Word
from commonpool.api.quantity import Quantity
from commonpool.api.resource import AGE, Column, Model, Object, Resource
from commonpool.api.rules import ATOMIC, PRESERVED, Rule, Spelling, guarded, render_list
from commonpool.api.timestamp import Timestamp

LabelValue = Annotated[
    str,
    Field(max_length=63, pattern="^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"),
    Spelling("label value", "use letters, digits, dashes, dots and underscores, a letter or digit first and last, or nothing"),
]
Speed = Annotated[float, Field(gt=0, le=1_000_000)]
Speeds = Annotated[
    dict[Precision, Speed],
    Field(max_length=len(PRECISIONS)),
    guarded(
        Rule(
            f"self.all(precision, precision in {render_list(PRECISIONS)})",
            says=f"'speed of `' + self.filter(precision, !(precision in {render_list(PRECISIONS)}))[0]"
            f" + '` is unknown: use one of {', '.join(PRECISIONS)}'",
        )
    ),
]

_MODELS = render_list(accelerator.model for accelerator in ACCELERATORS)


class LabelRequirement(Model):
    """One condition on a node's label."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0",
            says="'operator `' + self.operator + '` on label `' + self.key + '`: '"
            " + (self.operator in ['In', 'NotIn'] ? 'give it at least one entry in values' : 'leave values out')",
        ),
    )

    key: Key
    """The label's key."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """How the label's value and `values` compare."""
    values: Annotated[list[LabelValue], Field(max_length=64), ATOMIC] | None = None
    """The values for In and NotIn; empty for Exists and DoesNotExist."""


class NodeSelector(Model):
    """Which nodes: all of matchLabels and all of matchExpressions must hold."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "(has(self.matchLabels) && size(self.matchLabels) > 0) || (has(self.matchExpressions) && size(self.matchExpressions) > 0)",
            message="an empty selector would take every node: name at least one label in `matchLabels` or `matchExpressions`",
        ),
    )

    match_labels: Annotated[dict[str, LabelValue], Field(max_length=32)] | None = None
    """Labels that a node must carry with exactly these values."""
    match_expressions: Annotated[list[LabelRequirement], Field(max_length=32), ATOMIC] | None = None
    """Conditions on a node's labels."""


class PoolPrice(Model):
    """What one accelerator costs while it is held."""

    per_hour: Amount
    """Price of one accelerator for one hour, a decimal between quotes, e.g. "2.40"."""
    currency: Currency
    """The currency's three letters (ISO 4217), e.g. EUR."""


class ScaleTarget(Model):
    """An object with a `scale` subresource: a Karpenter static NodePool, a Cluster API MachineDeployment, a cloud node group."""

    api_version: Annotated[
        str,
        Field(min_length=1, max_length=253, pattern="^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[0-9][a-z0-9]*$"),
        Spelling("group and version", "write it like karpenter.sh/v1"),
    ]
    """Its group and version, e.g. karpenter.sh/v1."""
    kind: Annotated[str, Field(min_length=1, max_length=63, pattern="^[A-Z][A-Za-z0-9]*$"), Spelling("kind", "write it like NodePool")]
    """Its kind, e.g. NodePool."""
    name: Subdomain
    """Its name."""
    namespace: Name | None = None
    """Its namespace; left out if it has none."""


class ScalingProvider(Model):
    """Who makes and removes nodes."""

    scale: ScaleTarget
    """The object whose number of replicas is the number of nodes of this pool."""


class Scaling(Model):
    """How far the pool may shrink and grow."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.minNodes <= self.maxNodes",
            says="'minNodes `%d` is more than maxNodes `%d`: lower the one or raise the other'.format([self.minNodes, self.maxNodes])",
        ),
        Rule(
            "!has(self.node) || ('cpu' in self.node && 'memory' in self.node)",
            message="`node` says what a new node gives to pods: name at least `cpu`, `memory` and its accelerators",
        ),
    )

    min_nodes: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Nodes that stay even when nothing runs."""
    max_nodes: Annotated[int, Field(ge=1, le=100_000)]
    """Nodes that the pool may have at most."""
    provider: ScalingProvider | None = None
    """Who makes and removes the nodes; without one the pool stays as it is."""
    cooldown_seconds: Annotated[int, Field(ge=0, le=604_800)] = 600
    """Seconds that nodes must have been without use before they are given back."""
    node: Annotated[dict[str, Quantity], Field(max_length=32)] | None = None
    """What a new node gives to pods, e.g. {nvidia.com/gpu: 8, cpu: 192, memory: 2Ti}; absent: as the nodes that the pool has, of
    which one then always stays."""


class GPUPoolSpec(Model):
    """What the administrator says about the pool."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            f"has(self.resourceName) || has(self.deviceClassName) || self.model in {_MODELS}",
            says="'model `' + self.model + '` is not in the catalogue, so nothing says how pods ask for it:"
            " set resourceName (e.g. nvidia.com/gpu) or deviceClassName'",
        ),
        Rule(
            "!(has(self.resourceName) && has(self.deviceClassName))",
            says="'resourceName `' + self.resourceName + '` and deviceClassName `' + self.deviceClassName"
            " + '` are two ways to ask for the same accelerator: keep the one that the nodes offer'",
        ),
    )

    vendor: Word
    """Who makes the accelerator, in lower case, e.g. nvidia, amd, huawei. An open word."""
    model: Word
    """The accelerator's model, e.g. H100-SXM-80GB. For a model that the catalogue knows, memory, speed and resourceName are filled in."""
    nodes: NodeSelector
    """Which nodes belong to the pool. A node belongs to one pool at most: the first by name takes it."""
    resource_name: Key | None = None
    """The extended resource by which pods ask for one accelerator, e.g. nvidia.com/gpu; known models have a default. With the resource of a
    MIG instance, e.g. nvidia.com/mig-3g.20gb, an instance is the pool's accelerator; memory and speed of known models are then its own."""
    device_class_name: Subdomain | None = None
    """The DRA device class by which pods claim one accelerator, in place of resourceName."""
    memory: Quantity | None = None
    """Memory of one accelerator, e.g. 80Gi. Known models have a default."""
    speed: Speeds | None = None
    """Dense TFLOP/s of one accelerator by precision (fp64, fp32, tf32, fp16, bf16, fp8, fp4, int8). Known models have a default."""
    topology: Annotated[
        list[Key],
        Field(max_length=8),
        ATOMIC,
        guarded(
            Rule(
                "self.all(level, self.exists_one(other, other == level))",
                says="'topology level `' + self.filter(level, !self.exists_one(other, other == level))[0]"
                " + '` is named twice: name each level once, widest first'",
            )
        ),
    ] = Field(default=["topology.commonpool.dev/block", "topology.commonpool.dev/rack", "kubernetes.io/hostname"])
    """Keys of the node labels that tell how near two nodes are, widest first."""
    group_size: Annotated[int, Field(ge=1, le=64)] = 1
    """Accelerators of a node that go together, e.g. pairs or quads that share a link: a pod gets whole groups and asks for a multiple."""
    price: PoolPrice | None = None
    """What an accelerator of this pool costs while it is held; absent: it is not charged."""
    open_to: Literal["All", "Quota"] = "All"
    """Who may use the pool. All: every tenant, in what nobody was guaranteed; Quota: only tenants with a GPUQuota line for it."""
    scaling: Scaling | None = None
    """How far the pool may shrink and grow; absent: its nodes are what they are."""

    def completed(self) -> "GPUPoolSpec":
        """Give a copy in which the catalogue has filled what the administrator left out."""
        known = find_accelerator(self.model)
        if known is None:
            return self
        if self.resource_name is not None:
            known = cut_accelerator(known, self.resource_name)
        filled: dict[str, Any] = {}
        if self.memory is None:
            filled["memory"] = known.memory
        if self.speed is None:
            filled["speed"] = dict(known.speed)
        if self.resource_name is None and self.device_class_name is None:
            filled["resource_name"] = known.resource_name
        return self.model_copy(update=filled)


class PoolAccelerators(Model):
    """The pool's accelerators, counted."""

    total: Count = 0
    """On all nodes of the pool."""
    promised: Count = 0
    """Held by pods, or promised to some that are on their way."""
    free: Count = 0
    """Neither held nor promised, on nodes that take pods."""
    unhealthy: Count = 0
    """On nodes that are not ready or take no pods, or that the device plugin reports as broken."""


class ScalingStatus(Model):
    """How the pool's number of nodes is being changed."""

    wanted_nodes: Count | None = None
    """Nodes that its provider was asked for last."""
    surplus_since: Timestamp | None = None
    """Since when it has had nodes that nothing needs; absent: it has none."""


class GPUPoolStatus(Model):
    """What the operator sees of the pool."""

    observed_generation: ObservedGeneration | None = None
    """The metadata.generation that this status belongs to."""
    nodes: Count | None = None
    """Nodes that belong to the pool."""
    accelerators: PoolAccelerators | None = None
    """The pool's accelerators, counted."""
    resource_name: Key | None = None
    """The extended resource by which pods ask for one accelerator: the spec's, or the catalogue's."""
    largest_free_gang: Count | None = None
    """Accelerators of the largest gang of whole nodes that would start now."""
    scaling: ScalingStatus | None = None
    """How its number of nodes is being changed; absent: it has no provider."""
    conditions: Conditions | None = None
    """Ready: nodes were found and they offer the accelerator. Scaling: whether its provider takes what it is asked for."""
    kopf: Annotated[dict[str, Any], PRESERVED] | None = None
    """Bookkeeping of the operator."""


class GPUPool(Object):
    """A set of nodes that carry one kind of accelerator: what it is, what it can do, what it costs, and who may use it."""

    resource: ClassVar[Resource] = Resource(
        kind="GPUPool",
        plural="gpupools",
        short_names=("gp",),
        scope="Cluster",
        columns=(
            Column("Model", ".spec.model", "The accelerator's model."),
            Column("Nodes", ".status.nodes", "Nodes of the pool.", type="integer"),
            Column("Total", ".status.accelerators.total", "Accelerators there are.", type="integer"),
            Column("Promised", ".status.accelerators.promised", "Accelerators held or promised.", type="integer"),
            Column("Free", ".status.accelerators.free", "Accelerators neither held nor promised.", type="integer"),
            Column("Largest-Gang", ".status.largestFreeGang", "Accelerators of the largest gang that would start now.", type="integer"),
            Column("Ready", '.status.conditions[?(@.type=="Ready")].status', "Whether the pool can be used."),
            AGE,
            Column("Vendor", ".spec.vendor", "Who makes the accelerator.", wide=True),
            Column("Unhealthy", ".status.accelerators.unhealthy", "Accelerators that cannot be used.", type="integer", wide=True),
            Column("Resource", ".status.resourceName", "The extended resource by which pods ask for it.", wide=True),
            Column("Price", ".spec.price.perHour", "Price of an accelerator for an hour.", wide=True),
            Column("Reason", '.status.conditions[?(@.type=="Ready")].reason', "Why it is ready or not.", wide=True),
        ),
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "size(self.metadata.name) <= 63 && !self.metadata.name.contains('.')",
            says="'name `' + self.metadata.name + '` is used in a taint: use at most 63 letters, digits and dashes'",
            field=".metadata.name",
        ),
    )

    kind: Literal["GPUPool"] = "GPUPool"
    """GPUPool."""
    spec: GPUPoolSpec
    """What the administrator says about the pool."""
    status: GPUPoolStatus | None = None
    """What the operator sees of the pool."""
