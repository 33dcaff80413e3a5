"""`bench mig`: random streams of pods that want MIG instances, with our policy and others, by the program `scheduler/cmd/replay`."""

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from commonpool.bench.packing import FIRST_SEED, OURS, compute_interval
from commonpool.errors import UserError

OFFERED = (85, 100, 130)
HEADER = ("MIX", "DEPARTURES", "OFFERED-%", "POLICY", "ALLOCATED-%", "INTERVAL", "COMPUTE-%", "PLACED-%", "OURS-MINUS-IT", "INTERVAL")


@dataclass(frozen=True, slots=True)
class Stream:
    """What one policy made of one stream; the fields of the JSON."""

    mix: str
    departures: bool
    offered: int
    """Slices that arrive in all, in percent of those there are; with departures, that would be in use at a time if all found room."""
    seed: int
    policy: str
    pods: int
    placed_pods: int
    allocated_percent: float
    """Of the slices of memory: at the end, or with departures in the mean over time."""
    compute_percent: float
    """Of the slices of processors, the same."""
    decisions_per_second: float


def run_streams(program: Path, nodes: int, seeds: int, offered: Sequence[int]) -> Iterator[Stream]:
    """Yield what every policy makes of every stream on so many nodes of eight cards; the streams of a seed are the same for all."""
    numbers = ",".join(str(seed) for seed in range(FIRST_SEED, FIRST_SEED + seeds))
    command = [str(program), "-mig", str(nodes), "-seeds", numbers, "-arrivals", ",".join(str(each) for each in offered)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            yield Stream(**json.loads(line))
        if process.wait():
            raise UserError(f"`{program.name}` ended with code {process.returncode}")


def render_mig(streams: Iterable[Stream]) -> Iterator[Sequence[str]]:
    """Rows of a table: means over the seeds, and what ours has more than each other on the same streams, with 95 % intervals."""
    groups: defaultdict[tuple[str, bool, int], defaultdict[str, list[Stream]]] = defaultdict(lambda: defaultdict(list))
    for stream in streams:
        groups[stream.mix, stream.departures, stream.offered][stream.policy].append(stream)
    for (mix, departures, offered), policies in groups.items():
        ours = {stream.seed: stream.allocated_percent for stream in policies[OURS]}
        for policy, group in policies.items():
            allocated, width = compute_interval([stream.allocated_percent for stream in group])
            more, more_width = compute_interval([ours[stream.seed] - stream.allocated_percent for stream in group])
            yield (
                mix,
                "yes" if departures else "no",
                str(offered),
                policy,
                f"{allocated:.2f}",
                f"±{width:.2f}",
                f"{mean(stream.compute_percent for stream in group):.2f}",
                f"{mean(100 * stream.placed_pods / stream.pods for stream in group):.2f}",
                "" if policy == OURS else f"{more:+.2f}",
                "" if policy == OURS else f"±{more_width:.2f}",
            )
