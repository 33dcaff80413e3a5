"""`bench packing`: recorded pods onto recorded nodes, with our policy and the published ones, by the program `scheduler/cmd/replay`."""

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import mean, stdev

from commonpool.errors import UserError

FIRST_SEED = 42  # the published evaluation's seeds are 42 to 51
ARRIVALS = (80, 90, 95, 100, 130)
MAX_ARRIVAL = 130

# Two-sided 95 % quantiles of Student's t by degrees of freedom; beyond the table the last is near enough.
_T95 = (
    12.706,
    4.303,
    3.182,
    2.776,
    2.571,
    2.447,
    2.365,
    2.306,
    2.262,
    2.228,
    2.201,
    2.179,
    2.160,
    2.145,
    2.131,
    2.120,
    2.110,
    2.101,
    2.093,
)


@dataclass(frozen=True, slots=True)
class Order:
    """What to replay."""

    nodes: Path
    pods: tuple[Path, ...]
    policies: tuple[str, ...] = ()
    """By name; none: all there are."""
    seeds: int = 1
    arrivals: tuple[int, ...] = ARRIVALS
    """Percent of the capacity, each at most 130."""


@dataclass(frozen=True, slots=True)
class Point:
    """What one policy had placed when so much had arrived; the fields of the JSON."""

    list: str
    seed: int
    policy: str
    arrival: int
    allocated_percent: float
    placed_pods: int
    placed_multi_gpu_pods: int
    placements_per_second: float


def run_replays(program: Path, order: Order) -> Iterator[Point]:
    """Yield the points as the program finds them; `UserError` where it refuses a file or a policy."""
    seeds = range(FIRST_SEED, FIRST_SEED + order.seeds)
    command = [str(program), "-nodes", str(order.nodes), "-seeds", _join(seeds), "-arrivals", _join(order.arrivals)]
    command += ["-policies", ",".join(order.policies), *(str(each) for each in order.pods)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            yield Point(**json.loads(line))
        words = process.stderr.read() if process.stderr is not None else ""
    if process.returncode:
        raise UserError(words.strip().removeprefix("replay: ") or f"the replay ended with code {process.returncode}")


def compute_interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and half the width of its 95 % interval (Student's t); no width for a single value."""
    if len(values) == 1:
        return values[0], 0.0
    quantile = _T95[min(len(values) - 2, len(_T95) - 1)]
    return mean(values), quantile * stdev(values) / sqrt(len(values))


HEADER = ("LIST", "POLICY", "ARRIVAL", "ALLOCATED-%", "INTERVAL", "PODS", "MULTI-GPU", "PLACEMENTS/S")


def render_packing(points: Iterable[Point]) -> Iterator[Sequence[str]]:
    """Rows of a table: means over the seeds, and the 95 % interval of the allocated share."""
    for (name, policy, arrival), group in group_by_seed(points).items():
        allocated, width = compute_interval([point.allocated_percent for point in group])
        yield (
            name,
            policy,
            str(arrival),
            f"{allocated:.3f}",
            f"±{width:.3f}" if len(group) > 1 else "-",
            f"{mean(point.placed_pods for point in group):.1f}",
            f"{mean(point.placed_multi_gpu_pods for point in group):.1f}",
            f"{mean(point.placements_per_second for point in group):.0f}",
        )


def group_by_seed(points: Iterable[Point]) -> dict[tuple[str, str, int], list[Point]]:
    """All seeds of each list, policy and arrival, in the order in which they came."""
    groups: defaultdict[tuple[str, str, int], list[Point]] = defaultdict(list)
    for point in points:
        groups[point.list, point.policy, point.arrival].append(point)
    return dict(groups)


def _join(numbers: Iterable[int]) -> str:
    return ",".join(str(number) for number in numbers)
