"""Where in a pool the pods of a workload may go."""

from commonpool.engine.protocol import ANYWHERE
from commonpool.model.ids import PoolName
from commonpool.model.snapshot import Workload
from commonpool.planner.fleet import Ground, Site


def least(workload: Workload) -> int:
    """How many pods must get a place together."""
    return min(max(1, workload.needs_min), len(workload.needs))


def find_required_level(ground: Ground, workload: Workload, pool: PoolName) -> int | None:
    """The level inside which all pods must be, `ANYWHERE` if the workload asks for none; None if the pool does not know it."""
    return ANYWHERE if workload.required_level is None else ground.find_level(pool, workload.required_level)


def build_site(ground: Ground, workload: Workload, pool: PoolName, label: str | None) -> Site:
    """The nodes a workload may use; one that has begun stays in the domains it has at the level of `label`."""
    if label is None:
        return Site(pool, workload.node_selector)
    held = {ground.find_domain(holding.node, pool, label) for holding in workload.holdings if holding.pool == pool} - {""}
    return Site(pool, workload.node_selector, label, frozenset(held)) if held else Site(pool, workload.node_selector)
