"""`commonpool top`: pools, tenants, and who holds what, from the objects of the cluster themselves: tables, a screen, a picture."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from commonpool.cli.output import KubeconfigOption, Output, choose_kubeconfig, print_data
from commonpool.cli.picture import build_scene, render_svg
from commonpool.cli.report import Told, View, build_report, render_report
from commonpool.cli.watch import watch as watch_pool
from commonpool.kube.client import connect
from commonpool.kube.read import read_world
from commonpool.kube.survey import survey_cluster
from commonpool.model.ids import WorkloadName
from commonpool.model.snapshot import Snapshot


class Form(StrEnum):
    """How `top` may be printed: as everything else, and as a picture."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    SVG = "svg"


def top(
    *,
    watch: Annotated[bool, typer.Option("-w", "--watch", help="Stay and show what changes, until Ctrl-C.")] = False,
    interval: Annotated[float, typer.Option(min=0.5, max=3600, metavar="SECONDS", help="With --watch: how often to look.")] = 2,
    kubeconfig: KubeconfigOption = None,
    output: Annotated[Form, typer.Option("-o", "--output", help="How to print; `svg` is a picture of all nodes and cards.")] = Form.TABLE,
) -> None:
    """Show the pools, the tenants' shares of them, and every workload that holds or wants accelerators. For admins.

    The words are those of `kubectl get gpupools,gpuquotas,gpuworkloads`; PROMISED counts what runs and what is on its way.

    For example:

        commonpool top

        commonpool top --watch

        commonpool top -o svg > pool.svg

        commonpool top -o json | jq '.pools[] | {pool, free}'

    Exit codes: 0 shown; 1 the cluster did not answer, or you may not read all of it; 2 wrong usage; 130 interrupted.
    """
    file = choose_kubeconfig(kubeconfig)
    if watch:
        if output is not Form.TABLE:
            raise typer.BadParameter(f"--watch shows a table, not {output}", param_hint="--output")
        asyncio.run(_watch(file, interval))
    view = asyncio.run(read_view(file))
    if output is Form.SVG:
        typer.echo(render_svg(build_scene(view.snapshot)), nl=False)
    elif output in {Form.JSON, Form.YAML}:
        print_data(build_report(view), Output(output))
    else:
        typer.echo(render_report(build_report(view), wide=output is Form.WIDE))


async def read_view(kubeconfig: Path | None) -> View:
    """The facts of now, as the operator would plan over them (the epoch is 0, nobody's), and what it has said of them."""
    async with _reading(kubeconfig) as read:
        return await read()


async def read_snapshot(kubeconfig: Path | None) -> Snapshot:
    """The facts alone."""
    return (await read_view(kubeconfig)).snapshot


async def _watch(kubeconfig: Path | None, interval_seconds: float) -> None:
    async with _reading(kubeconfig) as read:
        await watch_pool(read, Console(highlight=False), interval_seconds)


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
