"""What colours and patterns mean, and what each tenant holds and waits for."""

from collections.abc import Iterator
from xml.sax.saxutils import escape

from commonpool.cli.picture.palette import OTHERS
from commonpool.cli.picture.scene import Holder, Scene, State, count
from commonpool.cli.picture.style import MARGIN, PADDING, WIDTH, Pen

_COLUMNS = 3
_LINE = 22
_STATES = (
    ("p7", "promised: its pod is on the way"),
    ("free", "free"),
    ("unhealthy", "not usable now"),
    ("foreign", "pods outside the pool"),
)


def render_legend(scene: Scene, pen: Pen, y: int) -> tuple[list[str], int]:
    """Tenants in columns, then the patterns that there are; and how high that is."""
    entries = list(_list_tenants(scene, pen))
    width = (WIDTH - 2 * (MARGIN + PADDING)) // _COLUMNS
    lines: list[str] = []
    for index, (number, text) in enumerate(entries):
        row, column = divmod(index, _COLUMNS)
        lines += _render_entry(f"t{number}", text, MARGIN + PADDING + column * width, y + row * _LINE)
    top = y + -(-len(entries) // _COLUMNS) * _LINE + 4
    x = MARGIN + PADDING
    there = {run.state for panel in scene.panels for group in panel.groups for tile in group.tiles for run in tile.runs}
    for (name, text), state in zip(_STATES, (State.PROMISED, State.FREE, State.UNHEALTHY, State.FOREIGN), strict=True):
        if state in there:
            lines += _render_entry(name, text, x, top)
            x += 60 + len(text) * 7
    if any(tile.mark for panel in scene.panels for group in panel.groups for tile in group.tiles):
        lines += _render_entry("tile cordoned", "a node that takes no more", x, top)
    return lines, top + _LINE - y


def _list_tenants(scene: Scene, pen: Pen) -> Iterator[tuple[int, str]]:
    others = [holder for holder in scene.holders if pen.colours[holder.name] == OTHERS]
    for holder in scene.holders:
        if holder not in others:
            yield pen.colours[holder.name], _tell(holder, holder.name)
    if others:
        sums = Holder("", sum(each.milli for each in others), sum(each.waits for each in others), sum(each.asked for each in others))
        yield OTHERS, _tell(sums, f"{len(others)} more tenant{'' if len(others) == 1 else 's'}")


def _tell(holder: Holder, name: str) -> str:
    waits = f", {holder.waits} waiting for {count(holder.asked)}" if holder.waits else ""
    short = name if len(name) <= 24 else f"{name[:23]}…"
    return f"{short}: {count(holder.milli)} held{waits}"


def _render_entry(name: str, text: str, x: int, y: int) -> Iterator[str]:
    yield f'<rect class="{name}" x="{x + 0.5}" y="{y + 0.5}" width="13" height="13" rx="2"/>'
    yield f'<text x="{x + 20}" y="{y + 11}">{escape(text)}</text>'
