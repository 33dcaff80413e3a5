"""The nodes of a pool as tiles: card by card with names where there are few, a small bar each where there are many."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os.path import commonprefix
from xml.sax.saxutils import escape

from commonpool.cli.picture.scene import Panel, Run, State, Tile, count
from commonpool.cli.picture.style import MARGIN, PADDING, WIDTH, Pen
from commonpool.model.amounts import GPU_MILLI

_LABEL = 44
"""Room at the left for the name of a group."""
_CARDS_A_ROW = 8
_CARD = 12
"""A card and the gap to the next."""
_NAME = 12
"""The line for a node's name."""


@dataclass(frozen=True, slots=True)
class _Grid:
    """How large tiles are; all pixels."""

    left: int
    columns: int
    width: int
    height: int
    gap: int


def render_groups(panel: Panel, pen: Pen, y: int) -> tuple[list[str], int]:
    """All tiles of a pool from `y` on, and how high that is."""
    tiles = [tile for group in panel.groups for tile in group.tiles]
    if not tiles:
        return [f'<text class="muted" x="{MARGIN + PADDING}" y="{y + 14}">no nodes</text>'], 26
    most = max(-(-tile.milli // GPU_MILLI) for tile in tiles)
    grid = _choose_grid(panel, most)
    lines: list[str] = []
    top = y
    names = shorten_names([group.name.rpartition("/")[2] for group in panel.groups])
    for group, name in zip(panel.groups, names, strict=True):
        if name:
            lines.append(f'<text class="muted" x="{MARGIN + PADDING}" y="{top + 12}">{escape(_shorten(name, _LABEL - 4, 7.0))}</text>')
        lines += _render_tiles(group.tiles, grid, pen, top, named=panel.named)
        rows = -(-len(group.tiles) // grid.columns)
        top += rows * (grid.height + grid.gap) + 4
    return lines, top - y


def _choose_grid(panel: Panel, cards: int) -> _Grid:
    left = MARGIN + PADDING + (_LABEL if len(panel.groups) > 1 else 0)
    room = WIDTH - MARGIN - PADDING - left
    if panel.named:
        across = max(1, min(cards, _CARDS_A_ROW))
        width = max(across * _CARD + 6, 66)
        height = -(-max(1, cards) // _CARDS_A_ROW) * _CARD + 6 + _NAME
        return _Grid(left, max(1, (room + 6) // (width + 6)), width, height, 6)
    return _Grid(left, max(1, (room + 3) // 35), 32, 9, 3)


def shorten_names(names: Sequence[str]) -> list[str]:
    """Without what all begin with, up to a dash or dot: beside each other `h100-b1` and `h100-b2` are b1 and b2."""
    common = commonprefix(list(names)) if len(names) > 1 else ""  # noqa: RUF071 - names are no paths
    begin = max(common.rfind("-"), common.rfind(".")) + 1
    return [name[begin:] for name in names]


def _render_tiles(tiles: Sequence[Tile], grid: _Grid, pen: Pen, y: int, *, named: bool) -> Iterator[str]:
    for index, tile in enumerate(tiles):
        row, column = divmod(index, grid.columns)
        x = grid.left + column * (grid.width + grid.gap)
        top = y + row * (grid.height + grid.gap)
        yield from (_render_node(tile, grid, pen, x, top) if named else _render_bar(tile, grid, pen, x, top))


def _render_node(tile: Tile, grid: _Grid, pen: Pen, x: int, y: int) -> Iterator[str]:
    """Card by card; a part of a card is as wide as it is large."""
    yield f"<g><title>{escape(_tell(tile))}</title>"
    dashed = " cordoned" if tile.mark else ""
    yield f'<rect class="tile{dashed}" x="{x}" y="{y}" width="{grid.width}" height="{grid.height - _NAME}" rx="3"/>'
    for card, begin, milli, run in slice_cards(tile.runs):
        row, column = divmod(card, _CARDS_A_ROW)
        size = _CARD - 1
        left, width = x + 3.5 + column * _CARD + begin * size / GPU_MILLI, milli * size / GPU_MILLI
        inset = 0.5 if run.state in {State.FREE, State.UNHEALTHY, State.PROMISED} else 0  # what has an outline is drawn within it
        yield (
            f'<rect class="{pen.choose_class(run)}" x="{_number(left + inset)}" y="{_number(y + 3.5 + row * _CARD + inset)}"'
            f' width="{_number(max(0.5, width - 2 * inset))}" height="{_number(size - 2 * inset)}" rx="1.5"/>'
        )
    yield f'<text class="small" x="{x + 2}" y="{y + grid.height - 2}">{escape(_shorten(tile.name, grid.width, 5.4))}</text></g>'


def _render_bar(tile: Tile, grid: _Grid, pen: Pen, x: int, y: int) -> Iterator[str]:
    """One bar; what is free shows the ground."""
    yield f"<g><title>{escape(_tell(tile))}</title>"
    done, whole = 0, max(1, tile.milli)
    for run in _merge(tile.runs):
        left, right = x + done * grid.width / whole, x + (done + run.milli) * grid.width / whole
        done += run.milli
        if run.state is not State.FREE:
            yield (
                f'<rect class="{pen.choose_class(run)}" x="{_number(left)}" y="{y}" width="{_number(right - left)}" height="{grid.height}"'
                ' stroke="none"/>'
            )
    dashed = " cordoned" if tile.mark else ""
    yield f'<rect class="free{dashed}" x="{x}" y="{y}" width="{grid.width}" height="{grid.height}" rx="1"/></g>'


def slice_cards(runs: tuple[Run, ...]) -> Iterator[tuple[int, int, int, Run]]:
    """Card by card: its number, where on it a part begins and how large that is (thousandths), and what it is a part of."""
    at = 0
    for run in runs:
        left = run.milli
        while left:
            card, begin = divmod(at, GPU_MILLI)
            size = min(left, GPU_MILLI - begin)
            yield card, begin, size, run
            at += size
            left -= size


def _merge(runs: tuple[Run, ...]) -> list[Run]:
    """Neighbours of one tenant and state in one."""
    merged: list[Run] = []
    for run in runs:
        if merged and (merged[-1].tenant, merged[-1].state) == (run.tenant, run.state):
            merged[-1] = Run(run.state, merged[-1].milli + run.milli, run.tenant)
        else:
            merged.append(Run(run.state, run.milli, run.tenant))
    return merged


def _tell(tile: Tile) -> str:
    """What a tile says of itself."""
    where = f" in {tile.where}" if tile.where else ""
    head = f"{tile.name}{where}{f', {tile.mark}' if tile.mark else ''}: {count(tile.milli)} accelerators"
    words = {State.FREE: "free", State.UNHEALTHY: "not usable", State.FOREIGN: "of others' pods", State.PROMISED: "promised to"}
    parts = []
    for run in tile.runs:
        who = f"{run.tenant} ({run.workload})" if run.workload else run.tenant
        parts.append(" ".join(filter(None, (count(run.milli), words.get(run.state, ""), who))))
    return f"{head}; {', '.join(parts)}" if parts else head


def _shorten(text: str, room: float, each: float) -> str:
    """As much of the end of a name as there is room for: its number is there."""
    most = max(4, int(room / each))
    return text if len(text) <= most else f"…{text[1 - most :]}"


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
