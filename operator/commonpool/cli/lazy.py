"""Commands that are imported when they are run: help and completion of all of them need none of what they stand on."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer._click import Command, Context
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group


@dataclass(frozen=True, slots=True)
class Late:
    """One command: where it is, and the line that tells what it does.

    `attribute` is a function, or a `typer.Typer` with commands of its own.
    """

    module: str
    attribute: str
    summary: str

    def load(self, name: str) -> Command:
        """Import it."""
        found = getattr(import_module(self.module), self.attribute)
        if isinstance(found, typer.Typer):
            return get_group(found)
        alone = typer.Typer(add_completion=False, rich_markup_mode="markdown")
        alone.command(name)(found)
        return get_command(alone)


class LateGroup(TyperGroup):
    """A group that knows its commands by `LATE` and loads the one that is asked for. Make a subclass with its own."""

    LATE: Mapping[str, Late] = {}

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - typer's own
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=late.summary) for name, late in self.LATE.items()}

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """The command itself, where until now only its name and its summary were there."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, self.LATE[name].load(name) if name is not None else command, rest
