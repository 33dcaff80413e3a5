"""A look at the cluster: the objects themselves, summed up as the operator would, shown in one form or another."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import typer
from rich.console import Console

from commonpool.cli.output import Output, print_data
from commonpool.cli.picture import build_scene, render_svg
from commonpool.cli.report import Told, View, build_report, render_report
from commonpool.cli.watch import watch
from commonpool.kube.client import connect
from commonpool.kube.read import read_world
from commonpool.kube.survey import survey_cluster
from commonpool.model.ids import WorkloadName
from commonpool.model.snapshot import Snapshot


def print_pool(kubeconfig: Path | None, output: Output) -> None:
    """Tables for people, or data for programs."""
    report = build_report(asyncio.run(read_view(kubeconfig)))
    if output in {Output.JSON, Output.YAML}:
        print_data(report, output)
    else:
        typer.echo(render_report(report, wide=output is Output.WIDE))


def draw_pool(kubeconfig: Path | None) -> None:
    """A picture."""
    typer.echo(render_svg(build_scene(asyncio.run(read_snapshot(kubeconfig)))), nl=False)


def watch_pool(kubeconfig: Path | None, interval_seconds: float) -> None:
    """A screen, until interrupted."""

    async def run() -> None:
        async with _reading(kubeconfig) as read:
            await watch(read, Console(highlight=False), interval_seconds)

    asyncio.run(run())


async def read_view(kubeconfig: Path | None) -> View:
    """The facts of now, as the operator would plan over them (the epoch is 0, nobody's), and what it has said of them."""
    async with _reading(kubeconfig) as read:
        return await read()


async def read_snapshot(kubeconfig: Path | None) -> Snapshot:
    """The facts alone."""
    return (await read_view(kubeconfig)).snapshot


@asynccontextmanager
async def _reading(kubeconfig: Path | None) -> AsyncIterator[Callable[[], Awaitable[View]]]:
    client = await connect(kubeconfig)

    async def read() -> View:
        mirror = await survey_cluster(client)
        told = {WorkloadName("/".join(own.key)): Told.read(own.parsed) for own in mirror.workloads if own.parsed is not None}
        return View(read_world(mirror, now_at=int(time.time()), epoch=0).snapshot, told)

    try:
        yield read
    finally:
        await client.close()
