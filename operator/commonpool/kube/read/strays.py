"""Accelerators that tenants' pods hold outside every pool: the ledger does not count them, so it is said that it does not."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from commonpool.kube.facts import PodView
from commonpool.model.ids import ChildKey, NodeName, TenantName
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Blocked


def find_strays(
    pods: Mapping[ChildKey, list[PodView]],
    nodes: Collection[NodeName],
    asked: frozenset[str],
    tenants: Mapping[ChildKey, TenantName | None],
) -> dict[TenantName, Blocked]:
    """What each tenant holds on nodes of no pool. `asked`: the extended resources that are accelerators."""
    found: defaultdict[TenantName, list[PodView]] = defaultdict(list)
    for child, members in pods.items():
        tenant = tenants.get(child)
        if tenant is not None:
            found[tenant] += [pod for pod in members if pod.holds and pod.node not in nodes]
    return {tenant: _explain(members, asked) for tenant, members in found.items() if members}


def _explain(pods: list[PodView], asked: frozenset[str]) -> Blocked:
    held = sum(count for pod in pods for name, count in pod.shape.extended if name in asked)
    first = min(pods, key=lambda pod: (pod.namespace, pod.name))
    where = f"`{first.namespace}/{first.name}` on node `{first.node}`" + (f" and `{len(pods) - 1}` others" if len(pods) > 1 else "")
    way_out = "let a pool select these nodes, or end the pods"
    return Blocked(
        Reason.NOT_COUNTED, f"`{held}` accelerators are held on nodes of no pool and count against no quota, by {where}: {way_out}"
    )
