"""A workload's story, read from its status: where it stands, why it waits, and what would start it."""

import asyncio
from pathlib import Path
from typing import Any

import typer

from commonpool.api.gpuworkload import GPUWorkload
from commonpool.api.timestamp import render_timestamp
from commonpool.cli.output import Output, print_data
from commonpool.errors import UserError
from commonpool.kube.client import connect, decode_plain, find_namespace
from commonpool.kube.errors import NotFound
from commonpool.kube.resources import GPU_WORKLOADS


def print_story(kubeconfig: Path | None, namespace: str, name: str, output: Output) -> None:
    """Print it; no namespace: the context's."""
    manifest = asyncio.run(_read(kubeconfig, namespace or find_namespace(kubeconfig), name))
    if output in {Output.JSON, Output.YAML}:
        print_data(_tell(manifest), output)
    else:
        typer.echo(render_story(GPUWorkload.model_validate(manifest)))


async def _read(kubeconfig: Path | None, namespace: str, name: str) -> dict[str, Any]:
    client = await connect(kubeconfig)
    try:
        return decode_plain(await client.get(GPU_WORKLOADS, namespace, name))
    except NotFound:
        raise UserError(
            f"there is no GPUWorkload `{name}` in namespace `{namespace}`",
            hint="`kubectl get gpuworkloads -A` lists them; `-n` says the namespace",
        ) from None
    finally:
        await client.close()


def _tell(manifest: dict[str, Any]) -> dict[str, Any]:
    status = {key: value for key, value in (manifest.get("status") or {}).items() if key != "kopf"}
    metadata = manifest["metadata"]
    return {"workload": f"{metadata['namespace']}/{metadata['name']}", **status}


def render_story(workload: GPUWorkload) -> str:
    """A few lines for a person, the answer first."""
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
    facts = {
        "nearest change": status.wait.nearest_change if status.wait else None,
        "position": str(status.wait.position) if status.wait and status.wait.position else None,
        "tenant": status.tenant,
        "pool": status.pool,
        "replicas": status.replicas.summary if status.replicas else None,
        "accelerators": str(status.accelerators) if status.accelerators else None,
    }
    lines += [f"  {name + ':':<16}{fact}" for name, fact in facts.items() if fact]
    lines += [
        f"  {condition.type + ':':<16}{condition.status} since {render_timestamp(condition.last_transition_time)} ({condition.reason})"
        for condition in conditions.values()
        if condition.type != "Succeeded"
    ]
    return "\n".join(lines)
