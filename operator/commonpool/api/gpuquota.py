"""GPUQuota: what a tenant may hold, in which pools."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from commonpool.api.conditions import Conditions, ObservedGeneration
from commonpool.api.names import Count, Name
from commonpool.api.resource import AGE, Column, Model, Object, Resource
from commonpool.api.rules import ATOMIC, PRESERVED, SET, Rule, guarded, keyed


class QuotaLine(Model):
    """What the tenant may hold in one pool, or in several counted together."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.pool) != has(self.pools)",
            says="has(self.pool) ? 'a line is for pool `' + self.pool + '` or for several pools, not both: keep pool or pools'"
            " : 'a line that names no pool counts nothing: set pool, or pools for several'",
        ),
        Rule(
            "!has(self.limit) || self.guaranteed <= self.limit",
            says="'guaranteed `%d` is more than limit `%d`: lower the one or raise the other'.format([self.guaranteed, self.limit])",
        ),
        Rule(
            "!has(self.lendable) || self.lendable <= self.guaranteed",
            says="'lendable `%d` is more than guaranteed `%d`: a tenant lends only what it was guaranteed, lower lendable'"
            ".format([self.lendable, self.guaranteed])",
        ),
        Rule(
            "!has(self.borrowable) || !has(self.limit) || self.borrowable <= self.limit",
            says="'borrowable `%d` is more than limit `%d`, which bounds all that the tenant holds, borrowed or not: lower borrowable'"
            ".format([self.borrowable, self.limit])",
        ),
    )

    pool: Name | None = None
    """The GPUPool that this line is for."""
    pools: Annotated[list[Name], Field(min_length=1, max_length=32), SET] | None = None
    """Several GPUPools that are counted together, in place of `pool`."""
    unit: Literal["accelerators", "reference"] = "accelerators"
    """What is counted. accelerators: whole accelerators; reference: accelerators weighed by their speed, so that several generations share
    one number."""
    guaranteed: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """What the tenant gets whenever it asks, if need be taken back from those who borrowed it."""
    limit: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """What the tenant may hold at most, borrowed or not; absent: no bound of its own."""
    lendable: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """How much of its guarantee others may use while the tenant does not; absent: all of it."""
    borrowable: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """How much beyond its guarantee the tenant may use of what is free; absent: as much as `limit` allows."""


class GPUQuotaSpec(Model):
    """What the administrator allows the tenant."""

    tenant: Annotated[
        Name,
        guarded(
            Rule("self == oldSelf", says="'a quota keeps its tenant, here `' + oldSelf + '`: delete it and make one named `' + self + '`'")
        ),
    ]
    """The Tenant that the quota is for. The quota has the tenant's name, so that a tenant has one at most."""
    pools: Annotated[
        list[QuotaLine],
        Field(min_length=1, max_length=64),
        ATOMIC,
        guarded(
            Rule(
                "self.all(line, !has(line.pool) || self.exists_one(other, has(other.pool) && other.pool == line.pool))",
                says="'pool `' + self.filter(line, has(line.pool)).map(line, line.pool)"
                ".filter(name, self.filter(line, has(line.pool) && line.pool == name).size() > 1)[0] + '` has two lines: make them one'",
            )
        ),
    ]
    """One line a pool, or a group of pools."""


class QuotaUsage(Model):
    """How one line of the quota stands."""

    name: Annotated[str, Field(min_length=1, max_length=2112)]
    """The line's pool; for several, their names joined with `+`."""
    guaranteed: Count = 0
    """What the line guarantees."""
    limit: Count | None = None
    """What the line allows at most."""
    used: Count = 0
    """Accelerators held or promised, borrowed ones too."""
    lent: Count = 0
    """Guaranteed accelerators that others hold now."""
    borrowed: Count = 0
    """Accelerators held beyond the guarantee."""


class QuotaSummary(Model):
    """All lines in a few words, for `kubectl get`."""

    guaranteed: Annotated[str, Field(max_length=1024)] | None = None
    """E.g. "h100=32 a100=16"."""
    limit: Annotated[str, Field(max_length=1024)] | None = None
    """E.g. "h100=64 a100=none"."""
    used: Annotated[str, Field(max_length=1024)] | None = None
    """E.g. "h100=40 a100=0"."""


class GPUQuotaStatus(Model):
    """What the operator sees of the quota."""

    observed_generation: ObservedGeneration | None = None
    """The metadata.generation that this status belongs to."""
    usage: Annotated[list[QuotaUsage], Field(max_length=64), keyed("name")] | None = None
    """How each line stands."""
    summary: QuotaSummary | None = None
    """All lines in a few words."""
    conditions: Conditions | None = None
    """Ready: the tenant and the pools exist, and the pools have what was guaranteed."""
    kopf: Annotated[dict[str, Any], PRESERVED] | None = None
    """Bookkeeping of the operator."""


class GPUQuota(Object):
    """What a tenant may hold in which pools: what it is guaranteed, its limit, what it lends and borrows. At most one a tenant."""

    resource: ClassVar[Resource] = Resource(
        kind="GPUQuota",
        plural="gpuquotas",
        short_names=("gq",),
        scope="Cluster",
        columns=(
            Column("Guaranteed", ".status.summary.guaranteed", "What is guaranteed, by pool."),
            Column("Limit", ".status.summary.limit", "What is allowed at most, by pool."),
            Column("Used", ".status.summary.used", "Accelerators held or promised, by pool."),
            Column("Ready", '.status.conditions[?(@.type=="Ready")].status', "Whether the quota can be kept."),
            AGE,
            Column("Tenant", ".spec.tenant", "Whose quota it is.", wide=True),
            Column("Reason", '.status.conditions[?(@.type=="Ready")].reason', "Why it is ready or not.", wide=True),
        ),
    )
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.metadata.name == self.spec.tenant",
            says="'quota `' + self.metadata.name + '` is for tenant `' + self.spec.tenant"
            " + '`: give both the same name, so that a tenant has one quota at most'",
            field=".metadata.name",
        ),
    )

    kind: Literal["GPUQuota"] = "GPUQuota"
    """GPUQuota."""
    spec: GPUQuotaSpec
    """What the administrator allows the tenant."""
    status: GPUQuotaStatus | None = None
    """What the operator sees of the quota."""
