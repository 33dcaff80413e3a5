"""What a Tenant's namespaces are given: label, roles, network policy, bounds on the number of objects.

Level-triggered: what should be there is compared with what is, and nothing is written where
they agree. Namespaces are made and labelled, never deleted.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from commonpool.api import Tenant
from commonpool.api.tenant import Member
from commonpool.kube.facts import NamespaceFact
from commonpool.kube.ownership import share_out_namespaces
from commonpool.kube.writes import Manifest, Verb, Write
from commonpool.model.ids import TenantName
from commonpool.model.names import LISTED_BY_ANNOTATION, SYSTEM_NAMESPACE, TENANT_LABEL
from commonpool.model.snapshot import Blocked

MANAGED = {"app.kubernetes.io/managed-by": "commonpool"}
"""Labels of what is ours in a tenant's namespace, and the selector by which to list it."""
PREFIX = "commonpool-"

NAME_LABEL = "kubernetes.io/metadata.name"
"""By which Kubernetes names every namespace."""
OPERATOR = {"app.kubernetes.io/name": "commonpool", "app.kubernetes.io/component": "operator"}
"""As the chart labels its pods."""

RBAC_GROUP = "rbac.authorization.k8s.io"
WORKLOAD_COUNT = "count/gpuworkloads.commonpool.dev"
OBJECT_COUNTS: Mapping[str, str] = {
    "count/configmaps": "5k",
    "count/cronjobs.batch": "1k",
    "count/deployments.apps": "1k",
    WORKLOAD_COUNT: "5k",
    "count/jobs.batch": "5k",
    "count/persistentvolumeclaims": "5k",
    "count/secrets": "5k",
    "count/services": "5k",
    "count/statefulsets.apps": "1k",
}
"""Enough for any honest use, too few to fill the cluster's store. Not pods: a quota on them is written at every creation."""


@dataclass(frozen=True, slots=True)
class Tenancy:
    """What to write, and what of the tenants' wishes could not be fulfilled."""

    writes: tuple[Write, ...]
    problems: Mapping[TenantName, tuple[Blocked, ...]]
    leaving: bool
    """A namespace gives back what it was given; its label goes when that is gone: plan again after the writes."""


def plan_tenancy(  # noqa: PLR0913 one argument a part of what is
    tenants: Iterable[Tenant],
    namespaces: Iterable[NamespaceFact],
    existing: Iterable[Manifest],
    reserved: Collection[str] = (),
    too_new: Collection[str] = (),
    home: str = SYSTEM_NAMESPACE,
) -> Tenancy:
    """The writes after which each tenant has its namespaces and they have what they need.

    `tenants` and `namespaces` must be all there are: one that is missing counts as gone.
    `existing`: RoleBindings, NetworkPolicies and ResourceQuotas with the labels MANAGED, each with its kind.
    `reserved`: namespaces that no tenant may have, besides those of Kubernetes.
    `home`: the namespace of the operator, who reads the load of services from their pods.
    `too_new`: counts that the cluster's quota controller may not know yet; a ResourceQuota
    that names one of them would have nothing of the kind created for minutes.
    """
    standing = [tenant for tenant in tenants if tenant.metadata.deletion_timestamp is None]
    facts = {fact.name: fact for fact in namespaces}
    found: dict[str, dict[tuple[str, str], Manifest]] = {}
    for manifest in existing:
        metadata = manifest["metadata"]
        if metadata["name"].startswith(PREFIX):
            found.setdefault(metadata.get("namespace", ""), {})[manifest["kind"], metadata["name"]] = manifest
    owners, problems = share_out_namespaces(standing, facts, reserved)
    writes: list[Write] = []
    for name, tenant in sorted(owners.items()):
        fact = facts.get(name)
        if fact is None or fact.tenant != tenant.metadata.name or fact.listed_by != tenant.metadata.name:
            writes.append(Write(Verb.APPLY, _build_namespace(tenant, name)))
        writes += _plan_contents(build_tenant_objects(tenant, name, too_new, home), found.get(name, {}))
    leaving = [fact for _, fact in sorted(facts.items()) if _leaves(fact, owners)]
    for fact in leaving:
        writes += _plan_leaving(fact, found.get(fact.name, {}))
    return Tenancy(tuple(writes), problems, leaving=bool(leaving))


def build_tenant_objects(tenant: Tenant, namespace: str, too_new: Collection[str] = (), home: str = SYSTEM_NAMESPACE) -> list[Manifest]:
    """What the tenant's namespace holds of ours, all but the Namespace itself."""
    members = tenant.spec.members or []
    roles = sorted({member.role for member in members})
    return [
        *(_build_binding(namespace, role, [member for member in members if member.role == role]) for role in roles),
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": _build_metadata(namespace, "objects"),
            "spec": {"hard": {name: count for name, count in OBJECT_COUNTS.items() if name not in too_new}},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": _build_metadata(namespace, "tenant-only"),
            "spec": {
                "podSelector": {},
                "policyTypes": ["Ingress"],
                "ingress": [
                    {"from": [{"namespaceSelector": {"matchLabels": {TENANT_LABEL: tenant.metadata.name}}}]},
                    {"from": [{"namespaceSelector": {"matchLabels": {NAME_LABEL: home}}, "podSelector": {"matchLabels": OPERATOR}}]},
                ],
            },
        },
    ]


def _leaves(fact: NamespaceFact, owners: Mapping[str, Tenant]) -> bool:
    """Whether its label came from a Tenant that lists it no longer, and no other takes it over."""
    return bool(fact.listed_by) and fact.name not in owners and not fact.terminating


def _plan_leaving(fact: NamespaceFact, found: Mapping[tuple[str, str], Manifest]) -> list[Write]:
    """First what we made there, then the label: our own policy lets us write only where the label stands."""
    if fact.tenant and found:
        return [Write(Verb.DELETE, _identity(manifest)) for _, manifest in sorted(found.items())]
    labels = {TENANT_LABEL: None} if fact.tenant == fact.listed_by else {}
    metadata = {"name": fact.name, "labels": labels, "annotations": {LISTED_BY_ANNOTATION: None}}
    return [Write(Verb.PATCH, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})]


def _plan_contents(wanted: list[Manifest], found: Mapping[tuple[str, str], Manifest]) -> list[Write]:
    keys = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in wanted]
    differing = [manifest for key, manifest in zip(keys, wanted, strict=True) if not _is_within(manifest, found.get(key))]
    surplus = [manifest for key, manifest in sorted(found.items()) if key not in keys]
    return [Write(Verb.APPLY, manifest) for manifest in differing] + [Write(Verb.DELETE, _identity(manifest)) for manifest in surplus]


def _is_within(wanted: Any, actual: Any) -> bool:  # noqa: ANN401 any part of a manifest
    """Whether all that is wanted is so; what the apiserver added is not looked at."""
    if isinstance(wanted, dict):
        return isinstance(actual, dict) and all(key in actual and _is_within(value, actual[key]) for key, value in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(actual, list) and len(wanted) == len(actual) and all(_is_within(*pair) for pair in zip(wanted, actual, strict=True))
        )
    return bool(wanted == actual)


def _build_namespace(tenant: Tenant, name: str) -> Manifest:
    mine = tenant.metadata.name
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {TENANT_LABEL: mine}, "annotations": {LISTED_BY_ANNOTATION: mine}},
    }


def _build_metadata(namespace: str, name: str) -> Manifest:
    return {"name": PREFIX + name, "namespace": namespace, "labels": dict(MANAGED)}


def _build_binding(namespace: str, role: str, members: list[Member]) -> Manifest:
    return {
        "apiVersion": f"{RBAC_GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": _build_metadata(namespace, role),
        "roleRef": {"apiGroup": RBAC_GROUP, "kind": "ClusterRole", "name": role},
        "subjects": [_build_subject(member) for member in members],
    }


def _build_subject(member: Member) -> Manifest:
    if member.kind == "ServiceAccount":
        return {"kind": member.kind, "name": member.name, "namespace": member.namespace or ""}
    return {"apiGroup": RBAC_GROUP, "kind": member.kind, "name": member.name}


def _identity(manifest: Manifest) -> Manifest:
    metadata = manifest["metadata"]
    return {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "metadata": {key: metadata[key] for key in ("name", "namespace", "uid") if key in metadata},
    }
