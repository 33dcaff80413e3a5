"""`commonpool snapshot` and `commonpool replay`: a round as a file, and planned again."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from commonpool.cli.look import read_snapshot
from commonpool.cli.output import KubeconfigOption, choose_kubeconfig
from commonpool.config import Settings, read_settings
from commonpool.cycle import Cycle
from commonpool.engine.choose import choose_engine
from commonpool.engine.protocol import Engine
from commonpool.errors import UserError
from commonpool.planner import plan_round
from commonpool.sim.replay import find_difference, parse_recording, render_recording

EngineOption = Annotated[
    Path | None,
    typer.Option("--libpacking", metavar="FILE", help="The native packing engine.  [default: COMMONPOOL_LIBPACKING, else plain Python]"),
]


def snapshot(*, kubeconfig: KubeconfigOption = None, libpacking: EngineOption = None) -> None:
    """Print, as JSON, all that a planning round would look at now, and what it would decide. For admins; nothing is changed.

    For example:

        commonpool snapshot > round.json

        commonpool replay round.json

    Exit codes: 0 printed; 1 the cluster did not answer, or you may not read all of it.
    """
    facts = asyncio.run(read_snapshot(choose_kubeconfig(kubeconfig)))
    typer.echo(render_recording(Cycle(facts, plan_round(facts, _choose(libpacking)))), nl=False)


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A round from `commonpool snapshot`, or from an operator's recordings.")],
    *,
    libpacking: EngineOption = None,
) -> None:
    """Plan a recorded round again and print it: byte for byte the file, or the program decides otherwise than it did.

    For example:

        commonpool replay round.json | cmp - round.json

    Exit codes: 0 the same plan; 2 the file is not a recorded round; 3 another plan, the difference is on stderr.
    """
    try:
        recording = parse_recording(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"`{file}` cannot be read: {error.strerror}", hint="`commonpool snapshot > FILE` makes one") from error
    except ValueError as error:
        raise UserError(f"`{file}` is not a recorded round: {error}", hint="`commonpool snapshot > FILE` makes one") from error
    engine = _choose(libpacking)
    typer.echo(render_recording(Cycle(recording.snapshot, plan_round(recording.snapshot, engine))), nl=False)
    if difference := find_difference(recording, engine):
        typer.echo(difference, err=True)
        raise typer.Exit(3)


def _choose(library: Path | None) -> Engine:
    settings: Settings = read_settings()
    return choose_engine(library or settings.libpacking).engine
