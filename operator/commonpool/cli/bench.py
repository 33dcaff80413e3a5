"""`commonpool bench`: what a decision and a binding cost on this machine, beside what the machine could do at most."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from commonpool.bench.again import AGAIN_HEADER, FLEETS, render_again, run_again
from commonpool.bench.bind import Run, run_all
from commonpool.bench.bindreport import HEADER, Report, build_report, render_bind
from commonpool.bench.gangs import HEADER as GANGS_HEADER
from commonpool.bench.gangs import Setting as GangSetting
from commonpool.bench.gangs import build_gang_report, list_times, render_gangs, run_gangs
from commonpool.bench.machine import describe_machine
from commonpool.bench.restart import HEADER as RESTART_HEADER
from commonpool.bench.restart import Restart, render_restart, run_restarts
from commonpool.bench.restart import build_report as build_restart_report
from commonpool.bench.round import HEADER as ROUND_HEADER
from commonpool.bench.round import Crowd, render_round, run_rounds
from commonpool.bench.round import build_report as build_round_report
from commonpool.bench.setting import Mode, Setting
from commonpool.cli.benchmig import mig
from commonpool.cli.benchpacking import packing
from commonpool.cli.benchscheduler import scheduler
from commonpool.cli.output import Output, OutputOption, print_data, render_table
from commonpool.cli.progress import telling
from commonpool.config import read_settings
from commonpool.engine.choose import choose_engine
from commonpool.engine.protocol import Engine
from commonpool.local.binaries import Binaries
from commonpool.local.places import find_source

app = typer.Typer(
    name="bench",
    help="Measure what decisions, bindings, restarts and gangs cost on this machine, and how full recorded clusters become.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.command()(packing)
app.command()(mig)
app.command()(scheduler)


@app.command()
def bind(  # noqa: PLR0913 - each is an option of the command
    *,
    nodes: Annotated[int, typer.Option(min=1, max=20_000, help="Fake nodes.")] = 500,
    gpus: Annotated[int, typer.Option(min=1, max=64, help="Accelerators a node.")] = 8,
    gangs: Annotated[int, typer.Option(min=1, help="Gangs.")] = 500,
    size: Annotated[int, typer.Option(min=1, help="Pods a gang, of one accelerator each.")] = 8,
    runs: Annotated[int, typer.Option(min=1, help="Runs of each mode; the modes take turns.")] = 3,
    held: Annotated[int, typer.Option(min=0, help="Pods of another tenant that wait meanwhile, held by the scheduler.")] = 0,
    mode: Annotated[list[Mode] | None, typer.Option(help="Only these, again for each.  [default: all]")] = None,
    timeout: Annotated[int, typer.Option(min=1, metavar="SECONDS", help="How long one run may take.")] = 600,
    output: OutputOption = Output.TABLE,
) -> None:
    """Create and bind pods on a local cluster of its own: by a driver alone, by stock kube-scheduler, and by the pool.

    `ceiling`: a driver creates and binds. `writes`: it also writes all else that the pool writes, through the pool's policies. `stock`: it
    creates, kube-scheduler binds, without quota or gangs. `pool`: a tenant's Jobs go through policies, operator and our scheduler, and
    the driver makes the pods of each Job that is released. `jobs`: the same, with Kubernetes' own Job controller. Every run has a
    fresh cluster, and the modes take turns.

    For example:

        commonpool bench bind -o json > bind.json

        commonpool bench bind --nodes 20 --gangs 20 --runs 1 --mode pool --mode ceiling

    Exit codes: 0 measured, whatever came out; 1 something failed; 2 wrong usage; 130 interrupted.
    """
    if gangs * size > nodes * gpus:
        raise typer.BadParameter(f"{gangs} gangs of {size} do not fit {nodes} nodes of {gpus}", param_hint="--gangs")
    setting = Setting(nodes=nodes, gpus=gpus, gangs=gangs, size=size, runs=runs, held=held, timeout_seconds=timeout)
    machine = describe_machine()
    kept: list[Run] = []
    with telling() as teller, tempfile.TemporaryDirectory(prefix="commonpool-bench-") as folder:
        settings = read_settings().model_copy(update={"state_home": Path(folder)})
        run_all(settings, setting, mode or list(Mode), teller, kept.append)
    report = build_report(machine, setting, kept)
    if output in {Output.JSON, Output.YAML}:
        print_data(report, output)
        return
    typer.echo(render_table(HEADER, list(render_bind(report))))
    _print_goals(report)


@app.command("round")
def plan(  # noqa: PLR0913 - each is an option of the command
    *,
    nodes: Annotated[int, typer.Option(min=8, max=100_000, help="Nodes, in four pools.")] = 5000,
    running: Annotated[int, typer.Option(min=1, help="Workloads that hold their places.")] = 3000,
    pending: Annotated[int, typer.Option(min=1, help="Workloads that wait.")] = 2000,
    claims: Annotated[int, typer.Option(min=0, help="Instead of those: work that is guaranteed what others have borrowed.")] = 0,
    runs: Annotated[int, typer.Option(min=1, help="Rounds measured of each sort.")] = 5,
    reference_runs: Annotated[int, typer.Option(min=0, help="The same with the engine in plain Python, which is slow.")] = 0,
    output: OutputOption = Output.TABLE,
) -> None:
    """Plan rounds over a big pool in memory: `busy`, in which work is placed, and `still`, the one after, in which nothing moves.

    The pool is made from a seed: four kinds of nodes, 48 tenants within tenants with quotas, work of all sizes. No cluster is involved.

    For example:

        commonpool bench round -o json > round.json

        commonpool bench round --nodes 500 --running 300 --pending 200 --reference-runs 1

        commonpool bench round --claims 300 -o json > claims.json

    Exit codes: 0 measured, whatever came out; 1 something failed; 2 wrong usage.
    """
    machine = describe_machine()
    crowd = Crowd(nodes, running, pending, claims)
    results, world = run_rounds(crowd, _find_engine(), runs, reference_runs)
    report = build_round_report(machine, crowd, world, results)
    if output in {Output.JSON, Output.YAML}:
        print_data(report, output)
        return
    typer.echo(render_table(ROUND_HEADER, list(render_round(report))))
    _print_goals(report)


@app.command()
def gangs(  # noqa: PLR0913 - each is an option of the command
    *,
    nodes: Annotated[
        int, typer.Option(min=500, max=100_000, help="Nodes of eight accelerators, in blocks of 500 and racks of 20.")
    ] = 12_500,
    placements: Annotated[int, typer.Option(min=1, help="Gangs that come once the fleet is full to 90 %, each way of packing.")] = 2000,
    runs: Annotated[int, typer.Option(min=1, help="Runs of the big gang.")] = 5,
    fleet: Annotated[
        list[int] | None, typer.Option(min=500, max=100_000, help="Nodes of a fleet for small placements. [1250, 12500, 50000, 100000]")
    ] = None,
    calls: Annotated[int, typer.Option(min=1, help="Small placements of each kind on each of those.")] = 200,
    seed: Annotated[int, typer.Option(help="Of the gangs.")] = 4,
    output: OutputOption = Output.TABLE,
) -> None:
    """Place whole gangs with the packing engine alone: what is left whole for later ones, and how long the largest takes.

    Gangs of 1 to 256 nodes come and go at 90 % load, packed by commonpool, by first fit and by tightest fit. Then one gang takes
    all that is free, and one that cannot fit is refused. Last, single pods and small gangs are placed on fleets of several sizes,
    of which few nodes have changed since the same was asked before.

    For example:

        commonpool bench gangs -o json > gangs.json

    Exit codes: 0 measured, whatever came out; 1 something failed; 2 wrong usage.
    """
    machine = describe_machine()
    engine, setting = _find_engine(), GangSetting(nodes, placements, runs, seed)
    again = run_again(engine, fleet or FLEETS, calls, seed)
    report = build_gang_report(machine, setting, engine, run_gangs(setting, engine), again)
    if output in {Output.JSON, Output.YAML}:
        print_data(report, output)
        return
    typer.echo(render_table(GANGS_HEADER, list(render_gangs(report))))
    typer.echo(render_table(("THE BIG GANG", ""), list(list_times(report))))
    typer.echo(render_table(AGAIN_HEADER, list(render_again(again))))
    _print_goals(report)


def _find_engine() -> Engine:
    settings = read_settings()
    with telling() as teller:
        library = settings.libpacking or Binaries(find_source(settings), settings.cache_dir, teller).find("libpacking.so")
        choice = choose_engine(library)
        teller.say(f"packing with the {choice.engine.name} engine: {choice.why}")
        return choice.engine


@app.command()
def restart(
    *,
    workloads: Annotated[int, typer.Option(min=16, max=5000, help="Workloads, of which half run and half wait.")] = 2000,
    runs: Annotated[int, typer.Option(min=1, help="Restarts measured, on one cluster.")] = 5,
    output: OutputOption = Output.TABLE,
) -> None:
    """Kill the operator of a full local cluster of its own, free one place, start it again, and see when it decides, and whether rightly.

    The first Round must give the free place to the workload whose turn it is, and do nothing else. Seconds are counted from the start of
    the new process.

    For example:

        commonpool bench restart -o json > restart.json

        commonpool bench restart --workloads 200 --runs 1

    Exit codes: 0 measured, whatever came out; 1 something failed; 2 wrong usage; 130 interrupted.
    """
    machine = describe_machine()
    kept: list[Restart] = []
    with telling() as teller, tempfile.TemporaryDirectory(prefix="commonpool-bench-") as folder:
        settings = read_settings().model_copy(update={"state_home": Path(folder)})
        run_restarts(settings, workloads, runs, teller, kept.append)
    report = build_restart_report(machine, workloads, kept)
    if output in {Output.JSON, Output.YAML}:
        print_data(report, output)
        return
    typer.echo(render_table(RESTART_HEADER, list(render_restart(report))))
    _print_goals(report)


def _print_goals(report: Report) -> None:
    typer.echo("\nGoals:")
    for goal in report["goals"]:
        bound = f"at least {goal['atLeast']}" if "atLeast" in goal else f"at most {goal['atMost']}"
        whose = f"{goal['mode']}: " if "mode" in goal else ""
        typer.echo(f"  {whose}{goal['measured']} {goal['what']} ({bound}): {'met' if goal['met'] else 'not met'}")
