"""Accelerator-seconds by tenant and pool: counted at each round, and up to now whenever Prometheus asks."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import Metric
from prometheus_client.metrics_core import CounterMetricFamily
from prometheus_client.registry import Collector

from commonpool.model.amounts import GPU_MILLI
from commonpool.model.ids import PoolName, TenantName
from commonpool.model.snapshot import Snapshot
from commonpool.model.usage import sum_tenant_use
from commonpool.telemetry.instruments import ACCELERATOR_SECONDS

Held = Mapping[tuple[TenantName, PoolName], int]


class AcceleratorSeconds(Collector):
    """`note` what is held, `forget` it when another leads; `clock` gives seconds since 1970, as snapshots have them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._counted: Counter[tuple[TenantName, PoolName]] = Counter()
        self._held: Held = {}
        self._at = 0

    def note(self, snapshot: Snapshot) -> None:
        """Count what was held until now, and hold this from now on. O(holdings) once a second, else nothing.

        What comes within a second of the last look counts from the next one on, and what goes until then.
        """
        if snapshot.now_at > self._at:
            self._settle(snapshot.now_at)
            self._held = {key: use.total for key, use in sum_tenant_use(snapshot).items()}
            self._at = snapshot.now_at

    def forget(self) -> None:
        """Count nothing more until something is noted again."""
        self._held = {}

    def collect(self) -> Iterator[Metric]:
        """Answer a scrape."""
        self._settle(int(self._clock()))
        family = CounterMetricFamily(ACCELERATOR_SECONDS.name, ACCELERATOR_SECONDS.help, labels=ACCELERATOR_SECONDS.labels)
        for key, milli in self._counted.items():
            family.add_metric(key, milli / GPU_MILLI)
        yield family

    def describe(self) -> list[Metric]:
        """Nothing that would need an answer."""
        return []

    def _settle(self, now_at: int) -> None:
        """A clock that was set back counts nothing twice."""
        seconds = max(0, now_at - self._at)
        for key, milli in self._held.items():
            self._counted[key] += milli * seconds
        self._at += seconds
