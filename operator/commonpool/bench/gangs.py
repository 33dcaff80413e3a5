"""`bench gangs`: whole gangs on a big fleet with four levels, straight into the packing engine: how fast, and what it leaves whole."""

import os
import random
import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from commonpool.bench.again import compare_sizes
from commonpool.bench.cpu import read_peak_mib
from commonpool.bench.rivals import RIVALS, Rival
from commonpool.engine.protocol import ANYWHERE, Amounts, Engine, Fleet, GangRequest

if TYPE_CHECKING:
    from commonpool.engine.protocol import Packing

Report = dict[str, Any]

BLOCK, RACK, LINK, HOST = range(4)
WIDTHS = (500, 20, 4, 1)
"""Nodes of a block, a rack, an NVLink domain, a host."""
LOAD = 0.9
BIG = 10
"""The big gang takes one node in so many: all that is free."""
PLACE_GOAL_MS, REFUSE_GOAL_MS = 100.0, 5.0

POD: Amounts = (8000, 96_000, 1 << 40, 1)
NODE: Amounts = (8000, 128_000, 2 << 40, 110)
# nodes of a gang, and its share of all gangs
SIZES = ((1, 30), (2, 15), (4, 15), (8, 15), (16, 10), (32, 7), (64, 5), (128, 2), (256, 1))
HELD_TOGETHER = 0.3
"""So many gangs require to be inside one rack (up to 16 nodes) or one block."""
WISHES = {"commonpool": ANYWHERE, "commonpool, few racks preferred": RACK}
SAMPLE_EVERY = 50


@dataclass(frozen=True, slots=True)
class Setting:
    """How big, and how long."""

    nodes: int = 12_500
    placements: int = 2000
    runs: int = 5
    seed: int = 4


@dataclass(frozen=True, slots=True)
class Gang:
    """So many whole nodes, inside one domain of a level if that is not `ANYWHERE`."""

    size: int
    level: int


Place = Callable[[Gang], Sequence[int]]
GiveBack = Callable[[int], None]


@dataclass(slots=True)
class Fleetbook:
    """What is free, counted by the bench itself."""

    free: bytearray
    whole: list[tuple[float, float]] = field(default_factory=list)
    refused: int = 0
    milliseconds: list[float] = field(default_factory=list)
    racks: list[float] = field(default_factory=list)
    """Of each gang: the racks it is in, by the fewest for its size."""

    def sample(self) -> None:
        """Note the free racks and blocks as shares of the most there could be with so many free nodes."""
        left = sum(self.free)
        shares = []
        for width in (WIDTHS[RACK], WIDTHS[BLOCK]):
            whole = sum(self.free[start : start + width].count(1) == width for start in range(0, len(self.free), width))
            shares.append(whole / (left // width) if left >= width else 1.0)
        self.whole.append((shares[0], shares[1]))


def run_gangs(setting: Setting, engine: Engine) -> list[Report]:
    """Gangs come and go with each way of packing; then the big gang on what ours has left."""
    results = []
    free = bytearray()
    for way, preferred in WISHES.items():
        book, running = _run_engine(setting, engine, preferred)
        free = _free_for_the_big_one(setting, book, running)
        results.append(_sum_up(way, book))
    results += [_sum_up(way, _run_rival(setting, rival)) for way, rival in RIVALS.items()]
    return [*results, *_measure_big(setting, engine, free)]


def _run_engine(setting: Setting, engine: Engine, preferred: int) -> tuple[Fleetbook, list[Sequence[int]]]:
    book = Fleetbook(bytearray([1]) * setting.nodes)
    with engine.open(build_fleet(setting.nodes, None)) as packing:
        site = packing.select(array("q", range(setting.nodes)))

        def place(gang: Gang) -> Sequence[int]:
            return packing.place(_ask(gang.size, gang.level, preferred), site).nodes

        return book, _come_and_go(setting, book, place, lambda node: packing.add(node, POD))


def _free_for_the_big_one(setting: Setting, book: Fleetbook, running: list[Sequence[int]]) -> bytearray:
    """Gangs leave by chance until just as many nodes are free as the big gang takes."""
    free, needed = bytearray(book.free), setting.nodes // BIG
    dice = random.Random(setting.seed)  # noqa: S311 - the same gangs every time
    for nodes in dice.sample(running, len(running)):
        for node in nodes if sum(free) < needed else ():
            free[node] = 1
    for node in [node for node, is_free in enumerate(free) if is_free][needed:]:
        free[node] = 0
    return free


def build_fleet(nodes: int, free: bytearray | None) -> Fleet:
    """Nodes that are free or full, and a mix of whole nodes."""
    flat = array("q", NODE * nodes)
    full = array("q", [have - need for have, need in zip(NODE, POD, strict=True)])
    for node, is_free in enumerate(free or ()):
        if not is_free:
            flat[4 * node : 4 * node + 4] = full
    domains = array("q", [node // width for width in WIDTHS for node in range(nodes)])
    return Fleet(flat, array("q", NODE * nodes), len(WIDTHS), domains, array("q", [*POD, 1]))


def _ask(size: int, level: int, preferred: int = RACK) -> GangRequest:
    return GangRequest(POD, size, size, level, preferred=preferred)


def _come_and_go(setting: Setting, book: Fleetbook, place: Place, give_back: GiveBack) -> list[Sequence[int]]:
    """Fill the fleet, then let gangs leave by chance and others come, so many of them; who is left."""
    dice = random.Random(setting.seed)  # noqa: S311 - the same gangs every time
    running: list[Sequence[int]] = []
    full, placed = round(setting.nodes * (1 - LOAD)), 0
    filled = False
    while placed < setting.placements or not filled:
        if sum(book.free) <= full:
            filled = True
            nodes = running.pop(dice.randrange(len(running)))
            for node in nodes:
                book.free[node] = 1
                give_back(node)
            continue
        gang = _draw(dice)
        began = time.perf_counter()
        nodes = place(gang) if gang.size <= sum(book.free) else ()
        elapsed = time.perf_counter() - began
        if nodes:
            running.append(nodes)
            for node in nodes:
                book.free[node] = 0
        if not filled:
            continue
        placed += 1
        book.refused += not nodes
        book.milliseconds.append(elapsed * 1000)
        if nodes:
            book.racks.append(len({node // WIDTHS[RACK] for node in nodes}) / -(-gang.size // WIDTHS[RACK]))
        if placed % SAMPLE_EVERY == 0:
            book.sample()
    return running


def _draw(dice: random.Random) -> Gang:
    size = dice.choices([size for size, _ in SIZES], [share for _, share in SIZES])[0]
    held = dice.random() < HELD_TOGETHER
    return Gang(size, (RACK if size < WIDTHS[RACK] else BLOCK) if held else ANYWHERE)


def _run_rival(setting: Setting, rival: Rival) -> Fleetbook:
    book = Fleetbook(bytearray([1]) * setting.nodes)
    _come_and_go(setting, book, lambda gang: rival(book.free, gang.size, WIDTHS, gang.level), lambda _: None)
    return book


def _sum_up(way: str, book: Fleetbook) -> Report:
    return {
        "what": "gangs come and go",
        "way": way,
        "wholeRacksOfBest": round(sum(racks for racks, _ in book.whole) / max(1, len(book.whole)), 4),
        "wholeBlocksOfBest": round(sum(blocks for _, blocks in book.whole) / max(1, len(book.whole)), 4),
        "racksOfFewest": round(sum(book.racks) / max(1, len(book.racks)), 3),
        "refused": book.refused,
        "placements": len(book.milliseconds),
        "ms": round(median(book.milliseconds), 3),
        "perSecond": round(len(book.milliseconds) / (sum(book.milliseconds) / 1000)),
    }


def _measure_big(setting: Setting, engine: Engine, free: bytearray) -> list[Report]:
    size = setting.nodes // BIG
    fleet = build_fleet(setting.nodes, free)
    everywhere = array("q", range(setting.nodes))
    times: dict[str, list[float]] = {}
    used = (0, 0)

    def ask(what: str, packing: "Packing", request: GangRequest, site: int) -> Sequence[int]:
        began = time.perf_counter()
        nodes = packing.place(request, site).nodes
        times.setdefault(what, []).append((time.perf_counter() - began) * 1000)
        return nodes

    for _ in range(setting.runs):
        began = time.perf_counter()
        with engine.open(fleet) as packing:
            site = packing.select(everywhere)
            times.setdefault("open and select", []).append((time.perf_counter() - began) * 1000)
            ask("cannot fit one block, first time", packing, _ask(size, BLOCK), site)
            ask("cannot fit one block, again", packing, _ask(size, BLOCK), site)
            nodes = ask("place, first time", packing, _ask(size, ANYWHERE), site)
            used = len({node // WIDTHS[BLOCK] for node in nodes}), len({node // WIDTHS[RACK] for node in nodes})
            ask("cannot fit what is left, again", packing, _ask(size, ANYWHERE), site)
            for node in nodes:
                packing.add(node, POD)
            nodes = ask("place, again", packing, _ask(size, ANYWHERE), site)
            for node in nodes[1:]:
                packing.add(node, POD)
            ask("cannot fit by one node, again", packing, _ask(size, ANYWHERE), site)
    return [
        {
            "what": "the big gang",
            "nodes": size,
            "blocks": used[0],
            "fewestBlocks": _count_fewest(free, WIDTHS[BLOCK], size),
            "racks": used[1],
            "fewestRacks": _count_fewest(free, WIDTHS[RACK], size),
            "ms": {what: round(median(all_of_it), 3) for what, all_of_it in times.items()},
        }
    ]


def _count_fewest(free: bytearray, width: int, size: int) -> int:
    """How many domains it takes at least: the largest first."""
    rooms = sorted((free[start : start + width].count(1) for start in range(0, len(free), width)), reverse=True)
    number = 0
    for room in rooms:
        if size <= 0:
            break
        number, size = number + 1, size - room
    return number


def build_gang_report(
    machine: dict[str, object], setting: Setting, engine: Engine, results: Sequence[Report], again: Sequence[Report]
) -> Report:
    """The JSON that `bench gangs` prints."""
    took = results[-1]["ms"]
    slowest = max(milliseconds for what, milliseconds in took.items() if what.startswith("cannot fit"))
    return {
        "benchmark": "gangs",
        "machine": machine,
        "engine": engine.name,
        "setting": {"nodes": setting.nodes, "widths": list(WIDTHS), "load": LOAD, "placements": setting.placements, "runs": setting.runs},
        "results": list(results),
        "again": list(again),
        "peakMiB": read_peak_mib(os.getpid()),
        "goals": [
            _goal("milliseconds to place the big gang, the first time", PLACE_GOAL_MS, took["place, first time"]),
            _goal("milliseconds to refuse it, the slowest way", REFUSE_GOAL_MS, slowest),
            *compare_sizes(again),
        ],
    }


def _goal(what: str, at_most: float, measured: float) -> Report:
    return {"what": what, "atMost": at_most, "measured": measured, "met": measured <= at_most}


HEADER = ("WAY", "WHOLE-RACKS", "WHOLE-BLOCKS", "RACKS-A-GANG", "REFUSED", "MS", "PLACEMENTS-PER-S")


def render_gangs(report: Report) -> Iterable[Sequence[str]]:
    """Rows of a table."""
    for result in report["results"]:
        if "way" in result:
            keys = ("way", "wholeRacksOfBest", "wholeBlocksOfBest", "racksOfFewest", "refused", "ms", "perSecond")
            yield tuple(str(result[key]) for key in keys)


def list_times(report: Report) -> Iterable[Sequence[str]]:
    """What the big gang took, and where it lies."""
    big = report["results"][-1]
    yield from ((what, f"{milliseconds} ms") for what, milliseconds in big["ms"].items())
    yield "blocks, and the fewest it could be", f"{big['blocks']}, {big['fewestBlocks']}"
    yield "racks, and the fewest it could be", f"{big['racks']}, {big['fewestRacks']}"
