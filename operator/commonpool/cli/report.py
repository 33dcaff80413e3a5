"""What `commonpool top` tells: pools, tenants and workloads, in the words of `kubectl get`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from commonpool.api import GPUWorkload
from commonpool.api.money import Money
from commonpool.api.workloadstatus import GPUWorkloadStatus
from commonpool.cli.output import render_table
from commonpool.cli.spent import find_spent, render_cost, render_hours
from commonpool.model.amounts import GPU_MILLI
from commonpool.model.elastic import may_grow
from commonpool.model.ids import PoolName, WorkloadName
from commonpool.model.snapshot import Snapshot, Workload
from commonpool.model.usage import Usage, sum_usage

Report = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Told:
    """What the operator has written about a workload last."""

    kind: str = ""
    state: str = ""
    waits_for: str = ""
    status: GPUWorkloadStatus | None = None
    """All of it."""

    @classmethod
    def read(cls, workload: GPUWorkload) -> "Told":
        """Read it from the object's status, as `kubectl get` does."""
        status = workload.status
        if status is None:
            return cls()
        state = next((condition.reason for condition in status.conditions or () if condition.type == "Succeeded"), "")
        return cls(status.kind or "", state, status.wait.reason if status.wait else "", status)


@dataclass(frozen=True, slots=True)
class View:
    """The facts of an instant, and what tenants have been told."""

    snapshot: Snapshot
    told: Mapping[WorkloadName, Told]


def build_report(view: View) -> Report:
    """Sum up a view: `pools`, `tenants` and `workloads`, accelerators as numbers."""
    snapshot, usage = view.snapshot, sum_usage(view.snapshot)
    shown = [workload for workload in snapshot.workloads if workload.holdings or workload.needs]
    return {
        "pools": [_tell_pool(usage, pool.name) for pool in snapshot.pools],
        "tenants": _tell_tenants(snapshot, usage),
        "workloads": [_tell_workload(workload, view.told.get(workload.name, Told()), snapshot) for workload in shown],
    }


def _accelerators(milli: int) -> float:
    return milli // GPU_MILLI if milli % GPU_MILLI == 0 else milli / GPU_MILLI


def _tell_pool(usage: Usage, name: PoolName) -> dict[str, Any]:
    pool = usage.pools[name]
    return {
        "pool": name,
        "nodes": pool.nodes,
        "total": _accelerators(pool.total),
        "promised": _accelerators(pool.use.total),
        "free": _accelerators(pool.free),
        "largestFreeGang": _accelerators(pool.free_in_whole_nodes),
        "unhealthy": _accelerators(pool.unhealthy),
        "starting": _accelerators(pool.use.promised),
        "foreign": _accelerators(pool.foreign),
    }


def _tell_tenants(snapshot: Snapshot, usage: Usage) -> list[dict[str, Any]]:
    rows = []
    for line, use in usage.lines.items():
        rows.append(
            {
                "tenant": line.tenant,
                "pools": list(line.pools),
                "guaranteed": _accelerators(line.guaranteed),
                "limit": None if line.limit is None else _accelerators(line.limit),
                "used": _accelerators(use.used),
                "borrowed": _accelerators(use.borrowed),
                "lent": _accelerators(use.lent),
            }
        )
    counted = {(line.tenant, pool) for line in snapshot.quotas for pool in line.pools}
    for (tenant, name), held in usage.subtrees.items():
        if (tenant, name) not in counted and held.total:
            rows.append({"tenant": tenant, "pools": [name], "used": _accelerators(held.total)})
    return sorted(rows, key=lambda row: (row["tenant"], row["pools"]))


def _tell_workload(workload: Workload, told: Told, snapshot: Snapshot) -> dict[str, Any]:
    bound = sum(holding.bound for holding in workload.holdings)
    priced = next((pool for pool in snapshot.pools if told.status is not None and pool.name == told.status.pool), None)
    spent = find_spent(told.status, priced, snapshot.now_at)
    want = len(workload.holdings) + (0 if may_grow(workload) else len(workload.needs))
    return {
        "workload": workload.name,
        "tenant": workload.tenant,
        "kind": told.kind or workload.child.kind,
        "pool": workload.holdings[0].pool if workload.holdings else None,
        "replicas": {"have": bound, "promised": len(workload.holdings) - bound, "want": want},
        "state": told.state or None,
        "waitsFor": told.waits_for or None,
        "tier": workload.tier,
        "accelerators": _accelerators(sum(holding.amounts.gpu_milli for holding in workload.holdings)),
        "nodes": sorted({holding.node for holding in workload.holdings}),
        **(spent.tell() if spent is not None else {}),
    }


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return f"{value['have']}/{value['want']}"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _cell_of_cost(value: Any) -> str:  # noqa: ANN401 - a cell is whatever its row holds
    return render_cost(Money.model_validate(value))


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    key: str
    wide: bool = False
    show: Callable[[Any], str] = _cell


_POOLS = (
    _Column("NAME", "pool"),
    _Column("NODES", "nodes"),
    _Column("TOTAL", "total"),
    _Column("PROMISED", "promised"),
    _Column("FREE", "free"),
    _Column("LARGEST-GANG", "largestFreeGang"),
    _Column("STARTING", "starting", wide=True),
    _Column("FOREIGN", "foreign", wide=True),
    _Column("UNHEALTHY", "unhealthy", wide=True),
)
_TENANTS = (
    _Column("TENANT", "tenant"),
    _Column("POOLS", "pools"),
    _Column("GUARANTEED", "guaranteed"),
    _Column("LIMIT", "limit"),
    _Column("USED", "used"),
    _Column("BORROWED", "borrowed"),
    _Column("LENT", "lent"),
)
_WORKLOADS = (
    _Column("WORKLOAD", "workload"),
    _Column("TENANT", "tenant"),
    _Column("KIND", "kind"),
    _Column("POOL", "pool"),
    _Column("REPLICAS", "replicas"),
    _Column("STATE", "state"),
    _Column("WAITS-FOR", "waitsFor"),
    _Column("ACCELERATORS", "accelerators"),
    _Column("TIER", "tier", wide=True),
    _Column("HOURS", "acceleratorSeconds", wide=True, show=render_hours),
    _Column("COST", "cost", wide=True, show=_cell_of_cost),
    _Column("NODES", "nodes", wide=True),
)


def render_report(report: Report, *, wide: bool = False) -> str:
    """Three tables for a person."""
    tables = [
        _render(columns, report[name], wide=wide)
        for name, columns in (("pools", _POOLS), ("tenants", _TENANTS), ("workloads", _WORKLOADS))
        if report[name]
    ]
    return "\n\n".join(tables) or "there is no GPUPool yet: `kubectl explain gpupool.spec` says how to write one"


def _render(columns: tuple[_Column, ...], rows: list[dict[str, Any]], *, wide: bool) -> str:
    shown = [column for column in columns if wide or not column.wide]
    return render_table([column.title for column in shown], [[_fill(column, row) for column in shown] for row in rows])


def _fill(column: _Column, row: dict[str, Any]) -> str:
    value = row.get(column.key)
    return "-" if value is None else column.show(value)
