"""`commonpool bench scheduler`: how full a cluster becomes, and what that costs, with a real scheduler."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from commonpool.bench.machine import describe_machine
from commonpool.bench.scheduler import Outcome, Way, run_way
from commonpool.bench.trace import read_trace
from commonpool.cli.output import Output, OutputOption, print_data, render_table
from commonpool.cli.progress import telling
from commonpool.config import read_settings
from commonpool.local.binaries import Binaries
from commonpool.local.places import find_source

_HEADER = ("SCHEDULER", "NODES", "PODS", "BOUND", "ALLOCATED-%", "CLAIMED-%", "CPU-MS/POD", "PODS/S", "PROBLEMS")
_PACKING_WAYS = (Way.OURS, Way.MOST, Way.LEAST)
_COST_WAYS = (Way.OURS, Way.WITHOUT, Way.LEAST)


def scheduler(  # noqa: PLR0913 - each is an option of the command
    *,
    nodes: Annotated[Path, typer.Option(metavar="FILE", help="CSV of the nodes.", exists=True, dir_okay=False)],
    pods: Annotated[Path, typer.Option(metavar="FILE", help="CSV of a pod list.", exists=True, dir_okay=False)],
    seed: Annotated[int, typer.Option(help="Order of arrival.")] = 42,
    cost_nodes: Annotated[
        str, typer.Option(metavar="NUMBER,...", help="Measure the cost on so many nodes; empty: not at all.")
    ] = "1000,5000",
    cost_pods: Annotated[int, typer.Option(min=1, help="Pods of each measurement of cost.")] = 2000,
    way: Annotated[list[Way] | None, typer.Option(help="Only these, again for each.  [default: all]")] = None,
    packing: Annotated[bool, typer.Option(help="Pack the whole list.")] = True,
    output: OutputOption = Output.TABLE,
) -> None:
    """Let recorded pods arrive at a real apiserver and be bound by a real kube-scheduler: ours alone (mode `ScoreOnly`), and stock.

    Columns of the files as for `bench packing`. Nodes are Ready and have no kubelet; every run has a fresh cluster. Stock kube-scheduler
    knows no parts of an accelerator: its pods ask for thousandths of the node's sum, and what of that finds room on real cards counts.

    For example:

        commonpool bench scheduler --nodes nodes.csv --pods default.csv -o json > scheduler.json

        commonpool bench scheduler --nodes nodes.csv --pods default.csv --no-packing --cost-nodes 1000 --way commonpool

    Exit codes: 0 measured, whatever came out; 1 something failed; 2 wrong usage.
    """
    machine = describe_machine()
    outcomes: list[Outcome] = []
    with telling() as teller, tempfile.TemporaryDirectory(prefix="commonpool-bench-") as folder:
        settings = read_settings().model_copy(update={"state_home": Path(folder)})
        trace = read_trace(Binaries(find_source(settings), settings.cache_dir, teller).find("replay"), nodes, pods, seed)
        runs = [(trace, each) for each in _PACKING_WAYS] if packing else []
        runs += [(trace.resize(size, cost_pods), each) for size in _parse_sizes(cost_nodes) for each in _COST_WAYS]
        for world, each in runs:
            if way and each not in way:
                continue
            outcomes.append(run_way(settings, world, each, teller))
            teller.say(" ".join(next(_render(outcomes[-1:]))))
    if output in {Output.JSON, Output.YAML}:
        print_data({"machine": machine, "seed": seed, "runs": json.loads(json.dumps([asdict(each) for each in outcomes]))}, output)
        return
    typer.echo(render_table(_HEADER, list(_render(outcomes))))


def _render(outcomes: Sequence[Outcome]) -> Iterator[Sequence[str]]:
    for each in outcomes:
        yield (
            each.way,
            str(each.nodes),
            str(each.pods),
            str(each.bound),
            f"{each.allocated_percent:.3f}",
            f"{each.claimed_percent:.3f}",
            f"{each.scheduler_cpu_ms_per_pod:.2f}",
            f"{each.pods_per_second:.0f}",
            str(len(each.problems)),
        )


def _parse_sizes(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise typer.BadParameter("not numbers with commas", param_hint="--cost-nodes") from error
