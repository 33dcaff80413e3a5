"""A scene as SVG: panels below each other, the legend at the end. It needs no script and no font of its own.

Light or dark is decided by who looks (`prefers-color-scheme`); tiles tell what they are to who points at them or listens.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from commonpool.cli.picture.legend import render_legend
from commonpool.cli.picture.palette import choose_colours
from commonpool.cli.picture.scene import Panel, Scene, count
from commonpool.cli.picture.style import MARGIN, PADDING, WIDTH, Pen, render_style
from commonpool.cli.picture.tiles import render_groups

_HEAD = 58
_PANEL_HEAD = 38


def render_svg(scene: Scene) -> str:
    """The whole picture, a text file of its own."""
    pen = Pen(choose_colours(scene.holders))
    body, y = [], _HEAD
    for panel in scene.panels:
        drawn, height = _render_panel(panel, pen, y)
        body += drawn
        y += height + PADDING
    legend, height = render_legend(scene, pen, y)
    total = y + height + MARGIN
    summary = _summarize(scene)
    size = f'width="{WIDTH}" height="{total}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {WIDTH} {total}" role="img" aria-labelledby="title desc">',
        '<title id="title">The pool and who holds it</title>',
        f'<desc id="desc">{escape(" ".join((summary + ".", *(_describe(panel) for panel in scene.panels))))}</desc>',
        *render_style(),
        f'<rect class="ground" {size} rx="8"/>',
        f'<text x="{MARGIN}" y="34"><tspan class="title">commonpool</tspan><tspan class="muted" dx="12">{escape(summary)}</tspan></text>',
        f'<text class="muted end" x="{WIDTH - MARGIN}" y="34">{datetime.fromtimestamp(scene.now_at, UTC):%Y-%m-%d %H:%M} UTC</text>',
        *body,
        *legend,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _render_panel(panel: Panel, pen: Pen, y: int) -> tuple[list[str], int]:
    inner, height = render_groups(panel, pen, y + _PANEL_HEAD)
    height += _PANEL_HEAD
    head = [
        f'<g><rect class="panel" x="{MARGIN}" y="{y}" width="{WIDTH - 2 * MARGIN}" height="{height}" rx="6"/>',
        f'<text class="pool" x="{MARGIN + PADDING}" y="{y + 25}">{escape(panel.pool)}</text>',
        f'<text class="muted end" x="{WIDTH - MARGIN - PADDING}" y="{y + 25}">{escape(_tell(panel))}</text>',
    ]
    return [*head, *inner, "</g>"], height


def _tell(panel: Panel) -> str:
    use = panel.use
    nodes = f"{use.nodes} node{'' if use.nodes == 1 else 's'}"
    parts = [nodes, f"{count(use.use.total)} of {count(use.total)} held", f"{count(use.free)} free"]
    parts += [f"{count(milli)} {what}" for milli, what in _list_rest(panel) if milli]
    if panel.together > 1:
        parts.append(f"each tile up to {panel.together} nodes")
    return " · ".join(parts)


def _list_rest(panel: Panel) -> Iterator[tuple[int, str]]:
    yield panel.use.unhealthy, "not usable"
    yield panel.use.foreign, "of others' pods"
    yield panel.waiting, "waited for"


def _describe(panel: Panel) -> str:
    return f"Pool {panel.pool}: {_tell(panel).replace(' · ', ', ')}."


def _summarize(scene: Scene) -> str:
    total = sum(panel.use.total for panel in scene.panels)
    held = sum(panel.use.use.total for panel in scene.panels)
    waits = sum(holder.waits for holder in scene.holders)
    pools = f"{len(scene.panels)} pool{'' if len(scene.panels) == 1 else 's'}"
    waiting = f"{waits} workload{' waits' if waits == 1 else 's wait'}"
    return f"{count(held)} of {count(total)} accelerators held in {pools}, {waiting}"
