"""`commonpool bench mig`: how full cards become that are cut into instances, policy beside policy."""

from dataclasses import asdict
from typing import Annotated

import typer

from commonpool.bench.mig import HEADER, OFFERED, Stream, render_mig, run_streams
from commonpool.cli.output import Output, OutputOption, print_data, render_table
from commonpool.cli.progress import telling
from commonpool.config import read_settings
from commonpool.local.binaries import Binaries
from commonpool.local.places import find_source

_MAX_OFFERED = 130


def mig(
    *,
    nodes: Annotated[int, typer.Option(min=1, max=1000, help="Nodes of eight A100 of 80 GB.")] = 16,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Streams of each sort: seeds 42 and on.")] = 10,
    offered: Annotated[str, typer.Option(metavar="PERCENT,...", help="Load that is offered.")] = ",".join(map(str, OFFERED)),
    output: OutputOption = Output.TABLE,
) -> None:
    """Pack random streams of pods that want MIG instances, with and without departures, by our policy and by others.

    The others: first fit, best fit, and least growth of fragmentation (MFI, arXiv 2511.18906). `commonpool-untold` is ours without
    knowledge of the mix. No cluster is involved, and a pod that fits somewhere is never refused.

    For example:

        commonpool bench mig -o json > mig.json

        commonpool bench mig --nodes 4 --seeds 3 --offered 100

    Exit codes: 0 measured, whatever came out; 1 something failed; 2 wrong usage.
    """
    loads = _parse_offered(offered)
    settings = read_settings()
    with telling() as teller:
        program = Binaries(find_source(settings), settings.cache_dir, teller).find("replay")
        streams: list[Stream] = list(run_streams(program, nodes, seeds, loads))
    if output in {Output.JSON, Output.YAML}:
        print_data([asdict(stream) for stream in streams], output)
        return
    typer.echo(render_table(HEADER, list(render_mig(streams))))


def _parse_offered(text: str) -> tuple[int, ...]:
    try:
        loads = tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise typer.BadParameter("not numbers with commas", param_hint="--offered") from error
    if not loads or not all(1 <= load <= _MAX_OFFERED for load in loads):
        raise typer.BadParameter(f"each must be in 1..{_MAX_OFFERED}", param_hint="--offered")
    return loads
