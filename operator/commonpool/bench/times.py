"""`bench packing --times`: the recorded pods with the times at which they came and went, by the program `scheduler/cmd/replay`."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from commonpool.bench.packing import Order, compute_interval, run_program

MOVERS = ("FGD", "commonpool")
EVERY = 16
MAX_LOAD = 1000
DISCIPLINES = ("skip", "strict")
_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Wish:
    """How time is to go."""

    loads: tuple[int, ...]
    """Offered load in percent of the accelerators; 0: the recording as it is, on all nodes."""
    queue: str = "skip"
    """Who does not fit is passed over, or (`strict`) nobody starts before who came earlier."""
    movers: tuple[str, ...] = MOVERS
    """Policies that are replayed with moves as well."""
    every: int = EVERY
    """Every so manyth node is taken, except for load 0."""


@dataclass(frozen=True, slots=True)
class Series:
    """How things were at regular instants, in percent of all accelerators."""

    days: list[float]
    allocated: list[float]
    fragmented: list[float]
    lost: list[float]
    waiting: list[float]


@dataclass(frozen=True, slots=True)
class Course:
    """What one policy made of a list at a load; the fields of the JSON. An accelerator-hour of a part of an accelerator is so much less."""

    list: str
    seed: int
    policy: str
    moves: bool
    queue: str
    load: int
    copies: int
    nodes: int
    accelerators: float
    days: float
    pods: int
    unservable_pods: int
    """Of the list: they fit on none of the nodes, and do not come."""
    started_pods: int
    offered_percent: float
    offered_cpu_percent: float
    offered_gpu_hours: float
    served_gpu_hours: float
    """By the end of the recording, pauses not counted."""
    allocated_percent: float
    wait_p50_seconds: int
    """Of all pods that came; one that had not started at the end has waited until then."""
    wait_p99_seconds: int
    wait_longest_seconds: int
    multi_gpu_wait_p50_seconds: int
    multi_gpu_wait_p99_seconds: int
    waited_gpu_hours: float
    idle_wanted_gpu_hours: float
    """Free while as much was waited for."""
    fragmented_percent: float
    """FGD's F, the mean over time; what a pod of the mix cannot use of what is free, in percent of all accelerators."""
    lost_percent: float
    """Its multi-unit form: what is left over when as many pods of a class come as fit."""
    moved_pods: int
    paused_gpu_hours: float
    """What the moves cost: accelerators that were held by pods on their way."""
    series: Series


def run_times(program: Path, order: Order, wish: Wish) -> Iterator[Course]:
    """Yield what the program finds; `UserError` where it refuses a file or a policy."""
    loads, movers = ",".join(map(str, wish.loads)), ",".join(wish.movers)
    for line in run_program(program, order, "-times", loads, "-queue", wish.queue, "-moves", movers, "-every", str(wish.every)):
        yield Course(**{**line, "series": Series(**line["series"])})


HEADER = (
    "LIST",
    "LOAD",
    "POLICY",
    "OFFERED-%",
    "SERVED-%",
    "INTERVAL",
    "ALLOCATED-%",
    "WAIT-P50",
    "WAIT-P99",
    "LONGEST",
    "GPU-H-WAITED",
    "IDLE-WANTED",
    "F-%",
    "LOST-%",
    "MOVED",
    "GPU-H-PAUSED",
)


def render_times(courses: Iterable[Course]) -> Iterator[Sequence[str]]:
    """Rows of a table: means over the seeds; served is in percent of what was offered, with its 95 % interval; waits are in hours."""
    for (name, load, policy), group in group_by_seed(courses).items():
        served, width = compute_interval([compute_served(course) for course in group])
        yield (
            name,
            str(load) if load else "as recorded",
            policy,
            f"{mean(course.offered_percent for course in group):.2f}",
            f"{served:.2f}",
            f"±{width:.2f}" if len(group) > 1 else "-",
            f"{mean(course.allocated_percent for course in group):.2f}",
            *(
                f"{mean(seconds) / _HOUR:.2f}h"
                for seconds in (
                    [course.wait_p50_seconds for course in group],
                    [course.wait_p99_seconds for course in group],
                    [course.wait_longest_seconds for course in group],
                )
            ),
            f"{mean(course.waited_gpu_hours for course in group):.0f}",
            f"{mean(course.idle_wanted_gpu_hours for course in group):.0f}",
            f"{mean(course.fragmented_percent for course in group):.2f}",
            f"{mean(course.lost_percent for course in group):.2f}",
            f"{mean(course.moved_pods for course in group):.0f}",
            f"{mean(course.paused_gpu_hours for course in group):.1f}",
        )


def compute_served(course: Course) -> float:
    """Accelerator-hours served, in percent of what was offered."""
    return 100 * course.served_gpu_hours / course.offered_gpu_hours


def name_way(course: Course) -> str:
    """The policy, and whether pods were moved."""
    return f"{course.policy} + moves" if course.moves else course.policy


def group_by_seed(courses: Iterable[Course]) -> dict[tuple[str, int, str], list[Course]]:
    """All seeds of each list, load and way, in the order in which they came."""
    groups: defaultdict[tuple[str, int, str], list[Course]] = defaultdict(list)
    for course in courses:
        groups[course.list, course.load, name_way(course)].append(course)
    return dict(groups)
