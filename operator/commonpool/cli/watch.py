"""`commonpool top --watch`: a screen that renews itself, as wide and as high as the terminal; on a pipe a table at every change."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from commonpool.cli.picture.palette import COLOURS, OTHERS_COLOUR, choose_colours
from commonpool.cli.picture.scene import Panel, Scene, State, build_scene, count
from commonpool.cli.report import Report, View, build_report, render_report

_REST = 5
"""The pause is at least so many times as long as the reading took: who watches must not be a burden."""
_BAR = 32
_LEAST_ROWS = 3
_MOST_HOLDERS = 8

Read = Callable[[], Awaitable[View]]


async def watch(read: Read, console: Console, interval_seconds: float) -> None:
    """Read and show until interrupted; the terminal is left as it was, with the last sight of it."""
    if not console.is_terminal:
        await _follow(read, console, interval_seconds)
        return
    with Live(console=console, auto_refresh=False, transient=False, vertical_overflow="crop") as live:
        while True:
            view, seconds = await _time(read)
            live.update(render_screen(view, console.width, console.height), refresh=True)
            await asyncio.sleep(max(interval_seconds, _REST * seconds))


async def _follow(read: Read, console: Console, interval_seconds: float) -> None:
    shown = ""
    while True:
        view, seconds = await _time(read)
        if (text := render_report(build_report(view))) != shown:
            shown = text
            console.file.write(f"{text}\n\n")
            console.file.flush()
        await asyncio.sleep(max(interval_seconds, _REST * seconds))


async def _time(read: Read) -> tuple[View, float]:
    began = time.monotonic()
    return await read(), time.monotonic() - began


def render_screen(view: View, width: int, height: int) -> Group:
    """Bars of the pools, who holds how much, and as many workloads as there is room for: those that wait first."""
    scene, report = build_scene(view.snapshot), build_report(view)
    colours = choose_colours(scene.holders)
    head = [*(_draw_pool(panel, colours, width) for panel in scene.panels), Text(""), *_list_holders(scene, colours), Text("")]
    room = max(_LEAST_ROWS, height - len(head) - 3)
    return Group(*head, _list_workloads(report, room))


def _draw_pool(panel: Panel, colours: Mapping[str, int], width: int) -> Text:
    """One line: name, bar, numbers."""
    whole = max(1, panel.use.total)
    bar = max(8, min(_BAR, width - 46))
    line = Text(f"{_fit(panel.pool, 12):<12} ", no_wrap=True, overflow="ellipsis")
    done = 0
    drawn = 0
    for tenant, state, milli in _sum_runs(panel):
        done += milli
        cells = done * bar // whole - drawn
        drawn += cells
        line.append(_LOOKS[state] * cells, style=_style(state, colours.get(tenant)))
    line.append(" " * (bar - drawn))
    use = panel.use
    line.append(f" {count(use.use.total):>6} of {count(use.total):<6} {count(use.free):>6} free")
    if use.unhealthy:
        line.append(f"  {count(use.unhealthy)} unhealthy")
    return line


_LOOKS = {State.BOUND: "█", State.PROMISED: "▒", State.FOREIGN: "▓", State.FREE: "·", State.UNHEALTHY: "x"}


def _style(state: State, number: int | None) -> str:
    if number is None or state not in {State.BOUND, State.PROMISED}:
        return "bright_black"
    return (*COLOURS, OTHERS_COLOUR)[number]


def _sum_runs(panel: Panel) -> Iterator[tuple[str, State, int]]:
    """Tenants by name, then what is nobody's."""
    sums: dict[tuple[str, State], int] = {}
    for run in (run for group in panel.groups for tile in group.tiles for run in tile.runs):
        sums[run.tenant, run.state] = sums.get((run.tenant, run.state), 0) + run.milli
    order = list(State)
    for (tenant, state), milli in sorted(sums.items(), key=lambda item: (not item[0][0], item[0][0], order.index(item[0][1]))):
        yield tenant, state, milli


def _list_holders(scene: Scene, colours: Mapping[str, int]) -> Iterator[Text]:
    """Those that hold most."""
    ranked = sorted(scene.holders, key=lambda holder: (-holder.milli, holder.name))
    for holder in ranked[:_MOST_HOLDERS]:
        line = Text("█ ", style=(*COLOURS, OTHERS_COLOUR)[colours[holder.name]], no_wrap=True, overflow="ellipsis")
        waits = f", {holder.waits} waiting for {count(holder.asked)}" if holder.waits else ""
        yield line.append(f"{_fit(holder.name, 24)}: {count(holder.milli)} held{waits}", style="default")
    if len(ranked) > _MOST_HOLDERS:
        yield Text(f"  and {len(ranked) - _MOST_HOLDERS} more", style="dim")


def _list_workloads(report: Report, room: int) -> Table:
    """Those that wait first, then the largest."""
    rows = sorted(report["workloads"], key=lambda row: (not row["waitsFor"], -row["accelerators"], row["workload"]))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title, share in (("WORKLOAD", 3), ("POOL", 1), ("REPLICAS", 1), ("STATE", 2), ("ACCELERATORS", 1)):
        table.add_column(title, no_wrap=True, overflow="ellipsis", ratio=None, min_width=share, justify="left")
    shown: Sequence[dict[str, Any]] = rows if len(rows) <= room else rows[: room - 1]
    for row in shown:
        replicas = f"{row['replicas']['have']}/{row['replicas']['want']}"
        state = row["waitsFor"] or row["state"] or "-"
        style = "yellow" if row["waitsFor"] else ""
        table.add_row(row["workload"], row["pool"] or "-", replicas, Text(state, style=style), str(row["accelerators"]))
    if len(shown) < len(rows):
        table.add_row(Text(f"and {len(rows) - len(shown)} more", style="dim"))
    return table


def _fit(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
