"""What a workload has used and cost as of now, as every command tells it: what is written, and what its pods run for."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from commonpool.api.money import Money
from commonpool.api.timestamp import render_timestamp
from commonpool.api.workloadstatus import GPUWorkloadStatus
from commonpool.kube.status.accounting import SECONDS_PER_HOUR, count_until
from commonpool.model.snapshot import Pool


@dataclass(frozen=True, slots=True)
class Spent:
    """Accelerator-seconds and money, up to an instant."""

    accelerator_seconds: int
    cost: Money | None
    """None: its pool has no price."""
    at: int

    def tell(self) -> dict[str, Any]:
        """The same as data, under the names that the status has for it."""
        counted = {"acceleratorSeconds": self.accelerator_seconds, "accountedAt": render_timestamp(datetime.fromtimestamp(self.at, UTC))}
        return counted | ({"cost": self.cost.model_dump(by_alias=True)} if self.cost is not None else {})


def find_spent(status: GPUWorkloadStatus | None, pool: Pool | None, now_at: int) -> Spent | None:
    """Count it; None if it has held nothing yet. `pool`: the one that the status names, for the price of what runs."""
    if status is None or status.accounted_at is None:
        return None
    return Spent(*count_until(status, pool, now_at), now_at)


def render_hours(accelerator_seconds: int) -> str:
    """Accelerator-hours, for a person."""
    return f"{accelerator_seconds / SECONDS_PER_HOUR:.2f}"


def render_cost(cost: Money) -> str:
    """Amount and currency, for a person."""
    return f"{cost.amount} {cost.currency}"
