"""`commonpool`, also as `kubectl commonpool`: the commands and what every one of them has in common.

Data goes to stdout, everything else to stderr. Exit codes: 0 done; 1 something failed, the reason is on
stderr; 2 wrong usage or bad input; 3 the answer is no (a replay that differs, a cluster that does not run
whole); 130 interrupted.
"""

import sys

import typer
from rich.console import Console

from commonpool.cli import bench, demo, explain, local, recordings, top
from commonpool.errors import CommonpoolError, UserError

app = typer.Typer(
    name="commonpool",
    help="One shared pool of accelerators for many tenants: look into it, ask why something waits, try it out on this machine.",
    epilog="Exit codes: 0 done; 1 failed, the reason is on stderr; 2 wrong usage or bad input; 3 the answer is no; 130 interrupted.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.add_typer(local.app)
app.add_typer(bench.app)
app.command("top")(top.top)
app.command("explain")(explain.explain)
app.command("snapshot")(recordings.snapshot)
app.command("replay")(recordings.replay)
app.command("demo")(demo.demo)


def main() -> None:
    """Run one command; our own errors become a sentence and an exit code, never a stack trace."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except CommonpoolError as error:
        console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        console.print("[bold red]error:[/]", end=" ")
        console.print(error.message, markup=False)
        if error.hint:
            console.print("\n[bold]hint:[/]", end=" ")
            console.print(error.hint, markup=False)
        sys.exit(2 if isinstance(error, UserError) else 1)
