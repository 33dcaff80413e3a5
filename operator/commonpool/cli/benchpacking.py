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
    arrivals: Annotated[str, typer.Option(metavar="PERCENT,...", help="Arrived load at which to tell.")] = ",".join(map(str, ARRIVALS)),
    numba: Annotated[
        Path | None, typer.Option(metavar="PYTHON", help="An interpreter that has numba: FGD in numba runs too, to compare the speed.")
    ] = None,
    output: Annotated[Form, typer.Option("-o", "--output", help="How to print.")] = Form.TABLE,
) -> None:
    """Pack recorded pods onto recorded nodes, in seeded orders of arrival up to 130 % of the accelerators, and tell how much is allocated.

    Columns: `sn,cpu_milli,memory_mib,gpu,model` of nodes; `name,cpu_milli,memory_mib,num_gpu,gpu_milli` and perhaps `gpu_spec` of pods.
    The protocol is that of the evaluation of FGD (USENIX ATC'23), whose policies are run beside ours on the same orders. No cluster is
    involved, and a pod that fits somewhere is never refused.

    For example:

        commonpool bench packing --nodes nodes.csv --pods default.csv --seeds 10

        commonpool bench packing --nodes nodes.csv --pods a.csv b.csv --policies FGD,commonpool --arrivals 100,130 -o json

        commonpool bench packing --nodes nodes.csv --pods a.csv --arrivals $(seq -s, 60 130) -o svg > curves.svg

    Exit codes: 0 measured, whatever came out; 1 something failed; 2 wrong usage.
    """
    order = Order(nodes, (*pods, *(more_pods or ())), _split(policies), seeds, _parse_arrivals(arrivals))
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


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _parse_arrivals(text: str) -> tuple[int, ...]:
    try:
        arrivals = tuple(int(part) for part in _split(text))
    except ValueError as error:
        raise typer.BadParameter("not numbers with commas", param_hint="--arrivals") from error
    if not arrivals or not all(1 <= arrival <= MAX_ARRIVAL for arrival in arrivals):
        raise typer.BadParameter(f"each must be in 1..{MAX_ARRIVAL}", param_hint="--arrivals")
    return arrivals
