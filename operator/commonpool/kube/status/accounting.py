"""Accelerator-seconds and what they cost, counted from one written status to the next.

The number of accelerators changes only together with a written status, so that multiplying the
last written number with the time since then loses nothing, and nothing is ever written
just because time has passed.
"""

from collections.abc import Mapping

from commonpool.api.money import Money, parse_micro, render_micro
from commonpool.api.workloadstatus import GPUWorkloadStatus
from commonpool.kube.status.conditions import read_instant
from commonpool.kube.status.untold import Untold
from commonpool.model.ids import PoolName
from commonpool.model.snapshot import Pool

SECONDS_PER_HOUR = 3600


def account(
    previous: GPUWorkloadStatus, wanted: GPUWorkloadStatus, pools: Mapping[PoolName, Pool], now_at: int, untold: Untold | None = None
) -> GPUWorkloadStatus:
    """The status with the time since the previous one counted, if anything else in it has changed; else just the previous one.

    `untold`: what it had before the first one.
    """
    carried = wanted.model_copy(
        update={
            "accelerator_seconds": previous.accelerator_seconds,
            "cost": previous.cost,
            "accounted_at": previous.accounted_at,
            "kopf": previous.kopf,
        }
    )
    if carried == previous:
        return previous
    held, since_at, name = _read_held(previous, untold)
    if not held and not wanted.accelerators:
        return carried
    used = _count_since(held, since_at, now_at)
    pool = pools.get(PoolName(name)) if name else None
    return carried.model_copy(
        update={
            "accelerator_seconds": (previous.accelerator_seconds or 0) + used,
            "cost": _add_cost(previous.cost, pool, used),
            "accounted_at": read_instant(now_at),
        }
    )


def count_until(status: GPUWorkloadStatus, pool: Pool | None, now_at: int) -> tuple[int, Money | None]:
    """Accelerator-seconds and cost as of now: what is written, and what it has held since. `pool`: where it runs, for the price."""
    held, since_at, _ = _read_held(status, None)
    used = _count_since(held, since_at, now_at)
    return (status.accelerator_seconds or 0) + used, _add_cost(status.cost, pool, used)


def _count_since(held: int, since_at: int, now_at: int) -> int:
    return held * max(0, now_at - since_at) if since_at else 0


def _read_held(previous: GPUWorkloadStatus, untold: Untold | None) -> tuple[int, int, str | None]:
    """The accelerators that are not counted yet, since when, and of which pool."""
    if untold is not None:
        return untold.accelerators, untold.since_at, untold.pool
    since = previous.accounted_at
    return previous.accelerators or 0, int(since.timestamp()) if since else 0, previous.pool


def _add_cost(before: Money | None, pool: Pool | None, accelerator_seconds: int) -> Money | None:
    """Prices in another currency than what was counted so far cannot be added, and are left out."""
    if pool is None or not pool.currency or (before is not None and before.currency != pool.currency):
        return before
    spent = (accelerator_seconds * pool.price_micro_per_hour + SECONDS_PER_HOUR // 2) // SECONDS_PER_HOUR
    return Money(amount=render_micro((parse_micro(before.amount) if before else 0) + spent), currency=pool.currency)
