"""`commonpool top`: pools, tenants, and who holds what, from the objects of the cluster themselves."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from commonpool.cli.output import KubeconfigOption, Output, OutputOption, choose_kubeconfig, print_data, render_table
from commonpool.kube.client import connect
from commonpool.kube.read import read_world
from commonpool.kube.survey import survey_cluster
from commonpool.model.amounts import GPU_MILLI
from commonpool.model.snapshot import Snapshot, Workload
from commonpool.model.usage import Usage, sum_usage


def top(*, kubeconfig: KubeconfigOption = None, output: OutputOption = Output.TABLE) -> None:
    """Show the pools, the tenants' shares of them, and every workload that holds or wants accelerators. For admins.

    For example:

        commonpool top

        commonpool top -o json | jq '.pools[] | {pool, free}'

    Exit codes: 0 shown; 1 the cluster did not answer, or you may not read all of it.
    """
    report = build_report(asyncio.run(read_snapshot(choose_kubeconfig(kubeconfig))))
    if output in {Output.JSON, Output.YAML}:
        print_data(report, output)
    else:
        typer.echo(render_report(report, wide=output is Output.WIDE))


async def read_snapshot(kubeconfig: Path | None) -> Snapshot:
    """The facts of now, as the operator would plan over them; the epoch is 0, nobody's."""
    client = await connect(kubeconfig)
    try:
        mirror = await survey_cluster(client)
        return read_world(mirror, now_at=int(time.time()), epoch=0).snapshot
    finally:
        await client.close()


def build_report(snapshot: Snapshot) -> dict[str, list[dict[str, Any]]]:
    """Sum up a snapshot: `pools`, `tenants` and `workloads`, accelerators as numbers."""
    usage = sum_usage(snapshot)
    return {
        "pools": [_tell_pool(usage, pool.name) for pool in snapshot.pools],
        "tenants": _tell_tenants(snapshot, usage),
        "workloads": [_tell_workload(workload) for workload in snapshot.workloads if workload.holdings or workload.needs],
    }


def _accelerators(milli: int) -> float:
    return milli // GPU_MILLI if milli % GPU_MILLI == 0 else milli / GPU_MILLI


def _tell_pool(usage: Usage, name: Any) -> dict[str, Any]:  # noqa: ANN401
    pool = usage.pools[name]
    return {
        "pool": name,
        "nodes": pool.nodes,
        "total": _accelerators(pool.total),
        "running": _accelerators(pool.use.bound),
        "promised": _accelerators(pool.use.promised),
        "free": _accelerators(pool.free),
        "freeInWholeNodes": _accelerators(pool.free_in_whole_nodes),
        "unhealthy": _accelerators(pool.unhealthy),
    }


def _tell_tenants(snapshot: Snapshot, usage: Usage) -> list[dict[str, Any]]:
    rows = []
    for line, use in usage.lines.items():
        rows.append(
            {
                "tenant": line.tenant,
                "pools": list(line.pools),
                "held": _accelerators(use.used),
                "guaranteed": _accelerators(line.guaranteed),
                "limit": None if line.limit is None else _accelerators(line.limit),
                "borrowed": _accelerators(use.borrowed),
                "lent": _accelerators(use.lent),
            }
        )
    counted = {(line.tenant, pool) for line in snapshot.quotas for pool in line.pools}
    for (tenant, name), held in usage.subtrees.items():
        if (tenant, name) not in counted and held.total:
            rows.append({"tenant": tenant, "pools": [name], "held": _accelerators(held.total)})
    return sorted(rows, key=lambda row: (row["tenant"], row["pools"]))


def _tell_workload(workload: Workload) -> dict[str, Any]:
    bound = [holding for holding in workload.holdings if holding.bound]
    return {
        "workload": workload.name,
        "tenant": workload.tenant,
        "kind": workload.child.kind,
        "pool": workload.holdings[0].pool if workload.holdings else None,
        "accelerators": _accelerators(sum(holding.amounts.gpu_milli for holding in workload.holdings)),
        "podsRunning": len(bound),
        "podsPromised": len(workload.holdings) - len(bound),
        "podsWaiting": len(workload.needs),
        "nodes": sorted({holding.node for holding in workload.holdings}),
    }


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    key: str
    wide: bool = False


_POOLS = (
    _Column("POOL", "pool"),
    _Column("NODES", "nodes"),
    _Column("TOTAL", "total"),
    _Column("RUNNING", "running"),
    _Column("PROMISED", "promised"),
    _Column("FREE", "free"),
    _Column("IN-WHOLE-NODES", "freeInWholeNodes"),
    _Column("UNHEALTHY", "unhealthy", wide=True),
)
_TENANTS = (
    _Column("TENANT", "tenant"),
    _Column("POOLS", "pools"),
    _Column("HELD", "held"),
    _Column("GUARANTEED", "guaranteed"),
    _Column("LIMIT", "limit"),
    _Column("BORROWED", "borrowed"),
    _Column("LENT", "lent"),
)
_WORKLOADS = (
    _Column("WORKLOAD", "workload"),
    _Column("TENANT", "tenant"),
    _Column("KIND", "kind"),
    _Column("POOL", "pool"),
    _Column("ACCELERATORS", "accelerators"),
    _Column("RUNNING", "podsRunning"),
    _Column("PROMISED", "podsPromised"),
    _Column("WAITING", "podsWaiting"),
    _Column("NODES", "nodes", wide=True),
)


def render_report(report: dict[str, list[dict[str, Any]]], *, wide: bool = False) -> str:
    """Three tables for a person."""
    tables = [
        _render(columns, report[name], wide=wide)
        for name, columns in (("pools", _POOLS), ("tenants", _TENANTS), ("workloads", _WORKLOADS))
        if report[name]
    ]
    return "\n\n".join(tables) or "there is no GPUPool yet: `kubectl explain gpupool.spec` says how to write one"


def _render(columns: tuple[_Column, ...], rows: list[dict[str, Any]], *, wide: bool) -> str:
    shown = [column for column in columns if wide or not column.wide]
    return render_table([column.title for column in shown], [[_cell(row.get(column.key)) for column in shown] for row in rows])


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
