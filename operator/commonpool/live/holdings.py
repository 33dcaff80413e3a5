"""What the pool holds and who waits, summed up when Prometheus asks: a round only leaves behind what it saw and decided.

Only a leader answers: one that stands by, or leads no longer, knows what was and not what is, and the sums of two would be added up.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from prometheus_client import Metric
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from commonpool.cycle import Cycle
from commonpool.model.amounts import GPU_MILLI
from commonpool.model.plan import Hold, Plan
from commonpool.model.snapshot import QuotaLine, Snapshot
from commonpool.model.usage import LineUse, PoolUse, sum_usage
from commonpool.telemetry import instruments
from commonpool.telemetry.instruments import Instrument

Sample = tuple[Instrument, tuple[str, ...], float]


class Holdings(Collector):
    """`show` what a round left; `collect` tells it while `leads` says so."""

    def __init__(self, leads: Callable[[], bool]) -> None:
        self._leads = leads
        self._cycle: Cycle | None = None

    def show(self, cycle: Cycle) -> None:
        """Keep what a round saw and decided: how things stand now."""
        self._cycle = cycle

    def collect(self) -> Iterator[Metric]:
        """Answer a scrape. O(nodes + holdings + workloads)."""
        cycle = self._cycle
        if cycle is None or not self._leads():
            return
        families: dict[str, GaugeMetricFamily] = {}
        for instrument, labels, value in list_samples(cycle):
            if instrument.name not in families:
                families[instrument.name] = GaugeMetricFamily(instrument.name, instrument.help, labels=instrument.labels)
            families[instrument.name].add_metric(labels, value)
        yield from families.values()

    def describe(self) -> list[Metric]:
        """Nothing: whoever registers it need not ask for a sum."""
        return []


def list_samples(cycle: Cycle) -> Iterator[Sample]:
    """All gauges of a cycle."""
    snapshot, usage = cycle.snapshot, sum_usage(cycle.snapshot)
    for pool, has in usage.pools.items():
        yield from _list_pool(pool, has)
    yield from _list_nodes(snapshot, cycle.plan)
    for (tenant, pool), use in usage.tenants.items():
        for state, milli in (("bound", use.bound), ("promised", use.promised)):
            yield instruments.TENANT_ACCELERATORS, (tenant, pool, state), milli / GPU_MILLI
    for line, stands in usage.lines.items():
        yield from _list_line(line, stands)
    yield from _list_workloads(snapshot, cycle.plan)
    held = sum(len(workload.holdings) for workload in snapshot.workloads)
    for kind, size in (("nodes", len(snapshot.nodes)), ("workloads", len(snapshot.workloads)), ("places", held)):
        yield instruments.SNAPSHOT_OBJECTS, (kind,), size


def _list_pool(pool: str, has: PoolUse) -> Iterator[Sample]:
    yield instruments.POOL_CAPACITY, (pool,), has.total / GPU_MILLI
    states = {
        "bound": has.use.bound,
        "promised": has.use.promised,
        "foreign": has.foreign,
        "free": has.free,
        "unhealthy": has.unhealthy,
    }
    for state, milli in states.items():
        yield instruments.POOL_ACCELERATORS, (pool, state), milli / GPU_MILLI
    yield instruments.POOL_LARGEST_GANG, (pool,), has.free_in_whole_nodes / GPU_MILLI


def _list_nodes(snapshot: Snapshot, plan: Plan) -> Iterator[Sample]:
    counts: Counter[tuple[str, str]] = Counter()
    for node in snapshot.nodes:
        counts[node.pool, "releasing" if node.releasing else "schedulable" if node.schedulable else "unschedulable"] += 1
    asked = {scale.pool: scale.nodes for scale in plan.scale}
    for pool in snapshot.pools:
        for state in ("schedulable", "unschedulable", "releasing"):
            yield instruments.POOL_NODES, (pool.name, state), counts[pool.name, state]
        if pool.scaling is not None:
            yield instruments.POOL_WANTED_NODES, (pool.name,), asked.get(pool.name, pool.scaling.wanted_nodes)


def _list_line(line: QuotaLine, stands: LineUse) -> Iterator[Sample]:
    unit = "accelerator" if all(weight == GPU_MILLI for weight in line.weights_milli) else "reference"
    labels = (line.tenant, "+".join(line.pools), unit)
    amounts = {
        instruments.QUOTA_GUARANTEED: line.guaranteed,
        instruments.QUOTA_USED: stands.used,
        instruments.QUOTA_BORROWED: stands.borrowed,
        instruments.QUOTA_LENT: stands.lent,
    }
    for instrument, milli in amounts.items():
        yield instrument, labels, milli / GPU_MILLI
    if line.limit is not None:
        yield instruments.QUOTA_LIMIT, labels, line.limit / GPU_MILLI


def _list_workloads(snapshot: Snapshot, plan: Plan) -> Iterator[Sample]:
    """Every tenant has a line of holding workloads; of waiting ones only what there is."""
    holds: dict[str, Hold] = {hold.workload: hold for hold in plan.hold}
    holding: dict[str, int] = {tenant.name: 0 for tenant in snapshot.tenants}
    waiting: Counter[tuple[str, str]] = Counter()
    asked: Counter[tuple[str, str]] = Counter()
    oldest: defaultdict[str, list[int]] = defaultdict(list)
    for workload in snapshot.workloads:
        if workload.begun and workload.tenant is not None:
            holding[workload.tenant] = holding.get(workload.tenant, 0) + 1
        if (hold := holds.get(workload.name)) is not None:
            key = (str(workload.tenant or ""), str(hold.reason))
            waiting[key] += 1
            asked[key] += len(workload.needs) * workload.shape.gpu_milli
            if hold.position:
                oldest[key[0]].append(workload.waits_since_at)
    for name, count in holding.items():
        yield instruments.HOLDING_WORKLOADS, (name,), count
    for labels, count in waiting.items():
        yield instruments.WAITING_WORKLOADS, labels, count
        yield instruments.WAITING_ACCELERATORS, labels, asked[labels] / GPU_MILLI
    for name, instants in oldest.items():
        yield instruments.OLDEST_WAITING, (name,), min(instants)
