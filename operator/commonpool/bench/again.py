"""The part of `bench gangs` on small placements: what the same question costs when few nodes have changed, on fleets of several sizes."""

import random
import time
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from commonpool.engine.protocol import ANYWHERE, Amounts, Engine, Fleet, GangRequest

if TYPE_CHECKING:
    from commonpool.engine.protocol import Packing

Report = dict[str, Any]

FLEETS = (1_250, 12_500, 50_000, 100_000)
WIDTHS = (500, 20, 4)
"""Nodes of a block, a rack, an NVLink domain."""
BLOCK, RACK, _LINK = range(3)
NODE: Amounts = (8000, 128_000, 2 << 40, 110)
POD: Amounts = (1000, 8000, 64 << 30, 1)
"""What the questions are about, and what runs already."""
"""What the question is about, and what runs already."""
CLASSES = (*POD, 3, 8000, 96_000, 1 << 40, 1, 5)
FULL = 0.86
"""So many nodes have no accelerator left, the others any number: about 92 % of all accelerators are taken."""
QUESTIONS = {
    "one pod": GangRequest(POD, 1, 1),
    "8 pods in one rack": GangRequest(POD, 8, 8, RACK),
    "8 pods over racks of one block, equally": GangRequest(POD, 8, 8, BLOCK, spread_level=RACK, min_domains=4),
    "8 pods over racks, equally": GangRequest(POD, 8, 8, ANYWHERE, spread_level=RACK, min_domains=4),
}
OTHERS = (0, 100)
"""So many nodes have changed since the last call, besides those that its own pods were on."""
RATIO_GOAL = 4.0
"""On the largest fleet, 80 times the smallest, a call may take so many times as long: caches are smaller than fleets."""


@dataclass(slots=True)
class Clock:
    """What calls of one kind took."""

    ms: list[float] = field(default_factory=list)
    cpu_ms: float = 0.0
    placed: int = 0


def run_again(engine: Engine, fleets: Sequence[int], calls: int, seed: int) -> list[Report]:
    """Ask each question so many times on each fleet."""
    return [result for nodes in sorted(fleets) for result in _run_fleet(engine, nodes, calls, seed)]


def _run_fleet(engine: Engine, nodes: int, calls: int, seed: int) -> Iterable[Report]:
    dice = random.Random(seed)  # noqa: S311 - the same fleet every time
    with engine.open(build_crowded(nodes, dice)) as packing:
        site = packing.select(array("q", range(nodes)))
        for question, request in QUESTIONS.items():
            first = Clock()
            _give_back(packing, _time(first, packing, request, site))
            for others in OTHERS:
                clock = Clock()
                for call in range(calls):
                    for _ in range(others):
                        packing.add(dice.randrange(nodes), (0, 1 if call % 2 else -1, 0, 0))
                    _give_back(packing, _time(clock, packing, request, site))
                yield {
                    "what": "the same question again",
                    "question": question,
                    "nodes": nodes,
                    "othersChanged": others,
                    "calls": calls,
                    "placed": clock.placed,
                    "firstMs": round(first.ms[0], 3),
                    "ms": round(median(clock.ms), 4),
                    "cpuMs": round(clock.cpu_ms / calls, 4),
                }


def build_crowded(nodes: int, dice: random.Random) -> Fleet:
    """A fleet on which small pods run, nearly full, and hardly two nodes in the same state: states are what an engine can share."""
    flat = array("q")
    for _ in range(nodes):
        running = 8 if dice.random() < FULL else dice.randrange(8)
        gpu, cpu, memory, pods = (have - running * need for have, need in zip(NODE, POD, strict=True))
        flat.extend((gpu, cpu - dice.randrange(32_000), memory, pods))
    domains = array("q", [node // width for width in WIDTHS for node in range(nodes)])
    return Fleet(flat, array("q", NODE * nodes), len(WIDTHS), domains, array("q", CLASSES))


def _time(clock: Clock, packing: "Packing", request: GangRequest, site: int) -> Sequence[int]:
    cpu, began = time.process_time(), time.perf_counter()
    nodes = packing.place(request, site).nodes
    clock.ms.append((time.perf_counter() - began) * 1000)
    clock.cpu_ms += (time.process_time() - cpu) * 1000
    clock.placed += bool(nodes)
    return nodes


def _give_back(packing: "Packing", nodes: Sequence[int]) -> None:
    for node in nodes:
        packing.add(node, POD)


def compare_sizes(results: Sequence[Report]) -> list[Report]:
    """Of each question and number of changes: how many times as long as on the smallest fleet it takes on the largest."""
    found: list[Report] = []
    kinds = dict.fromkeys((result["question"], result["othersChanged"]) for result in results)
    for question, others in kinds:
        row = [result for result in results if (result["question"], result["othersChanged"]) == (question, others)]
        ratio = round(row[-1]["ms"] / row[0]["ms"], 2)
        what = f"times as long for {question} at {row[-1]['nodes']} nodes as at {row[0]['nodes']}, {others} other nodes changed"
        found.append({"what": what, "atMost": RATIO_GOAL, "measured": ratio, "met": ratio <= RATIO_GOAL})
    return found


AGAIN_HEADER = ("AGAIN", "NODES", "OTHERS-CHANGED", "FIRST-MS", "MS", "CPU-MS")


def render_again(results: Iterable[Report]) -> Iterable[Sequence[str]]:
    """Rows of a table."""
    keys = ("question", "nodes", "othersChanged", "firstMs", "ms", "cpuMs")
    return (tuple(str(result[key]) for key in keys) for result in results)
