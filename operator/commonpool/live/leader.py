"""One active operator: a Lease with a fencing epoch.

The epoch is the Lease's `leaseTransitions`. Every process that takes the Lease raises
it, also one that finds its own name there (the same pod after a restart), so two
lives of one process never share an epoch. All Rounds carry it and the scheduler
obeys only the highest. (kopf has peering, not election; the Kubernetes client's
election neither counts transitions nor survives a clock that jumps: decision 0003.)
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from commonpool.errors import ClusterError, ConflictError

LOGGER = logging.getLogger(__name__)

Json = dict[str, Any]


class Leases(Protocol):
    """Where the Lease lives."""

    async def read(self) -> Json | None:
        """The Lease object, or None if nobody has made it."""
        ...

    async def create(self, spec: Json) -> None:
        """Make it; ConflictError if somebody was faster."""
        ...

    async def patch(self, spec: Json, *, resource_version: str) -> None:
        """Change it; ConflictError if it is not the one that was read."""
        ...


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. A leader stops acting `renew_deadline_seconds` after its last renewal, before others may take over."""

    duration_seconds: int = 15
    renew_deadline_seconds: int = 10
    retry_seconds: float = 3.0


class Leader:
    """Takes and keeps the Lease; `epoch` tells whether this process may act now."""

    def __init__(
        self,
        leases: Leases,
        identity: str,
        *,
        steady: Callable[[], float],
        wall: Callable[[], datetime],
        timing: Timing = Timing(),
    ) -> None:
        self._leases = leases
        self._identity = identity
        self._steady = steady
        self._wall = wall
        self._timing = timing
        self._epoch: int | None = None
        self._renewed_at = 0.0
        self._rival: tuple[str, float] | None = None
        """The resourceVersion last seen of somebody else's Lease, and when we first saw it on our own clock."""
        self._told: int | None = None
        """The epoch that was told last; None also after a lapse that nobody was told of."""

    @property
    def epoch(self) -> int | None:
        """The epoch to act in, or None while somebody else may lead (also after this process was stopped and continued)."""
        if self._epoch is None or self._steady() - self._renewed_at > self._timing.renew_deadline_seconds:
            return None
        return self._epoch

    async def run(self, on_change: Callable[[], None]) -> None:
        """Try for ever; `on_change` is called when this process begins or ceases to lead."""
        while True:
            try:
                async with asyncio.timeout(self._timing.renew_deadline_seconds / 2):
                    await self.step()
            except (ClusterError, TimeoutError) as error:
                LOGGER.warning("could not renew the lease: %s", str(error) or "no answer in time")
            if self.epoch != self._told:
                self._told = self.epoch
                LOGGER.info("leading in epoch %s", self._told) if self._told is not None else LOGGER.warning("not leading")
                on_change()
            await asyncio.sleep(self._timing.retry_seconds)

    async def step(self) -> None:
        """Take the Lease, renew it, or see that another holds it."""
        asked_at = self._steady()
        lease = await self._leases.read()
        try:
            if lease is None:
                await self._leases.create(self._spec(epoch=1, acquired=True))
                self._hold(1, asked_at)
                return
            spec, version = lease.get("spec") or {}, lease["metadata"]["resourceVersion"]
            transitions = int(spec.get("leaseTransitions") or 0)
            mine = spec.get("holderIdentity") == self._identity
            if mine and self._epoch == transitions:
                await self._leases.patch(self._spec(epoch=transitions, acquired=False), resource_version=version)
                self._hold(transitions, asked_at)
                return
            self._epoch = None
            if mine or self._expired(version, spec):
                await self._leases.patch(self._spec(epoch=transitions + 1, acquired=True), resource_version=version)
                self._hold(transitions + 1, asked_at)
        except ConflictError:
            self._epoch = None

    async def release(self) -> None:
        """Let the Lease go at once, so that the next leader need not wait for it to expire."""
        if self._epoch is None:
            return
        lease = await self._leases.read()
        if lease and (lease.get("spec") or {}).get("leaseTransitions") == self._epoch:
            self._epoch = None
            try:
                await self._leases.patch({"holderIdentity": None}, resource_version=lease["metadata"]["resourceVersion"])
            except ConflictError:
                LOGGER.info("the lease was taken before it was let go")

    def _hold(self, epoch: int, asked_at: float) -> None:
        if self.epoch is None:  # who looked meanwhile, e.g. after the process was stopped, has let go what was due
            self._told = None
        self._epoch, self._renewed_at, self._rival = epoch, asked_at, None

    def _expired(self, version: str, spec: Json) -> bool:
        """Whether a rival has not renewed for its whole duration, by our own clock alone (clocks of machines differ)."""
        if not spec.get("holderIdentity"):
            return True
        if self._rival is None or self._rival[0] != version:
            self._rival = (version, self._steady())
        return self._steady() - self._rival[1] > float(spec.get("leaseDurationSeconds") or self._timing.duration_seconds)

    def _spec(self, *, epoch: int, acquired: bool) -> Json:
        now = self._wall().isoformat(timespec="microseconds").replace("+00:00", "Z")
        spec: Json = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": self._timing.duration_seconds,
            "leaseTransitions": epoch,
            "renewTime": now,
        }
        return spec | {"acquireTime": now} if acquired else spec
