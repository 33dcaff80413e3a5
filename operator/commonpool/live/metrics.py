"""What the operator tells Prometheus: counted from (snapshot, plan) after each round; `telemetry.instruments` says what each means."""

from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from commonpool.cycle import Cycle
from commonpool.kube.reflector import Tally
from commonpool.live.holdings import Holdings
from commonpool.live.seconds import AcceleratorSeconds
from commonpool.live.stopwatch import Times
from commonpool.live.watches import Watches
from commonpool.model.plan import Plan
from commonpool.model.reasons import Reason
from commonpool.model.snapshot import Snapshot, Workload
from commonpool.telemetry import instruments
from commonpool.telemetry.instruments import Instrument

SUBJECTS = ("Round", "GPUWorkload", "GPUPool", "Tenant", "GPUQuota", "Job", "Deployment", "Pod", "Node", "Namespace", "other")
"""What writes are counted by."""
_PLACED_FOR = (Reason.WITHIN_GUARANTEE, Reason.BORROWED, Reason.SHARED)
_SCALED_FOR = (Reason.WORK_NEEDS_NODES, Reason.NODES_IDLE, Reason.BELOW_LEAST_NODES)


class Metrics:
    """One operator's metrics in a registry of their own; `epoch` is the one in which it leads now, None: it does not."""

    def __init__(self, epoch: Callable[[], int | None], engine: str, clock: Callable[[], float]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._holdings = Holdings(lambda: epoch() is not None)
        self._seconds = AcceleratorSeconds(clock)
        self.registry.register(self._holdings)
        self.registry.register(self._seconds)
        self._watches = Watches()
        self.registry.register(self._watches)
        self._gauge(instruments.LEADER).set_function(lambda: epoch() is not None)
        self._gauge(instruments.LEADER_EPOCH).set_function(lambda: epoch() or 0)
        self._gauge(instruments.BUILD_INFO).labels(version("commonpool"), engine).set(1)
        self._rounds = self._counter(instruments.ROUNDS)
        self._round_seconds = self._histogram(instruments.ROUND_SECONDS)
        self._part_seconds = self._histogram(instruments.ROUND_PART_SECONDS)
        self._decision_seconds = self._histogram(instruments.DECISION_SECONDS)
        self._actions = self._counter(instruments.ACTIONS)
        self._placed_pods = self._counter(instruments.PLACED_PODS)
        self._shrunk = self._counter(instruments.SHRUNK_WORKLOADS)
        self._evicted = self._counter(instruments.EVICTED_WORKLOADS)
        self._wait_seconds = self._histogram(instruments.WAIT_SECONDS)
        self._failed_writes = self._counter(instruments.FAILED_WRITES)
        self._requests = self._counter(instruments.API_REQUESTS)
        self._request_seconds = self._histogram(instruments.API_SECONDS)
        self._waits: dict[str, Reason] = {}
        self._known: set[str] = set()
        self._begin_at_zero()

    def observe(self, cycle: Cycle, times: Times | None = None, woken_at: float | None = None) -> None:
        """Count one round: what it decided, and how long it took since it began and since what it answers."""
        plan, snapshot = cycle.plan, cycle.snapshot
        moved = bool(plan.place or plan.shrink or plan.evict or plan.scale)
        self._rounds.labels("moved" if moved else "still").inc()
        if times is not None:
            self._observe_times(times)
            if moved and woken_at is not None:
                self._decision_seconds.observe(times.ended_at - woken_at)
        self._greet(snapshot)
        if plan.place or plan.shrink or plan.evict:
            self._count_moves(plan, {workload.name: workload for workload in snapshot.workloads}, snapshot.now_at)
        for scale in plan.scale:
            self._actions.labels("scale", scale.why).inc()
        waits: dict[str, Reason] = {hold.workload: hold.reason for hold in plan.hold}
        for workload, reason in waits.items():
            if self._waits.get(workload) != reason:
                self._actions.labels("hold", reason).inc()
        self._waits = waits
        self._seconds.note(snapshot)
        self._holdings.show(cycle)

    def observe_failures(self, subjects: Iterable[str]) -> None:
        """Count writes that were not done; a subject begins with the kind of the object."""
        for subject in subjects:
            kind = subject.partition(" ")[0]
            self._failed_writes.labels(kind if kind in SUBJECTS else "other").inc()

    def observe_request(self, method: str, code: str, seconds: float) -> None:
        """Count one request to the apiserver."""
        self._requests.labels(method, code).inc()
        self._request_seconds.labels(method).observe(seconds)

    def follow(self, tallies: Mapping[str, Tally]) -> None:
        """Tell what the reflectors have read and could not read, by their resources' plurals."""
        self._watches.follow(tallies)

    def _observe_times(self, times: Times) -> None:
        self._round_seconds.observe(times.whole)
        for part, seconds in (("read", times.read), ("plan", times.plan), ("apply", times.apply)):
            self._part_seconds.labels(part).observe(seconds)

    def _count_moves(self, plan: Plan, workloads: dict[str, Workload], now_at: int) -> None:
        for place in plan.place:
            grows = place.why is Reason.GREW
            self._actions.labels("grow" if grows else "place", place.why).inc()
            self._placed_pods.labels(place.pool, place.why).inc(len(place.entries))
            if not workloads[place.workload].begun and not grows:
                self._wait_seconds.labels(place.pool).observe(max(0, now_at - workloads[place.workload].waits_since_at))
        for shrink in plan.shrink:
            self._actions.labels("shrink", shrink.why).inc()
            self._shrunk.labels(workloads[shrink.workload].tenant or "", shrink.why).inc()
        for evict in plan.evict:
            self._actions.labels("evict", evict.why).inc()
            self._evicted.labels(workloads[evict.workload].tenant or "", evict.why).inc()

    def stand_by(self) -> None:
        """Count nothing that is held while another leads and counts it."""
        self._seconds.forget()
        self._waits = {}

    def _begin_at_zero(self) -> None:
        """Let what may be counted begin at 0: the first eviction would be no increase, were its counter not there before it."""
        for outcome in ("moved", "still"):
            self._rounds.labels(outcome)
        for action, reasons in (
            ("place", _PLACED_FOR),
            ("grow", (Reason.GREW,)),
            ("shrink", (Reason.RECLAIMED_FOR_GUARANTEE,)),
            ("evict", (Reason.RECLAIMED_FOR_GUARANTEE,)),
            ("scale", _SCALED_FOR),
        ):
            for reason in reasons:
                self._actions.labels(action, reason)
        for subject in SUBJECTS:
            self._failed_writes.labels(subject)

    def _greet(self, snapshot: Snapshot) -> None:
        """The same for tenants and pools, as they come."""
        for tenant in snapshot.tenants:
            if tenant.name not in self._known:
                self._known.add(tenant.name)
                self._shrunk.labels(tenant.name, Reason.RECLAIMED_FOR_GUARANTEE)
                self._evicted.labels(tenant.name, Reason.RECLAIMED_FOR_GUARANTEE)
        for pool in snapshot.pools:
            if f"pool {pool.name}" not in self._known:
                self._known.add(f"pool {pool.name}")
                self._wait_seconds.labels(pool.name)
                for reason in (*_PLACED_FOR, Reason.GREW):
                    self._placed_pods.labels(pool.name, reason)

    def _gauge(self, instrument: Instrument) -> Gauge:
        return Gauge(instrument.name, instrument.help, instrument.labels, registry=self.registry)

    def _counter(self, instrument: Instrument) -> Counter:
        return Counter(instrument.name, instrument.help, instrument.labels, registry=self.registry)

    def _histogram(self, instrument: Instrument) -> Histogram:
        return Histogram(instrument.name, instrument.help, instrument.labels, buckets=instrument.buckets, registry=self.registry)
