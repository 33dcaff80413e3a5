"""`commonpool explain`: why a workload waits, and what would start it. What it does is in `cli.story`."""

from typing import Annotated

import typer

from commonpool.cli.output import KubeconfigOption, Output, OutputOption, choose_kubeconfig
from commonpool.errors import UserError


def explain(
    workload: Annotated[str, typer.Argument(metavar="WORKLOAD", help="NAME, or NAMESPACE/NAME.")],
    namespace: Annotated[str | None, typer.Option("-n", "--namespace", help="Its namespace.  [default: the context's]")] = None,
    *,
    kubeconfig: KubeconfigOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Say where a workload stands; if it waits: why, its place in the queue, and the nearest change that would start it.

    For example:

        commonpool explain pretrain

        commonpool explain pretrain -n vision-dev

        commonpool explain vision-dev/pretrain -o json

    Exit codes: 0 it was found; 1 the cluster did not answer; 2 there is no such workload.
    """
    where, name = parse_workload(workload, namespace)
    from commonpool.cli.story import print_story  # noqa: PLC0415 - help and completion need none of what it stands on

    print_story(choose_kubeconfig(kubeconfig), where, name, output)


def parse_workload(workload: str, namespace: str | None) -> tuple[str, str]:
    """Namespace (empty: nobody said) and name; UserError if they are not one of each."""
    where, _, name = workload.rpartition("/")
    if "/" in where or not name or workload.startswith("/"):
        raise UserError(f"`{workload}` is not the name of a workload", hint="write NAME, or NAMESPACE/NAME")
    if where and namespace not in {None, where}:
        raise UserError(f"`{workload}` is not in namespace `{namespace}`", hint="leave out -n, or the namespace before the slash")
    return where or namespace or "", name
