"""What a status says of each pod that has begun, so that the next one counts it once, whoever writes it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from commonpool.api.workloadstatus import Span
from commonpool.kube.status.conditions import read_instant

Who = tuple[str, int]
"""A pod: the last digits of its UID, and when it began."""


@dataclass(frozen=True, slots=True)
class Known:
    """A pod that a status knows."""

    since_at: int
    accelerators: int
    ended: bool = False
    """It is counted."""


def parse_spans(spans: Iterable[Span]) -> dict[Who, Known]:
    """Which pods they tell of."""
    known = {}
    for span in spans:
        since_at = int(span.since.timestamp())
        pod = Known(since_at, span.accelerators, bool(span.ended))
        known.update(dict.fromkeys(((uid, since_at) for uid in span.pods.split()), pod))
    return known


def build_spans(known: Mapping[Who, Known]) -> list[Span] | None:
    """The same pods, those of one second, size and state together; None if there are none."""
    groups: defaultdict[tuple[int, int, bool], list[Who]] = defaultdict(list)
    for who, pod in sorted(known.items()):
        groups[pod.since_at, pod.accelerators, pod.ended].append(who)
    return [
        Span(
            since=read_instant(since_at),
            accelerators=accelerators,
            pods=" ".join(uid for uid, _ in members),
            ended=ended or None,
        )
        for (since_at, accelerators, ended), members in sorted(groups.items())
    ] or None
