"""What a workload is told of places that are taken back: a shrink before it comes, an eviction for good."""

from dataclasses import dataclass

from commonpool.api.workloadstatus import Eviction, GPUWorkloadStatus, Resize
from commonpool.kube.status.conditions import read_instant, shorten
from commonpool.model.plan import Evict, Shrink
from commonpool.model.reasons import Reason

FOR_WHAT = {Reason.RECLAIMED_FOR_GUARANTEE: "a workload within its tenant's guarantee"}
"""Who gets the place, in words that name no other tenant."""


@dataclass(frozen=True, slots=True)
class Giving:
    """What is known of a shrink, beside what was told of it last."""

    shrink: Shrink | None
    """What this round wants that was not told before."""
    claimed: bool
    """Whether anybody still waits for what others give back."""
    held: int
    """Places that it has."""
    size: int
    """Pods that its object has now."""


def build_resize(giving: Giving, previous: Resize | None, now_at: int) -> Resize | None:
    """What is told stays told until the pods have gone; it is withdrawn if nobody waits for their places any more."""
    shrink = giving.shrink
    if shrink is None:
        if previous is None or giving.held <= previous.replicas:
            return None
        return previous if giving.claimed or giving.size <= previous.replicas else None
    same = previous is not None and (previous.replicas, int(previous.at.timestamp())) == (shrink.keep, shrink.by_at)
    return Resize(
        replicas=shrink.keep,
        at=read_instant(shrink.by_at),
        told_at=previous.told_at if previous is not None and same else read_instant(now_at),
        reason=shrink.why,
        message=shorten(shrink.message),
    )


def build_eviction(evict: Evict | None, now_at: int) -> Eviction | None:
    """What is kept of an eviction when it is long over."""
    if evict is None:
        return None
    return Eviction(rule=evict.why, by=FOR_WHAT.get(evict.why, "another workload"), at=read_instant(now_at))


def describe_eviction(evict: Evict | None, previous: GPUWorkloadStatus) -> str:
    """Why it gives its place back; empty if its pods end for another reason."""
    if evict is not None:
        return evict.message
    told = previous.last_eviction
    if told is None or (previous.promised_at is not None and told.at < previous.promised_at):
        return ""
    return f"it gives its place to {told.by} and queues again"


def describe_shrink(resize: Resize | None) -> str:
    """How many stay, until when the others do, and why; empty if nothing is taken back."""
    if resize is None:
        return ""
    pods = "1 pod stays" if resize.replicas == 1 else f"{resize.replicas} pods stay"
    day = "" if resize.at.date() == resize.told_at.date() else f"{resize.at:%Y-%m-%d} "
    return f"{pods}, the others end at {day}{resize.at:%H:%M:%S} UTC: {resize.message}"
