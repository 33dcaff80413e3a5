"""Nodes of a pool carry its taint, so that only pods which the pool placed there may run there."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from commonpool.kube.facts import NodeFact
from commonpool.kube.read.fleet import Fleet
from commonpool.model.ids import NodeName, PoolName
from commonpool.model.names import POOL_TAINT

NO_SCHEDULE = "NoSchedule"


@dataclass(frozen=True, slots=True)
class Tainting:
    """One node's taints as they should be: JSON patch operations that fail if somebody changed them meanwhile."""

    node: NodeName
    operations: tuple[dict[str, Any], ...]


def plan_taints(fleet: Fleet) -> list[Tainting]:
    """Every node of a pool whose taint is missing or names another pool, by name."""
    return [
        _build(fleet.facts[name], node.pool) for name, node in sorted(fleet.nodes.items()) if not _is_right(fleet.facts[name], node.pool)
    ]


def _is_right(fact: NodeFact, pool: PoolName) -> bool:
    ours = [taint for taint in fact.taints if taint.key == POOL_TAINT]
    return [(taint.value, taint.effect) for taint in ours] == [(pool, NO_SCHEDULE)]


def _build(fact: NodeFact, pool: PoolName) -> Tainting:
    """Taints have no key to patch by: ours is put at the end, a wrong one of ours is taken out by its place in the list."""
    wanted = {"key": POOL_TAINT, "value": str(pool), "effect": NO_SCHEDULE}
    if not fact.taints:
        return Tainting(
            fact.name, ({"op": "test", "path": "/spec/taints", "value": None}, {"op": "add", "path": "/spec/taints", "value": [wanted]})
        )
    operations: list[dict[str, Any]] = []
    for at, taint in reversed(list(enumerate(fact.taints))):
        if taint.key == POOL_TAINT:
            operations += _remove(at)
    return Tainting(fact.name, (*operations, {"op": "add", "path": "/spec/taints/-", "value": wanted}))


def _remove(at: int) -> Iterable[dict[str, Any]]:
    yield {"op": "test", "path": f"/spec/taints/{at}/key", "value": POOL_TAINT}
    yield {"op": "remove", "path": f"/spec/taints/{at}"}
