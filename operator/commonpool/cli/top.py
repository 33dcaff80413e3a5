"""`commonpool top`: pools, tenants, and who holds what, as tables, as a screen or as a picture. What it does is in `cli.look`."""

from enum import StrEnum
from typing import Annotated

import typer

from commonpool.cli.output import KubeconfigOption, Output, choose_kubeconfig


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
    HOURS (accelerator-hours) and COST, with `-o wide`, are as of now; `kubectl` shows what pods that have ended have cost.

    For example:

        commonpool top

        commonpool top --watch

        commonpool top -o svg > pool.svg

        commonpool top -o json | jq '.pools[] | {pool, free}'

    Exit codes: 0 shown; 1 the cluster did not answer, or you may not read all of it; 2 wrong usage; 130 interrupted.
    """
    if watch and output is not Form.TABLE:
        raise typer.BadParameter(f"--watch shows a table, not {output}", param_hint="--output")
    from commonpool.cli.look import draw_pool, print_pool, watch_pool  # noqa: PLC0415 - help and completion need none of what it stands on

    file = choose_kubeconfig(kubeconfig)
    if watch:
        watch_pool(file, interval)
    elif output is Form.SVG:
        draw_pool(file)
    else:
        print_pool(file, Output(output))
