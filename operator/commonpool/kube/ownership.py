"""Whose each namespace is, where several Tenants may list it or somebody has labelled it by hand."""

from collections.abc import Collection, Iterable, Mapping

from commonpool.api import Tenant
from commonpool.kube.facts import NamespaceFact
from commonpool.model.ids import TenantName
from commonpool.model.names import SYSTEM_NAMESPACE
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Blocked

CLUSTERS_OWN = frozenset({"default", SYSTEM_NAMESPACE})


def share_out_namespaces(
    tenants: Iterable[Tenant], namespaces: Mapping[str, NamespaceFact], reserved: Collection[str]
) -> tuple[dict[str, Tenant], dict[TenantName, tuple[Blocked, ...]]]:
    """Whose each listed namespace is, and why some tenants do not get what they list.

    Who has it keeps it; of several that ask for one that nobody has, the oldest Tenant gets it.
    """
    ordered = sorted(tenants, key=lambda each: (str(each.metadata.creation_timestamp or ""), each.metadata.name))
    claims: dict[str, list[Tenant]] = {}
    for tenant in ordered:
        for name in tenant.spec.namespaces or ():
            claims.setdefault(name, []).append(tenant)
    names = {tenant.metadata.name for tenant in ordered}
    owners: dict[str, Tenant] = {}
    problems: dict[TenantName, tuple[Blocked, ...]] = {}
    for name, claimants in sorted(claims.items()):
        owner, refusal = _judge(name, claimants, namespaces.get(name), names, reserved)
        if owner is not None:
            owners[name] = owner
        for claimant in claimants:
            if claimant is not owner:
                key = TenantName(claimant.metadata.name)
                problems[key] = (*problems.get(key, ()), refusal)
    return owners, problems


def _judge(
    name: str, claimants: list[Tenant], fact: NamespaceFact | None, tenants: Collection[str], reserved: Collection[str]
) -> tuple[Tenant | None, Blocked]:
    """Who gets it, and what all others are told; they are not told who has it."""
    taken = Blocked(Reason.NAMESPACE_TAKEN, f"namespace `{name}` belongs to another tenant: name another one, or take it out there first")
    if name in CLUSTERS_OWN or name.startswith("kube-") or name in reserved:
        return None, Blocked(Reason.NAMESPACE_REFUSED, f"namespace `{name}` belongs to the cluster, not to a tenant: name another one")
    if fact is None:
        return claimants[0], taken
    if fact.terminating:
        return None, Blocked(Reason.NAMESPACE_TERMINATING, f"namespace `{name}` is being deleted: it is made again when it is gone")
    holder = next((claimant for claimant in claimants if claimant.metadata.name == fact.tenant), None)
    if holder is not None:
        return holder, taken
    by_hand = fact.tenant in tenants and fact.listed_by != fact.tenant
    return (None if by_hand else claimants[0]), taken
