"""Accelerator-seconds and what they cost: for each pod, from when its kubelet took it until its last container ended.

Only pods that have ended are in the sum: the end of one is known a while after the fact, a second or an outage, and a sum that was
written before could be too high. What runs is told beside it (`spans`), so that a reader can add it, and so that a pod which nobody
sees end, because the operator is down, is not lost. A pod without a trace in `spans` has not been counted, one that stands there as
ended has been: that alone decides, so a status can be built again from the one before as often as need be.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from commonpool.api.conditions import find_condition
from commonpool.api.money import Money, parse_micro, render_micro
from commonpool.api.workloadstatus import GPUWorkloadStatus
from commonpool.kube.read.stints import Stint
from commonpool.kube.status.conditions import read_instant
from commonpool.kube.status.spans import Known, Who, build_spans, parse_spans
from commonpool.model.ids import PoolName
from commonpool.model.snapshot import Pool

SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Clock:
    """What pods that nobody saw end are counted by."""

    now_at: int
    ended_at: int

    @property
    def last_at(self) -> int:
        """Until when they can have run."""
        return min(self.now_at, self.ended_at) if self.ended_at else self.now_at


def account(  # noqa: PLR0913 - each is another's word
    previous: GPUWorkloadStatus,
    wanted: GPUWorkloadStatus,
    stints: Iterable[Stint],
    pools: Mapping[PoolName, Pool],
    now_at: int,
    *,
    ended_at: int = 0,
) -> GPUWorkloadStatus:
    """The status with all counted that has ended; just the previous one if nothing has happened since.

    `stints`: of pods that are there, and of those that were seen to go. `ended_at`: when its Job had ended, so that no pod ran any more,
    whoever saw it end; 0: it has not, or there is none.
    """
    over = is_over(wanted)
    before = parse_spans(previous.spans or ())
    later = over and is_over(previous) and not before
    named = {_name(stint): stint for stint in stints if stint.accelerators and not later}
    known, used = _count(named, before, previous.pool or "", Clock(now_at, ended_at))
    carried = wanted.model_copy(
        update={
            "accelerator_seconds": previous.accelerator_seconds,
            "cost": previous.cost,
            "accounted_at": previous.accounted_at,
            "spans": previous.spans,
            "kopf": previous.kopf,
        }
    )
    if carried == previous and not used and known.keys() <= before.keys():
        return previous
    if not known and not used and not previous.accelerators and not wanted.accelerators:
        return carried.model_copy(update={"spans": None})
    return carried.model_copy(
        update={
            "accelerator_seconds": (previous.accelerator_seconds or 0) + sum(used.values()),
            "cost": _add_costs(previous.cost, used, pools),
            "accounted_at": read_instant(now_at),
            "spans": None if over and all(pod.ended for pod in known.values()) else build_spans(known),
        }
    )


def count_until(status: GPUWorkloadStatus, pool: Pool | None, now_at: int) -> tuple[int, Money | None]:
    """Accelerator-seconds and cost as of now: what is written, and what its pods run for. `pool`: where it runs, for the price."""
    running = [pod for pod in parse_spans(status.spans or ()).values() if not pod.ended]
    used = sum(pod.accelerators * max(0, now_at - pod.since_at) for pod in running)
    return (status.accelerator_seconds or 0) + used, _add_cost(status.cost, pool, used)


def is_settled(status: GPUWorkloadStatus, known: Mapping[Who, Known], stint: Stint, *, inherited: bool = False) -> bool:
    """Whether a pod that is gone can be forgotten: it is counted, or never will be.

    `known`: the status' spans, parsed once for all pods of a workload. `inherited`: it went while another process led. That one may have
    counted it and left it out of `spans` since.
    """
    told = known.get(_name(stint))
    if told is None:
        return inherited or not stint.pool or not stint.accelerators or (is_over(status) and not status.spans)
    return told.ended


def is_over(status: GPUWorkloadStatus) -> bool:
    """Whether it tells of the workload's end: pods that come later are not its own."""
    ended = find_condition(status.conditions or [], "Succeeded")
    return ended is not None and ended.status != "Unknown"


def _name(stint: Stint) -> Who:
    return stint.uid, stint.since_at


def _count(stints: Mapping[Who, Stint], before: Mapping[Who, Known], last_pool: str, clock: Clock) -> tuple[dict[Who, Known], Counter[str]]:
    """Who is known from now on, and accelerator-seconds by pool that are new.

    A pod on a node of no pool is in nobody's sum, unless it was before. One that ran when it was told of, and is gone without a word, was
    held until now, or until its Job had ended.
    """
    known: dict[Who, Known] = {}
    used: Counter[str] = Counter()
    for who, stint in stints.items():
        told = before.get(who)
        if told is None and not stint.pool:
            continue
        if stint.ended and not (told is not None and told.ended):
            used[stint.pool or last_pool] += stint.accelerators * stint.count_seconds(clock.now_at if stint.until_at else clock.last_at)
        known[who] = Known(stint.since_at, stint.accelerators, stint.ended or (told is not None and told.ended))
    for who, told in before.items():
        if who not in stints and not told.ended:
            used[last_pool] += told.accelerators * max(0, clock.last_at - told.since_at)
    return known, used


def _add_costs(before: Money | None, used: Mapping[str, int], pools: Mapping[PoolName, Pool]) -> Money | None:
    for name, accelerator_seconds in sorted(used.items()):
        before = _add_cost(before, pools.get(PoolName(name)), accelerator_seconds)
    return before


def _add_cost(before: Money | None, pool: Pool | None, accelerator_seconds: int) -> Money | None:
    """Prices in another currency than what was counted so far cannot be added, and are left out."""
    if pool is None or not pool.currency or (before is not None and before.currency != pool.currency):
        return before
    spent = (accelerator_seconds * pool.price_micro_per_hour + SECONDS_PER_HOUR // 2) // SECONDS_PER_HOUR
    return Money(amount=render_micro((parse_micro(before.amount) if before else 0) + spent), currency=pool.currency)
