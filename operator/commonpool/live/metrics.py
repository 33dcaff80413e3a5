"""What the pool did and holds, for Prometheus: computed from (snapshot, plan) afterwards.

Cardinality: pools x states, tenants x pools, reasons. Never a workload or a node.
"""

from collections import Counter

from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client import Counter as Count

from commonpool.cycle import Cycle
from commonpool.model.amounts import GPU_MILLI
from commonpool.model.snapshot import Snapshot
from commonpool.model.usage import sum_usage

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """One operator's metrics in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.leading_epoch = self._gauge("leader_epoch", "epoch in which this process leads; 0 while it stands by")
        self.round_seconds = Histogram(
            "commonpool_round_duration_seconds",
            "one round from reading the mirror to the last write",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.rounds = self._count("rounds", "planning rounds by whether they placed anything", "placed")
        self.placed_pods = self._count("placed_pods", "pods promised a place, by pool and reason", "pool", "reason")
        self.shrunk_workloads = self._count("shrunk_workloads", "workloads told to give pods back, by reason", "reason")
        self.evicted_workloads = self._count("evicted_workloads", "workloads that had to leave their places, by reason", "reason")
        self.wanted_nodes = self._gauge("pool_wanted_nodes", "nodes that the pool's provider has been asked for", "pool")
        self.failed_writes = self._count("failed_writes", "writes that the cluster refused, by what they were for", "subject")
        self.waiting = self._gauge("waiting_workloads", "workloads that wait, by reason", "reason")
        self.pool_accelerators = self._gauge(
            "pool_accelerators", "accelerators of a pool: total = bound + promised + foreign + free + unhealthy", "pool", "state"
        )
        self.tenant_accelerators = self._gauge("tenant_accelerators", "accelerators held, promises included", "tenant", "pool")

    def _gauge(self, name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(f"commonpool_{name}", help_text, labels, registry=self.registry)

    def _count(self, name: str, help_text: str, *labels: str) -> Count:
        return Count(f"commonpool_{name}", help_text, labels, registry=self.registry)

    def observe(self, cycle: Cycle) -> None:
        """Show what one round saw and decided."""
        self.rounds.labels(str(bool(cycle.plan.place)).lower()).inc()
        for place in cycle.plan.place:
            self.placed_pods.labels(place.pool, place.why).inc(len(place.entries))
        for shrink in cycle.plan.shrink:
            self.shrunk_workloads.labels(shrink.why).inc()
        for evict in cycle.plan.evict:
            self.evicted_workloads.labels(evict.why).inc()
        self.waiting.clear()
        for reason, count in Counter(hold.reason for hold in cycle.plan.hold).items():
            self.waiting.labels(reason).set(count)
        self._observe_holdings(cycle.snapshot)
        self._observe_scaling(cycle)

    def _observe_scaling(self, cycle: Cycle) -> None:
        asked = {scale.pool: scale.nodes for scale in cycle.plan.scale}
        self.wanted_nodes.clear()
        for pool in cycle.snapshot.pools:
            if pool.scaling is not None:
                self.wanted_nodes.labels(pool.name).set(asked.get(pool.name, pool.scaling.wanted_nodes))

    def _observe_holdings(self, snapshot: Snapshot) -> None:
        usage = sum_usage(snapshot)
        self.pool_accelerators.clear()
        for pool, has in usage.pools.items():
            states = {
                "total": has.total,
                "bound": has.use.bound,
                "promised": has.use.promised,
                "foreign": has.foreign,
                "free": has.free,
                "unhealthy": has.unhealthy,
            }
            for state, milli in states.items():
                self.pool_accelerators.labels(pool, state).set(milli / GPU_MILLI)
        self.tenant_accelerators.clear()
        for (tenant, pool), use in usage.tenants.items():
            self.tenant_accelerators.labels(tenant, pool).set(use.total / GPU_MILLI)
