"""`commonpool bench packing`: how full recorded clusters become, policy beside policy."""

import json
from dataclasses import asdict
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from commonpool.bench.packing import (
    ARRIVALS,
    HEADER,
    MAX_ARRIVAL,
    NUMBA,
    OURS,
    Order,
    Point,
    compute_ratio,
    render_packing,
    run_numba,
    run_replays,
)
from commonpool.bench.packingplot import render_plot
from commonpool.bench.times import DISCIPLINES, EVERY, MAX_LOAD, MOVERS, Course, Wish, render_times, run_times
from commonpool.bench.times import HEADER as TIMES_HEADER
from commonpool.bench.timesplot import render_times_plot
from commonpool.cli.output import render_table
from commonpool.cli.progress import telling
from commonpool.config import read_settings
from commonpool.local.binaries import Binaries
from commonpool.local.places import find_source


class Form(StrEnum):
    """How to print: a table of means, a picture of them, or all that was measured."""

    TABLE = "table"
    JSON = "json"
    SVG = "svg"


def packing(  # noqa: PLR0913 - each is an option of the command
    more_pods: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="More pod lists.", exists=True, dir_okay=False)
    ] = None,
    *,
    nodes: Annotated[Path, typer.Option(metavar="FILE", help="CSV of the nodes.", exists=True, dir_okay=False)],
    pods: Annotated[list[Path], typer.Option(metavar="FILE", help="CSV of a pod list; several may follow.", exists=True, dir_okay=False)],
    policies: Annotated[str, typer.Option(metavar="NAME,...", help="Only these.  [default: all]")] = "",
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Orders of arrival: seeds 42 and on.")] = 1,
    arrivals: Annotated[
        str,
        typer.Option(
            metavar="PERCENT,...", help=f"Arrived load at which to tell.  [default: {','.join(map(str, ARRIVALS))}]", show_default=False
        ),
    ] = "",
    whole: Annotated[
        bool,
        typer.Option("--whole", help="Leave out pods that want a part of an accelerator; `planner` (mode Enforce) runs too."),
    ] = False,
    numba: Annotated[
        Path | None, typer.Option(metavar="PYTHON", help="An interpreter that has numba: FGD in numba runs too, to compare the speed.")
    ] = None,
    times: Annotated[
        str,
        typer.Option(metavar="LOAD,...", help="Replay with the recorded times, at these loads in percent (0: as recorded)."),
    ] = "",
    queue: Annotated[
        str | None,
        typer.Option(metavar="|".join(DISCIPLINES), help="With --times: who may start when room appears.  [default: skip]"),
    ] = None,
    moves: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...", help=f"With --times: policies that run with moves too.  [default: those of {','.join(MOVERS)} that run]"
        ),
    ] = None,
    every: Annotated[
        int | None, typer.Option(min=1, max=1 << 20, help=f"With --times: take every so manyth node.  [default: {EVERY}]")
    ] = None,
    output: Annotated[Form, typer.Option("-o", "--output", help="How to print.")] = Form.TABLE,
) -> None:
    """Pack recorded pods onto recorded nodes, in seeded orders of arrival up to 130 % of the accelerators, and tell how much is allocated.

    Columns: `sn,cpu_milli,memory_mib,gpu,model` of nodes; `name,cpu_milli,memory_mib,num_gpu,gpu_milli` and perhaps `gpu_spec` of pods.
    The protocol is that of the evaluation of FGD (USENIX ATC'23), whose policies are run beside ours on the same orders. No cluster is
    involved, and a pod that fits somewhere is never refused.

    With `--times` pods (columns `creation_time,deletion_time`) come and go as recorded: they queue where nothing fits, and what is served,
    waited for and fragmented is told. To reach a load, copies of the recording, each turned by a time of its own, come to a sample of
    the nodes; with moves, pods that run are moved, at a cost, so that one that waits can start.

    For example:

        commonpool bench packing --nodes nodes.csv --pods default.csv --seeds 10

        commonpool bench packing --nodes nodes.csv --pods default.csv --times 0,80,95,110 --seeds 5

        commonpool bench packing --nodes nodes.csv --pods a.csv b.csv --policies FGD,commonpool --arrivals 100,130 -o json

        commonpool bench packing --nodes nodes.csv --pods a.csv --arrivals $(seq -s, 60 130) -o svg > curves.svg

    Exit codes: 0 measured, whatever came out; 1 something failed; 2 wrong usage.
    """
    lists = (*pods, *(more_pods or ()))
    _refuse_namesakes(lists)
    loads = _parse_percents(arrivals, "--arrivals", 1, MAX_ARRIVAL) or ARRIVALS
    order = Order(nodes, lists, _split(policies, "--policies"), seeds, loads, whole)
    if whole and numba:
        raise typer.BadParameter("it packs all pods of a list: leave --whole away", param_hint="--numba")
    if times:
        if arrivals or numba or whole:
            option = "--arrivals" if arrivals else "--numba" if numba else "--whole"
            raise typer.BadParameter("it says nothing about a replay with --times: leave one of the two away", param_hint=option)
        wish = _parse_wish(order, _parse_percents(times, "--times", 0, MAX_LOAD), queue, moves, every)
        _replay_times(order, wish, output)
        return
    for option, absent in (("--queue", queue is None), ("--moves", moves is None), ("--every", every is None)):
        if not absent:
            raise typer.BadParameter("it is for a replay with the recorded times: add --times LOAD,...", param_hint=option)
    settings = read_settings()
    points: list[Point] = []
    with telling() as teller:
        source = find_source(settings)
        program = Binaries(source, settings.cache_dir, teller).find("replay")
        yardstick = run_numba(program, numba, source.root / "bench" / "fgd_numba.py", order) if numba else ()
        for point in chain(run_replays(program, order), yardstick):
            points.append(point)
            teller.advance(f"{point.list}, seed {point.seed}", len(points), 0)
    if output is Form.JSON:
        typer.echo(json.dumps([asdict(point) for point in points], indent=1))
    elif output is Form.SVG:
        typer.echo(render_plot(points), nl=False)
    else:
        typer.echo(render_table(HEADER, list(render_packing(points))))
        ratio = compute_ratio(points, OURS, NUMBA)
        if ratio is not None:
            typer.echo(f"\n{OURS} places {ratio:.1f} times as many pods a second as FGD in numba, both on one core")


def _replay_times(order: Order, wish: Wish, output: Form) -> None:
    settings = read_settings()
    courses: list[Course] = []
    with telling() as teller:
        program = Binaries(find_source(settings), settings.cache_dir, teller).find("replay")
        for course in run_times(program, order, wish):
            courses.append(course)
            teller.advance(f"{course.list}, {course.load} %, seed {course.seed}", len(courses), 0)
    if output is Form.JSON:
        typer.echo("[" + ",\n".join(json.dumps(asdict(course)) for course in courses) + "]")  # a line each: the series are long
    elif output is Form.SVG:
        typer.echo(render_times_plot(courses), nl=False)
    else:
        typer.echo(render_table(TIMES_HEADER, list(render_times(courses))))


def _refuse_namesakes(lists: tuple[Path, ...]) -> None:
    """A list is told by the name of its file alone."""
    known: dict[str, Path] = {}
    for each in lists:
        if each.stem in known:
            raise typer.BadParameter(
                f"`{known[each.stem]}` and `{each}` would both be told as `{each.stem}`: rename one, or leave it away", param_hint="--pods"
            )
        known[each.stem] = each


def _parse_wish(order: Order, loads: tuple[int, ...], queue: str | None, moves: str | None, every: int | None) -> Wish:
    queue = queue or DISCIPLINES[0]
    if queue not in DISCIPLINES:
        raise typer.BadParameter(f"not one of {', '.join(DISCIPLINES)}", param_hint="--queue")
    running = tuple(name for name in MOVERS if not order.policies or name in order.policies)
    movers = running if moves is None else _split(moves, "--moves")
    idle = [name for name in movers if order.policies and name not in order.policies]
    if idle:
        raise typer.BadParameter(f"`{idle[0]}` is not replayed at all: add it to --policies", param_hint="--moves")
    return Wish(loads, queue, movers, every or EVERY)


def _split(text: str, option: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    for at, part in enumerate(parts):
        if part in parts[:at]:
            raise typer.BadParameter(f"`{part}` is named twice", param_hint=option)
    return parts


def _parse_percents(text: str, option: str, least: int, most: int) -> tuple[int, ...]:
    """Percents as the option says them; none where it is not given."""
    try:
        percents = tuple(int(part) for part in _split(text, option))
    except ValueError as error:
        raise typer.BadParameter("not numbers with commas", param_hint=option) from error
    if (text and not percents) or not all(least <= percent <= most for percent in percents):
        raise typer.BadParameter(f"each must be in {least}..{most}", param_hint=option)
    if len(set(percents)) < len(percents):
        raise typer.BadParameter("a number is named twice", param_hint=option)
    return percents
