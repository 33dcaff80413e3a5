"""Accelerator-seconds by tenant and pool: counted at each round, and up to now whenever Prometheus asks."""

from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client import Metric
from prometheus_client.metrics_core import CounterMetricFamily
from prometheus_client.registry import Collector

from commonpool.model.amounts import GPU_MILLI
from commonpool.model.snapshot import Snapshot
from commonpool.model.usage import sum_tenant_use
from commonpool.telemetry.instruments import ACCELERATOR_SECONDS


class AcceleratorSeconds(Collector):
    """`note` what is held, `forget` it when another leads; `clock` gives seconds since 1970, as snapshots have them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._counted: Counter[tuple[str, str]] = Counter()
        self._snapshot: Snapshot | None = None
        self._at = 0

    def note(self, snapshot: Snapshot) -> None:
        """Count what was held until now, and hold this from now on. O(holdings) at most once a second."""
        self._settle(snapshot.now_at)
        self._snapshot = snapshot

    def forget(self) -> None:
        """Count nothing more until something is noted again."""
        self._snapshot = None

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
        """A clock that was set back counts nothing twice; what came and went within a second counts nothing."""
        seconds = now_at - self._at
        if seconds <= 0:
            return
        for key, use in sum_tenant_use(self._snapshot).items() if self._snapshot is not None else ():
            self._counted[key] += use.total * seconds
        self._at = now_at
