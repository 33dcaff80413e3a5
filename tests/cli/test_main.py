"""What all commands have in common."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version

import pytest
import typer
from typer._click import Command
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from commonpool.cli.lazy import LateGroup
from commonpool.cli.main import app

HEAVY = ("kubernetes", "aiohttp", "pydantic_settings", "yaml", "cryptography", "prometheus_client")


def list_commands() -> Iterator[tuple[str, Command]]:
    """Every command that does something, by its words."""
    root = get_command(app)
    assert isinstance(root, LateGroup)
    for name, late in root.LATE.items():
        command = late.load(name)
        inner = command.commands.items() if isinstance(command, TyperGroup) else [("", command)]
        yield from ((f"{name} {word}".strip(), each) for word, each in inner)


@pytest.mark.parametrize(("words", "command"), [pytest.param(*each, id=each[0]) for each in list_commands()])
def test_help_has_an_example_and_the_exit_codes(words: str, command: Command) -> None:
    said = command.help or ""
    assert "For example:" in said
    assert f"commonpool {words}" in said
    assert "Exit codes: 0" in said


def test_the_list_of_commands_says_of_each_what_it_says_of_itself() -> None:
    root = get_command(app)
    assert isinstance(root, LateGroup)
    for name, late in root.LATE.items():
        said = " ".join((late.load(name).help or "").split())
        assert said.startswith(late.summary), name


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        (["--help"], {}),
        (["--version"], {}),
        (["top", "--help"], {}),
        (["explain", "--help"], {}),
        ([], {"_COMMONPOOL_COMPLETE": "complete_bash", "COMP_WORDS": "commonpool e", "COMP_CWORD": "1"}),
        ([], {"_COMMONPOOL_COMPLETE": "complete_bash", "COMP_WORDS": "commonpool explain --o", "COMP_CWORD": "2"}),
    ],
    ids=["help", "version", "help of top", "help of explain", "completion of a command", "completion of an option"],
)
def test_help_and_completion_import_nothing_of_what_commands_stand_on(words: list[str], environment: dict[str, str]) -> None:
    script = (
        f"import os, sys; os.environ.update({environment!r}); sys.argv = ['commonpool', *{words!r}]\n"
        "from commonpool.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"sys.exit(','.join(name for name in {HEAVY!r} if name in sys.modules) or 0)"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert any(word in answer.stdout for word in ("explain", "--output", version("commonpool")))


def test_a_name_that_is_nearly_right_is_answered_with_the_right_one() -> None:
    answer = CliRunner().invoke(app, ["explian"])
    assert answer.exit_code == 2
    assert "Did you mean 'explain'" in answer.output


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"commonpool {version('commonpool')}\n"
    assert isinstance(app, typer.Typer)
