"""The forms in which a command prints its data, and the options that every command shares."""

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer


class Output(StrEnum):
    """How to print: for people (`wide` has more columns), or for programs."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"


OutputOption = Annotated[Output, typer.Option("-o", "--output", help="How to print.")]
KubeconfigOption = Annotated[
    Path | None,
    typer.Option(
        "--kubeconfig", metavar="FILE", help="Which cluster.  [default: KUBECONFIG, else the pod's own account, else ~/.kube/config]"
    ),
]


def choose_kubeconfig(given: Path | None) -> Path | None:
    """The file that the option names, else the one that the environment names."""
    from commonpool.config import read_settings  # noqa: PLC0415 - help and completion need none of what it stands on

    return given or read_settings().kubeconfig


def print_data(data: Any, output: Output) -> None:  # noqa: ANN401 - whatever JSON can say
    """Print data for a program."""
    if output is Output.YAML:
        import yaml  # noqa: PLC0415 - help and completion need none of what it stands on

        typer.echo(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), nl=False)
    else:
        typer.echo(json.dumps(data, indent=2, ensure_ascii=False))


def render_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as kubectl prints them: readable without colour, cut with awk."""
    lines = [list(header), *([cell or "-" for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join("   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)
