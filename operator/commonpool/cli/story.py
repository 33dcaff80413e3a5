"""A workload's story, read from its status: where it stands, why it waits, and what would start it."""

import asyncio
import time
from pathlib import Path
from typing import Any

import typer

from commonpool.api import GPUPool
from commonpool.api.gpuworkload import GPUWorkload
from commonpool.api.timestamp import render_timestamp
from commonpool.api.workloadstatus import Eviction
from commonpool.cli.absent import explain_absence
from commonpool.cli.output import Output, print_data
from commonpool.cli.spent import find_spent, render_cost, render_hours
from commonpool.kube.client import connect, decode_plain, find_namespace
from commonpool.kube.errors import Forbidden, NotFound
from commonpool.kube.read.fleet import read_pool
from commonpool.kube.resources import GPU_POOLS, GPU_WORKLOADS
from commonpool.model.ids import PoolName
from commonpool.model.snapshot import Pool


def print_story(kubeconfig: Path | None, namespace: str, name: str, output: Output) -> None:
    """Print it; no namespace: the context's."""
    manifest, pool = asyncio.run(_read(kubeconfig, namespace or find_namespace(kubeconfig), name))
    now_at = int(time.time())
    if output in {Output.JSON, Output.YAML}:
        print_data(tell(manifest, pool, now_at), output)
    else:
        typer.echo(render_story(GPUWorkload.model_validate(manifest), pool, now_at))


async def _read(kubeconfig: Path | None, namespace: str, name: str) -> tuple[dict[str, Any], Pool | None]:
    """The workload, and the pool where it runs if whoever asks may see it."""
    client = await connect(kubeconfig)
    try:
        manifest = decode_plain(await client.get(GPU_WORKLOADS, namespace, name))
        pool = (manifest.get("status") or {}).get("pool")
        if pool is None:
            return manifest, None
        try:
            body = decode_plain(await client.get(GPU_POOLS, "", pool))
        except (Forbidden, NotFound):
            return manifest, None
        return manifest, read_pool(PoolName(pool), GPUPool.model_validate(body).spec.completed())
    except NotFound:
        raise await explain_absence(client.get, namespace, name) from None
    finally:
        await client.close()


def tell(manifest: dict[str, Any], pool: Pool | None, now_at: int) -> dict[str, Any]:
    """The status, with what it has used and cost as of now."""
    status = {key: value for key, value in (manifest.get("status") or {}).items() if key != "kopf"}
    metadata = manifest["metadata"]
    spent = find_spent(GPUWorkload.model_validate(manifest).status, pool, now_at)
    return {"workload": f"{metadata['namespace']}/{metadata['name']}", **status, **(spent.tell() if spent is not None else {})}


def render_story(workload: GPUWorkload, pool: Pool | None, now_at: int) -> str:
    """A few lines for a person, the answer first. `pool`: where it runs, for what it has cost since that was written last."""
    status = workload.status
    conditions = {condition.type: condition for condition in (status.conditions or ())} if status else {}
    summary = conditions.get("Succeeded")
    title = f"{workload.metadata.namespace}/{workload.metadata.name}"
    if status is None or summary is None:
        return f"{title}: the operator has not looked at it yet"
    lines = [f"{title}: {summary.reason}"]
    sentence = status.wait.message if status.wait else summary.message
    if sentence:
        lines.append(f"  {sentence}")
    spent = find_spent(status, pool, now_at)
    facts = {
        "nearest change": status.wait.nearest_change if status.wait else None,
        "position": str(status.wait.position) if status.wait and status.wait.position else None,
        "tenant": status.tenant,
        "pool": status.pool,
        "chosen": status.choice,
        "replicas": status.replicas.summary if status.replicas else None,
        "accelerators": str(status.accelerators) if status.accelerators else None,
        "last eviction": _render_eviction(status.last_eviction) if status.last_eviction else None,
        "used so far": f"{render_hours(spent.accelerator_seconds)} accelerator-hours" if spent and spent.accelerator_seconds else None,
        "cost so far": render_cost(spent.cost) if spent and spent.cost else None,
    }
    lines += [f"  {name + ':':<16}{fact}" for name, fact in facts.items() if fact]
    lines += [
        f"  {condition.type + ':':<16}{condition.status} since {render_timestamp(condition.last_transition_time)} ({condition.reason})"
        for condition in conditions.values()
        if condition.type != "Succeeded"
    ]
    return "\n".join(lines)


def _render_eviction(eviction: Eviction) -> str:
    """When, by which rule, and for what."""
    return f"{render_timestamp(eviction.at)} ({eviction.rule}), for {eviction.by}"
