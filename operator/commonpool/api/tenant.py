"""Tenant: who uses the pools, and as whom."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from commonpool.api.conditions import Conditions, ObservedGeneration
from commonpool.api.money import Amount, Currency, Money
from commonpool.api.names import SUBDOMAIN_PATTERN, Count, Label, Name, Subdomain
from commonpool.api.resource import AGE, Column, Model, Object, Resource
from commonpool.api.rules import PRESERVED, SET, Rule, guarded, keyed
from commonpool.model.names import SYSTEM_NAMESPACE

TenantNamespace = Annotated[
    Name,
    guarded(
        Rule(
            f"!(self in ['default', '{SYSTEM_NAMESPACE}']) && !self.startsWith('kube-')",
            says="'namespace `' + self + '` belongs to the cluster, not to a tenant: name another one, it is made if it does not exist'",
        )
    ),
]


class Member(Model):
    """Somebody who works in the tenant's namespaces."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "(self.kind == 'ServiceAccount') == has(self.namespace)",
            says="self.kind == 'ServiceAccount' ? 'ServiceAccount `' + self.name + '` lives in a namespace: say which in namespace'"
            " : self.kind + ' `' + self.name + '` has no namespace: leave namespace out'",
        ),
        Rule(
            "!self.name.startsWith('system:') || self.kind == 'User' && self.name.startsWith('system:serviceaccount:')",
            says="'member `' + self.name + '` is one of the cluster\\'s own: name a user or a group of people'",
        ),
        Rule(
            f"self.kind != 'ServiceAccount' || self.name.matches('{SUBDOMAIN_PATTERN}')",
            says="'ServiceAccount `' + self.name + '` is no name: use lower-case letters, digits, dashes and dots'",
        ),
    )

    kind: Literal["User", "Group", "ServiceAccount"]
    """What `name` names, as in a RoleBinding's subject."""
    name: Annotated[str, Field(min_length=1, max_length=253)]
    """Name of the user, group or service account."""
    namespace: Name | None = None
    """Namespace of the service account; only for a ServiceAccount."""
    role: Literal["admin", "edit", "view"] = "edit"
    """The ClusterRole that the member has in each of the tenant's namespaces."""


class Budget(Model):
    """What the tenant may spend in a period."""

    amount: Amount
    """How much, a decimal between quotes, e.g. "10000"."""
    currency: Currency
    """The currency's three letters (ISO 4217), e.g. EUR."""
    period: Literal["Day", "Week", "Month", "Quarter", "Year"] = "Month"
    """How long the amount must last; periods are those of the calendar, in UTC."""
    when_spent: Literal["Hold", "Spot"] = "Hold"
    """What happens when it is spent. Hold: new workloads wait for the next period; Spot: they run as Spot only."""


class TenantSpec(Model):
    """What the administrator says about the tenant."""

    parent: Name | None = None
    """The tenant that this one is a part of: the parent's quota holds for both together. Absent: it stands for itself."""
    weight: Annotated[int, Field(ge=1, le=1000)] = 1
    """Share of what nobody was guaranteed, against the tenant's siblings: 2 gets twice as much as 1."""
    namespaces: Annotated[list[TenantNamespace], Field(max_length=64), SET] | None = None
    """Namespaces of the tenant. They are made if absent, labelled, and their members given their roles."""
    members: Annotated[list[Member], Field(max_length=128), keyed("kind", "name")] | None = None
    """Who works in the tenant's namespaces."""
    priority_classes: Annotated[list[Subdomain], Field(max_length=32), SET] | None = None
    """PriorityClasses that the tenant's workloads may name; absent: none, and all have the default priority."""
    budget: Budget | None = None
    """What the tenant may spend; absent: no bound."""


class TenantUsage(Model):
    """What the tenant holds in one pool."""

    pool: Label
    """Name of the GPUPool."""
    accelerators: Count = 0
    """Accelerators held by bound pods or promised to some on their way."""
    waiting: Count = 0
    """Accelerators that the tenant's waiting workloads ask for here."""


class TenantStatus(Model):
    """What the operator sees of the tenant."""

    observed_generation: ObservedGeneration | None = None
    """The metadata.generation that this status belongs to."""
    usage: Annotated[list[TenantUsage], Field(max_length=256), keyed("pool")] | None = None
    """What the tenant and its children hold, by pool."""
    summary: Annotated[str, Field(max_length=1024)] | None = None
    """Usage in one line, e.g. "h100=24 a100=8"."""
    workloads: Count | None = None
    """Workloads that hold accelerators."""
    waiting: Count | None = None
    """Workloads that wait."""
    share: Annotated[str, Field(max_length=16)] | None = None
    """The largest part of any pool that the tenant holds, e.g. 25%."""
    debt: Annotated[str, Field(max_length=32)] | None = None
    """Accelerator-hours that the tenant got beyond its share and that count against it."""
    spent: Money | None = None
    """What the tenant has spent in this period of its budget."""
    forecast: Money | None = None
    """What it will have spent at the period's end if it goes on like this."""
    conditions: Conditions | None = None
    """Ready: namespaces and roles are in place, and the parent exists."""
    kopf: Annotated[dict[str, Any], PRESERVED] | None = None
    """Bookkeeping of the operator."""


class Tenant(Object):
    """Who uses the pools: namespaces, members, weight against others, and budget. Tenants nest."""

    resource: ClassVar[Resource] = Resource(
        kind="Tenant",
        plural="tenants",
        short_names=("gt",),
        scope="Cluster",
        columns=(
            Column("Parent", ".spec.parent", "The tenant that it is a part of."),
            Column("Weight", ".spec.weight", "Share against its siblings.", type="integer"),
            Column("Holds", ".status.summary", "Accelerators held or promised, by pool."),
            Column("Share", ".status.share", "The largest part of any pool that it holds."),
            Column("Running", ".status.workloads", "Workloads that hold accelerators.", type="integer"),
            Column("Waiting", ".status.waiting", "Workloads that wait.", type="integer"),
            Column("Ready", '.status.conditions[?(@.type=="Ready")].status', "Whether its namespaces and roles are in place."),
            AGE,
            Column("Namespaces", ".spec.namespaces", "Its namespaces.", wide=True),
            Column("Spent", ".status.spent.amount", "Spent in this period.", wide=True),
            Column("Budget", ".spec.budget.amount", "What it may spend in a period.", wide=True),
            Column("Reason", '.status.conditions[?(@.type=="Ready")].reason', "Why it is ready or not.", wide=True),
        ),
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.spec.parent) || self.spec.parent != self.metadata.name",
            says="'tenant `' + self.metadata.name + '` cannot be its own parent: name another tenant, or leave parent out'",
            field=".spec.parent",
        ),
        Rule(
            "size(self.metadata.name) <= 63 && !self.metadata.name.contains('.')",
            says="'name `' + self.metadata.name + '` becomes the value of a label: use at most 63 letters, digits and dashes'",
            field=".metadata.name",
        ),
    )

    kind: Literal["Tenant"] = "Tenant"
    """Tenant."""
    spec: TenantSpec
    """What the administrator says about the tenant."""
    status: TenantStatus | None = None
    """What the operator sees of the tenant."""
