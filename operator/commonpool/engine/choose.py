"""Which engine a process packs with, and why."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from commonpool.engine.native import load_native
from commonpool.engine.reference import ReferenceEngine
from commonpool.errors import SetupError

if TYPE_CHECKING:
    from pathlib import Path

    from commonpool.engine.protocol import Engine


@dataclass(frozen=True, slots=True)
class Choice:
    """An engine and, as a sentence for the log or a person, why this one."""

    engine: "Engine"
    why: str


def choose_engine(library: "Path | None") -> Choice:
    """Take the native engine if `library` is one, else the reference: the same answers, slower."""
    if library is None:
        return Choice(ReferenceEngine(), "no native packing engine was named")
    if not library.is_file():
        return Choice(ReferenceEngine(), f"there is no native packing engine at `{library}`")
    try:
        return Choice(load_native(library), f"`{library}` is there")
    except SetupError as error:
        return Choice(ReferenceEngine(), error.message)
