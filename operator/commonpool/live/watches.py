"""How the cluster is followed: the reflectors' own counts, read when Prometheus asks."""

from collections.abc import Iterator, Mapping

from prometheus_client import Metric
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from commonpool.kube.reflector import Tally
from commonpool.telemetry.instruments import UNREADABLE_OBJECTS, WATCH_EVENTS, WATCH_FAILURES, WATCH_LISTS


class Watches(Collector):
    """`follow` says whose counts they are."""

    def __init__(self) -> None:
        self._tallies: Mapping[str, Tally] = {}

    def follow(self, tallies: Mapping[str, Tally]) -> None:
        """Tell of these from now on, by their resources' plurals."""
        self._tallies = tallies

    def collect(self) -> Iterator[Metric]:
        """Answer a scrape."""
        lists = CounterMetricFamily(WATCH_LISTS.name, WATCH_LISTS.help, labels=WATCH_LISTS.labels)
        events = CounterMetricFamily(WATCH_EVENTS.name, WATCH_EVENTS.help, labels=WATCH_EVENTS.labels)
        failures = CounterMetricFamily(WATCH_FAILURES.name, WATCH_FAILURES.help, labels=WATCH_FAILURES.labels)
        unreadable = GaugeMetricFamily(UNREADABLE_OBJECTS.name, UNREADABLE_OBJECTS.help, labels=UNREADABLE_OBJECTS.labels)
        for resource, tally in self._tallies.items():
            lists.add_metric((resource,), tally.lists)
            events.add_metric((resource,), tally.events)
            failures.add_metric((resource,), tally.failures)
            unreadable.add_metric((resource,), len(tally.unreadable))
        yield from (lists, events, failures, unreadable)

    def describe(self) -> list[Metric]:
        """Nothing that would need an answer."""
        return []
