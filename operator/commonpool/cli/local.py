"""`commonpool local`: a real Kubernetes API with fake accelerator nodes on this machine, without containers and without root."""

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from commonpool.config import read_settings
from commonpool.local.cluster import LocalCluster, Wish
from commonpool.local.fleet import Fleet, read_fleet
from commonpool.local.places import find_source

app = typer.Typer(
    name="local",
    help="A local cluster: etcd, kube-apiserver, controllers, our scheduler, the operator and fake nodes as plain processes.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

_PLAIN_SECONDS = 15.0
_DEFAULT_FLEET = "demo"

Name = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="Which local cluster.  [default: `default`, or COMMONPOOL_CLUSTER]")
]


class Output(StrEnum):
    """How `status` prints."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


class ConsoleTeller:
    """Tells on stderr: a live bar on a terminal, else one plain line now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = self._last = time.monotonic()
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def say(self, sentence: str) -> None:
        """Print a step with the seconds since the beginning."""
        self._end_bar()
        self._last = time.monotonic()
        self._console.print(f"[dim]{self._elapsed():>4}s[/]  {sentence}", highlight=False, soft_wrap=True)

    def advance(self, what: str, done: int, total: int) -> None:
        """Move the bar, or print a line if the last one is 15 seconds old."""
        if self._console.is_terminal:
            self._move_bar(what, done, total)
        elif time.monotonic() - self._last >= _PLAIN_SECONDS:
            self.say(f"{what}: {done}" + (f" of at most {total}" if total else ""))

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._end_bar()

    def _elapsed(self) -> int:
        return round(time.monotonic() - self._began)

    def _move_bar(self, what: str, done: int, total: int) -> None:
        if self._progress is None:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._progress = Progress(*columns, console=self._console, transient=True)
            self._progress.start()
            self._task = self._progress.add_task(what, total=None)
        if self._task is not None:
            self._progress.update(self._task, description=what, completed=done, total=total or None)

    def _end_bar(self) -> None:
        if self._progress is not None:
            self._progress.stop()
        self._progress = self._task = None


@app.command()
def up(  # noqa: PLR0913 - each is an option of the command
    name: Name = None,
    *,
    fleet: Annotated[
        Path | None,
        typer.Option("--fleet", metavar="FILE", help="Which fake nodes and users.  [default: as before, or local/fleets/demo.yaml]"),
    ] = None,
    operator: Annotated[
        bool | None, typer.Option("--operator/--no-operator", help="Start the operator.  [default: as before, or yes]")
    ] = None,
    pool: Annotated[
        bool | None,
        typer.Option("--pool/--bare", help="Install commonpool, or only Kubernetes and the nodes.  [default: as before, or pool]"),
    ] = None,
    audit: Annotated[
        bool | None, typer.Option("--audit/--no-audit", help="Log every write to the API, a line each.  [default: as before, or yes]")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the cluster of that name first, with all that is in it.")] = False,
) -> None:
    """Start a local cluster, or complete the one that is there.

    The first time it compiles Kubernetes: about 10 minutes on 2 cores. After that it takes seconds. A cluster that runs is kept; processes
    that died are started again; Ctrl-C stops what this call started. Prints the path of the cluster's kubeconfig; `~/.kube/config` is never
    touched.

    For example:

        commonpool local up

        commonpool local up --fleet local/fleets/small.yaml --name test --fresh

        export KUBECONFIG=$(commonpool local up)

    Exit codes: 0 it runs; 1 something failed, the reason is on stderr; 2 wrong usage or a bad fleet file; 130 interrupted.
    """
    with _telling() as teller:
        cluster = _find_cluster(name, teller)
        known = cluster.places.memory.exists() and not fresh
        wanted = read_fleet(fleet) if fleet else None if known else _read_default_fleet()
        cluster.up(Wish(fleet=wanted, pool=pool, operator=operator, audit=audit), fresh=fresh)
        teller.say(f"the cluster `{cluster.places.name}` is up")
    typer.echo(str(cluster.kubeconfig))


@app.command()
def down(
    name: Name = None,
    *,
    delete: Annotated[bool, typer.Option("--delete", help="Remove the cluster's data too.")] = False,
) -> None:
    """Stop a local cluster; nothing of it keeps running. Its data is kept for the next `up`.

    For example:

        commonpool local down

        commonpool local down --name test --delete

    Exit codes: 0 nothing of it runs any more (also if nothing did); 1 something failed.
    """
    with _telling() as teller:
        cluster = _find_cluster(name, teller)
        stopped = cluster.down(delete=delete)
        teller.say(
            f"the cluster `{cluster.places.name}` "
            + ("is stopped" if stopped else "was not running")
            + (", its data is removed" if delete else "")
        )


@app.command()
def status(
    name: Name = None,
    *,
    output: Annotated[Output, typer.Option("-o", "--output", help="How to print.")] = Output.TABLE,
) -> None:
    """Show the processes of a local cluster.

    For example:

        commonpool local status

        commonpool local status -o json | jq -r .kubeconfig

    Exit codes: 0 all that should run runs; 1 something failed; 3 something that should run does not.
    """
    with _telling() as teller:
        cluster = _find_cluster(name, teller)
        processes = cluster.processes()
    report = {
        "name": cluster.places.name,
        "kubeconfig": str(cluster.kubeconfig),
        "auditLog": str(cluster.places.audit_log),
        "processes": [{"name": process.name, "pid": process.pid, "log": str(process.log), "state": process.state} for process in processes],
    }
    match output:
        case Output.JSON:
            typer.echo(json.dumps(report, indent=2))
        case Output.YAML:
            typer.echo(yaml.safe_dump(report, sort_keys=False), nl=False)
        case Output.TABLE:
            rows = [("NAME", "STATE", "PID", "LOG")]
            rows += [(process.name, process.state, str(process.pid or "-"), str(process.log)) for process in processes]
            for row in rows:
                typer.echo("{:<20}{:<10}{:<9}{}".format(*row))
            typer.echo(f"\nkubeconfig: {cluster.kubeconfig}")
    if any(process.state == "stopped" for process in processes):
        raise typer.Exit(3)


def _find_cluster(name: str | None, teller: ConsoleTeller) -> LocalCluster:
    settings = read_settings()
    return LocalCluster(settings, name or settings.cluster, teller)


def _read_default_fleet() -> Fleet:
    return read_fleet(find_source(read_settings()).fleets / f"{_DEFAULT_FLEET}.yaml")


@contextmanager
def _telling() -> Iterator[ConsoleTeller]:
    """Tell on stderr; SIGTERM ends the work as Ctrl-C does, so that nothing is left half-started."""
    teller = ConsoleTeller(Console(file=sys.stderr))

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield teller
    finally:
        signal.signal(signal.SIGTERM, before)
        teller.close()
