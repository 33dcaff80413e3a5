"""`commonpool`, also as `kubectl commonpool`: the commands and what every one of them has in common.

Data goes to stdout, everything else to stderr. Exit codes: 0 done; 1 something failed, the reason is on
stderr; 2 wrong usage or bad input; 3 the answer is no (a replay that differs, a cluster that does not run
whole); 130 interrupted.
"""

import sys
from collections.abc import Mapping
from importlib.metadata import version
from typing import Annotated

import typer

from commonpool.cli.lazy import Late, LateGroup
from commonpool.errors import CommonpoolError, UserError


class _Commands(LateGroup):
    LATE: Mapping[str, Late] = {
        "top": Late(
            "commonpool.cli.top", "top", "Show the pools, the tenants' shares of them, and every workload that holds or wants accelerators."
        ),
        "explain": Late(
            "commonpool.cli.explain",
            "explain",
            "Say where a workload stands; if it waits: why, its place in the queue, and the nearest change that would start it.",
        ),
        "demo": Late(
            "commonpool.cli.demo", "demo", "Start the local cluster, let two tenants run their work in it, and show what happens."
        ),
        "local": Late(
            "commonpool.cli.local",
            "app",
            "A local cluster: etcd, kube-apiserver, controllers, our scheduler, the operator and fake nodes as plain processes.",
        ),
        "snapshot": Late(
            "commonpool.cli.recordings",
            "snapshot",
            "Print, as JSON, all that a planning round would look at now, and what it would decide.",
        ),
        "replay": Late(
            "commonpool.cli.recordings",
            "replay",
            "Plan a recorded round again and print it: byte for byte the file, or the program decides otherwise than it did.",
        ),
        "bench": Late(
            "commonpool.cli.bench",
            "app",
            "Measure what decisions, bindings, restarts and gangs cost on this machine, and how full recorded clusters become.",
        ),
    }


app = typer.Typer(
    cls=_Commands,
    name="commonpool",
    help="One shared pool of accelerators for many tenants: look into it, ask why something waits, try it out on this machine.",
    epilog="Exit codes: 0 done; 1 failed, the reason is on stderr; 2 wrong usage or bad input; 3 the answer is no; 130 interrupted.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer hands it over so
    if wanted:
        typer.echo(f"commonpool {version('commonpool')}")
        raise typer.Exit


@app.callback()
def _all(
    *,
    _version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and leave.")] = False,
) -> None:
    """Hold what stands before the name of a command."""


def main() -> None:
    """Run one command; our own errors become a sentence and an exit code, never a stack trace."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except CommonpoolError as error:
        from rich.console import Console  # noqa: PLC0415 - a tenth of a second that most commands need not spend

        console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        console.print("[bold red]error:[/]", end=" ")
        console.print(error.message, markup=False)
        if error.hint:
            console.print("\n[bold]hint:[/]", end=" ")
            console.print(error.hint, markup=False)
        sys.exit(2 if isinstance(error, UserError) else 1)


if __name__ == "__main__":
    main()
