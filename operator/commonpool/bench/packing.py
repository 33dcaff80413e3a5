"""`bench packing`: recorded pods onto recorded nodes, with our policy and the published ones, by the program `scheduler/cmd/replay`."""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import IO, Any

from commonpool.errors import UserError

FIRST_SEED = 42  # the published evaluation's seeds are 42 to 51
ARRIVALS = (80, 90, 95, 100, 130)
MAX_ARRIVAL = 130
OURS, NUMBA = "commonpool", "FGD-numba"

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
    whole: bool = False
    """Without the pods that want a part of one accelerator."""


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
    """On one core, by the processor's clock; without `open_seconds`."""
    open_seconds: float = 0.0
    """What the policy needs before the first pod to learn from the mix."""


def run_replays(program: Path, order: Order) -> Iterator[Point]:
    """Yield the points as the program finds them; `UserError` where it refuses a file or a policy."""
    for line in run_program(program, order, "-arrivals", _join(order.arrivals), *(["-whole"] if order.whole else [])):
        yield Point(**line)


def run_program(program: Path, order: Order, *arguments: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of JSON that the program writes for lists, seeds and policies; `UserError` where it refuses something."""
    command = [*_name_seeds(program, order), "-policies", ",".join(order.policies), *arguments]
    yield from _read_lines([*command, *(str(each) for each in order.pods)])


def run_numba(program: Path, python: Path, script: Path, order: Order) -> Iterator[Point]:
    """Yield the points of FGD in numba on the same orders: a yardstick for speed. `python` is an interpreter that has numba."""
    pods = [str(each) for each in order.pods]
    _check_numba(python)
    with tempfile.TemporaryFile() as orders:
        made = subprocess.run(
            [*_name_seeds(program, order), "-orders", *pods], stdout=orders, stderr=subprocess.PIPE, text=True, check=False
        )
        if made.returncode:
            raise UserError(_read_words(made.stderr, program))
        orders.seek(0)
        for line in _read_lines([str(python), str(script), str(order.nodes), _join(order.arrivals), *pods], orders):
            yield Point(**line)


def _check_numba(python: Path) -> None:
    try:
        tried = subprocess.run([str(python), "-c", "import numpy, numba"], capture_output=True, text=True, check=False)
    except OSError as error:
        raise UserError(
            f"--numba: `{python}` cannot be run ({error.strerror}): name an interpreter of Python that has numpy and numba"
        ) from error
    if tried.returncode:
        last = (tried.stderr.strip().splitlines() or [f"ended with code {tried.returncode}"])[-1]
        raise UserError(f"--numba: `{python}` has no numba that works ({last}): try `{python} -m pip install numba`")


def _name_seeds(program: Path, order: Order) -> list[str]:
    return [str(program), "-nodes", str(order.nodes), "-seeds", _join(range(FIRST_SEED, FIRST_SEED + order.seeds))]


def _read_lines(command: list[str], given: IO[bytes] | None = None) -> Iterator[dict[str, Any]]:
    with (
        tempfile.TemporaryFile("w+") as words,
        subprocess.Popen(command, stdin=given, stdout=subprocess.PIPE, stderr=words, text=True) as process,
    ):
        for line in process.stdout or ():
            yield json.loads(line)
        code = process.wait()
        words.seek(0)
        if code:
            raise UserError(_read_words(words.read(), Path(command[0])))
        sys.stderr.write(words.read())  # what it found odd


def _read_words(words: str, program: Path) -> str:
    """What ended the program: its last line; before that it may have said what it found odd."""
    return (words.strip().splitlines() or [f"`{program}` failed and said nothing"])[-1].removeprefix("replay: ")


def compute_ratio(points: Iterable[Point], ours: str, theirs: str) -> float | None:
    """How many times the placements a second of one policy are another's, over all lists and seeds; None if one of them did not run."""
    speeds = {name: [point.placements_per_second for point in points if point.policy == name] for name in (ours, theirs)}
    return mean(speeds[ours]) / mean(speeds[theirs]) if all(speeds.values()) else None


def compute_interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and half the width of its 95 % interval (Student's t); no width for a single value."""
    if len(values) == 1:
        return values[0], 0.0
    quantile = _T95[min(len(values) - 2, len(_T95) - 1)]
    return mean(values), quantile * stdev(values) / sqrt(len(values))


HEADER = ("LIST", "POLICY", "ARRIVAL", "ALLOCATED-%", "INTERVAL", "PODS", "MULTI-GPU", "PLACEMENTS/S")


def render_packing(points: Iterable[Point]) -> Iterator[Sequence[str]]:
    """Rows of a table: means over the seeds, and the 95 % interval of the allocated share; what ran later stands with its list."""
    groups = group_by_seed(points)
    lists = list(dict.fromkeys(name for name, _, _ in groups))
    for (name, policy, arrival), group in sorted(groups.items(), key=lambda item: lists.index(item[0][0])):
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
