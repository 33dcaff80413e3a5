"""How many pods a service needs for its load: up at once, down slowly, always within its bounds.

Pure: who asks Prometheus hands in the totals and the instants.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from commonpool.api.inference import Inference
from commonpool.api.quantity import parse_quantity

CALM_SECONDS = 300
"""A service keeps what it needed at any time in so many seconds: load that comes back finds its pods."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is known of one service's load."""

    desired: int | None
    """Pods that carry it; None as long as it has never been read."""
    problem: str = ""
    """Why it could not be read the last time; empty if it could."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The load asked for so many pods at that instant."""

    at: int
    pods: int


def count_pods(inference: Inference, total: float) -> int:
    """Pods that carry `total` (finite, not below zero), within the service's bounds."""
    if inference.target is None or not total:
        return least_pods(inference)
    per_replica = float(parse_quantity(inference.target.per_replica))
    if per_replica <= 0 or total / per_replica >= inference.replicas.max:
        return inference.replicas.max
    pods = -int(-total // per_replica)
    return max(least_pods(inference), min(pods, inference.replicas.max))


def least_pods(inference: Inference) -> int:
    """Without load: `min`; who follows no load always has one at least."""
    return inference.replicas.min if inference.target is not None else max(1, inference.replicas.min)


def calm(samples: Sequence[Sample], now_at: int, calm_seconds: int = CALM_SECONDS) -> tuple[Sample, ...]:
    """The samples that still count: those of the last `calm_seconds`; the highest of them is what a service should have."""
    return tuple(sample for sample in samples if sample.at > now_at - calm_seconds or sample is samples[-1])
