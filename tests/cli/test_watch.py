"""The screen of `commonpool top --watch`."""

from io import StringIO

import pytest
from rich.console import Console
from tests.cli.scenes import make_large, make_small, make_view

from commonpool.cli.report import View
from commonpool.cli.watch import render_screen, watch


def draw(view: View, width: int, height: int = 40) -> list[str]:
    console = Console(file=StringIO(), width=width, height=height, color_system=None)
    console.print(render_screen(view, width, height))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


class Reader:
    """Gives these views one after the other, then Ctrl-C is pressed."""

    def __init__(self, *views: View) -> None:
        self.views = iter(views)

    async def __call__(self) -> View:
        view = next(self.views, None)
        if view is None:
            raise KeyboardInterrupt
        return view


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    for view in (make_view(), make_view(make_large(400, 12))):
        assert max(len(line) for line in draw(view, width)) <= width


def test_at_80_columns_it_says_who_holds_what_and_who_waits() -> None:
    screen = "\n".join(draw(make_view(), 80))
    assert "10 of 16          3 free" in screen
    assert "vision: 8 held" in screen
    assert "nlp: 2 held, 1 waiting for 12" in screen
    assert "QuotaReached" in screen


def test_a_bar_has_a_part_for_each_state() -> None:
    [h100] = [line for line in draw(make_view(), 80) if line.startswith("h100 ")]
    bar = h100[13:45]
    assert (bar.count("█"), bar.count("▒"), bar.count("▓"), bar.count("·"), bar.count("x")) == (12, 8, 2, 6, 4)


def test_what_waits_is_shown_first_and_the_rest_as_far_as_there_is_room() -> None:
    lines = draw(make_view(make_large(400, 3)), 80, height=20)
    assert len(lines) <= 20
    assert lines[-1].startswith("and 3")
    table = lines[lines.index(next(line for line in lines if line.startswith("WORKLOAD"))) :]
    assert len(table) > 5


async def test_on_a_pipe_only_changes_are_printed_and_nothing_that_steers_a_terminal() -> None:
    out = StringIO()
    with pytest.raises(KeyboardInterrupt):
        await watch(Reader(make_view(), make_view(), make_view(make_large(3, 1))), Console(file=out), interval_seconds=0)
    assert out.getvalue().count("NAME ") == 2
    assert "\x1b" not in out.getvalue()


async def test_ctrl_c_leaves_the_terminal_as_it_was() -> None:
    out = StringIO()
    console = Console(file=out, force_terminal=True, width=80, height=24)
    with pytest.raises(KeyboardInterrupt):
        await watch(Reader(make_view(make_small())), console, interval_seconds=0)
    assert out.getvalue().rindex("\x1b[?25h") > out.getvalue().rindex("\x1b[?25l"), "the cursor is shown again"
    assert out.getvalue().endswith(("\n", "\x1b[?25h"))
