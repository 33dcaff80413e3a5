"""`bench round`: one planning round over a big pool, and which part of it is Python, which the engine."""

import resource
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any, Self

from commonpool.bench.crowd import build_crowd, build_rush, count_accelerators
from commonpool.engine.protocol import Engine, Fleet, GangAnswer, GangRequest, Packing
from commonpool.engine.reference import ReferenceEngine
from commonpool.model.assume import assume_plan
from commonpool.model.plan import Plan
from commonpool.model.snapshot import Snapshot
from commonpool.planner import plan_round

if TYPE_CHECKING:
    from array import array
    from types import TracebackType

Report = dict[str, Any]
GOAL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """How big the pool is."""

    nodes: int = 5000
    running: int = 3000
    pending: int = 2000
    claims: int = 0
    """If there are any, they alone wait, and the pool is full of work that has borrowed what they are guaranteed."""


@dataclass(slots=True)
class Stopwatch:
    """Time inside the engine, and how often it was called."""

    seconds: float = 0.0
    calls: int = 0


@dataclass(slots=True)
class TimedEngine:
    """An engine whose calls are timed. What Python needs to make a call counts as the engine's."""

    engine: Engine
    watch: Stopwatch = field(default_factory=Stopwatch)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.engine.name

    def open(self, fleet: Fleet) -> "TimedPacking":
        """See `protocol.Engine`."""
        began = time.perf_counter()
        packing = self.engine.open(fleet)
        self.watch.seconds += time.perf_counter() - began
        self.watch.calls += 1
        return TimedPacking(packing, self.watch)


@dataclass(slots=True)
class TimedPacking:
    """See `TimedEngine`."""

    packing: Packing
    watch: Stopwatch

    def select(self, eligible: "array[int]") -> int:
        """See `protocol.Packing`."""
        began = time.perf_counter()
        site = self.packing.select(eligible)
        self.watch.seconds += time.perf_counter() - began
        self.watch.calls += 1
        return site

    def place(self, request: GangRequest, site: int) -> GangAnswer:
        """See `protocol.Packing`."""
        began = time.perf_counter()
        answer = self.packing.place(request, site)
        self.watch.seconds += time.perf_counter() - began
        self.watch.calls += 1
        return answer

    def add(self, node: int, amounts: tuple[int, int, int, int]) -> None:
        """See `protocol.Packing`."""
        began = time.perf_counter()
        self.packing.add(node, amounts)
        self.watch.seconds += time.perf_counter() - began
        self.watch.calls += 1

    def close(self) -> None:
        """See `protocol.Packing`."""
        self.packing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None") -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Sample:
    """One round."""

    wall_seconds: float
    cpu_seconds: float
    engine_seconds: float
    calls: int


def run_rounds(crowd: Crowd, engine: Engine, runs: int, reference_runs: int) -> tuple[list[Report], Report]:
    """Measure the round in which work is placed, and the one after it in which nothing moves; with the reference too, if it shall run."""
    if crowd.claims:
        snapshot = build_rush(crowd.nodes, crowd.running, crowd.claims)
    else:
        snapshot = build_crowd(crowd.nodes, crowd.running, crowd.pending, engine)
    total, held = count_accelerators(snapshot)
    world: Report = {"accelerators": total, "heldBefore": held, "workloads": len(snapshot.workloads), "nodes": len(snapshot.nodes)}
    results = _measure_both(snapshot, engine, runs)
    if reference_runs:
        results += _measure_both(snapshot, ReferenceEngine(), reference_runs)
    return results, world


def build_report(machine: dict[str, object], crowd: Crowd, world: Report, results: Sequence[Report]) -> Report:
    """The JSON that `bench round` prints."""
    native = next(result for result in results if result["round"] == "busy")
    return {
        "benchmark": "round",
        "machine": machine,
        "setting": {
            "nodes": crowd.nodes,
            "running": crowd.running,
            "pending": 0 if crowd.claims else crowd.pending,
            "claims": crowd.claims,
        },
        "world": world,
        "results": list(results),
        "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "goals": [
            {
                "what": f"seconds of one round with the {native['engine']} engine",
                "atMost": GOAL_SECONDS,
                "measured": native["wallSeconds"],
                "met": native["wallSeconds"] <= GOAL_SECONDS,
            }
        ],
    }


def _measure_both(snapshot: Snapshot, engine: Engine, runs: int) -> list[Report]:
    busy, plan = _measure(snapshot, engine, runs)
    still, after = _measure(assume_plan(snapshot, plan), engine, runs)
    return [_sum_up("busy", engine, busy, plan), _sum_up("still", engine, still, after)]


def _measure(snapshot: Snapshot, engine: Engine, runs: int) -> tuple[list[Sample], Plan]:
    samples = []
    plan = plan_round(snapshot, engine)
    for _ in range(runs):
        timed = TimedEngine(engine)
        cpu, wall = time.process_time(), time.perf_counter()
        plan = plan_round(snapshot, timed)
        samples.append(Sample(time.perf_counter() - wall, time.process_time() - cpu, timed.watch.seconds, timed.watch.calls))
    return samples, plan


def _sum_up(which: str, engine: Engine, samples: Sequence[Sample], plan: Plan) -> Report:
    wall, inside = median(sample.wall_seconds for sample in samples), median(sample.engine_seconds for sample in samples)
    return {
        "round": which,
        "engine": engine.name,
        "wallSeconds": round(wall, 3),
        "wallSecondsOfRuns": [round(sample.wall_seconds, 3) for sample in samples],
        "cpuSeconds": round(median(sample.cpu_seconds for sample in samples), 3),
        "engineSeconds": round(inside, 3),
        "pythonSeconds": round(wall - inside, 3),
        "engineCalls": samples[0].calls,
        "placedWorkloads": len({place.workload for place in plan.place}),
        "placedPods": sum(len(place.entries) for place in plan.place),
        "waiting": len(plan.hold),
        "shrunk": len(plan.shrink),
        "evicted": len(plan.evict),
    }


HEADER = ("ROUND", "ENGINE", "WALL-S", "CPU-S", "ENGINE-S", "PYTHON-S", "CALLS", "PLACED", "PODS", "WAITING")


def render_round(report: Report) -> Iterable[Sequence[str]]:
    """Rows of a table."""
    keys = ("round", "engine", "wallSeconds", "cpuSeconds", "engineSeconds", "pythonSeconds", "engineCalls")
    for result in report["results"]:
        yield tuple(str(result[key]) for key in (*keys, "placedWorkloads", "placedPods", "waiting"))
