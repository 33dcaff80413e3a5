"""The operator: what runs side by side, and how each round comes about.

Tasks: a reflector a kind, kopf on our own kinds, the Lease, the every-minute check of what is
gone, and the loop of rounds. Whichever ends takes the process with it; a new one
starts from what exists. kopf starts after the first round: our own kinds have been read once by then,
and to load it and to read them again takes as long as all that the first decision needs.
"""

import asyncio
import gc
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from commonpool.config import Settings
from commonpool.cycle import Cycle, run_cycle
from commonpool.engine.choose import choose_engine
from commonpool.engine.protocol import Engine
from commonpool.errors import ClusterError
from commonpool.kube.client import Client, connect, pause_seconds
from commonpool.kube.cluster import LiveCluster
from commonpool.kube.errors import ApiError
from commonpool.kube.mirror import Mirror
from commonpool.kube.read.bounds import Bounds
from commonpool.kube.reflector import Reflector
from commonpool.kube.survey import drop_gone, remember_all
from commonpool.live.follower import Follower, Source
from commonpool.live.http import serve_http
from commonpool.live.leader import Leader
from commonpool.live.leases import ClusterLeases
from commonpool.live.metrics import Metrics
from commonpool.live.pace import Bell, Pace, wait_any
from commonpool.live.recorder import Recorder
from commonpool.live.stopwatch import Stopwatch

LOGGER = logging.getLogger(__name__)

RETRY_SECONDS = 5.0
"""When to plan again although nothing has changed, because something could not be written."""
CHECK_SECONDS = 60.0
"""How often our own kinds are listed to see what has gone, and what only time can start is looked at."""
LATEST_WATCH_SECONDS = 5.0
"""kopf starts so long after everything was read, however long the first round takes."""


class NotLeadingError(ClusterError):
    """A write was due after this process had ceased to lead."""


@dataclass(slots=True)
class Operator:
    """One process's parts; `run` lives until something ends it."""

    client: Client
    mirror: Mirror
    cluster: LiveCluster
    leader: Leader
    engine: Engine
    metrics: Metrics
    recorder: Recorder
    bell: Bell
    """`mirror.dirty`, which knows since when."""
    stopwatch: Stopwatch
    source: Source
    """Where services' load is read."""
    read: asyncio.Event = field(default_factory=asyncio.Event)
    """Everything has been read once."""
    decided: asyncio.Event = field(default_factory=asyncio.Event)
    """The first round is done, or another process leads."""
    watching: asyncio.Event = field(default_factory=asyncio.Event)
    """kopf is loaded and begins to follow our own kinds."""

    async def run_rounds(self) -> None:
        """Plan whenever something has changed that a plan may depend on, and this process leads."""
        pace = Pace(time.monotonic)
        while True:
            await self._await_change(pace)
            woken_at = self.bell.rung_at if self.bell.is_set() else None
            self.mirror.dirty.clear()
            self.mirror.stirred.clear()
            epoch = self.leader.epoch
            if epoch is None:
                self.metrics.stand_by()
                self.decided.set()
                continue
            self.cluster.epoch = epoch
            computed = time.thread_time()
            cycle = await run_cycle(self.stopwatch, self.engine)
            pace.note_round(time.thread_time() - computed)
            self._observe(cycle, woken_at)
            self.decided.set()

    async def _await_change(self, pace: Pace) -> None:
        """Until a round is due: soon after something that may need a decision, later after what need only be told, and now and then."""
        dirty, stirred = self.mirror.dirty, self.mirror.stirred
        await wait_any(dirty, stirred, timeout_seconds=self._pause_seconds())
        if stirred.is_set() and not dirty.is_set():
            await wait_any(dirty, timeout_seconds=pace.find_leisure_seconds())
        await asyncio.sleep(pace.find_pause_seconds())

    def _pause_seconds(self) -> float:
        """How long to wait for a change: until something is due, or must be tried again."""
        longest = RETRY_SECONDS if self.cluster.failures else CHECK_SECONDS
        due_at = self.cluster.next_due_at if self.leader.epoch is not None else None
        return longest if due_at is None else max(0.0, min(longest, due_at - time.time()))

    def _observe(self, cycle: Cycle, woken_at: float | None) -> None:
        times = self.stopwatch.times
        self.metrics.observe(cycle, times, woken_at)
        self.metrics.observe_failures(failure.subject for failure in self.cluster.failures)
        self.recorder.keep(cycle)
        if cycle.plan.place:
            pods = sum(len(place.entries) for place in cycle.plan.place)
            LOGGER.info(
                "round %d: %d pods of %d workloads placed in %.0f ms",
                cycle.plan.number,
                pods,
                len(cycle.plan.place),
                times.whole * 1e3 if times else 0,
            )

        for shrink in cycle.plan.shrink:
            LOGGER.info("%s shrinks to %d pods: %s", shrink.workload, shrink.keep, shrink.why)
        for evict in cycle.plan.evict:
            LOGGER.info("%s is evicted: %s", evict.workload, evict.why)
        for scale in cycle.plan.scale:
            LOGGER.info("pool %s is to have %d nodes: %s", scale.pool, scale.nodes, scale.why)

    async def check_what_is_gone(self) -> None:
        """Tell the mirror of deletes that kopf did not see, the first time when it has listed: what went before, it never hears of."""
        await self.watching.wait()
        wait_seconds = 2 * LATEST_WATCH_SECONDS
        while True:
            await asyncio.sleep(wait_seconds)
            wait_seconds = CHECK_SECONDS
            try:
                await drop_gone(self.mirror, self.client)
            except ClusterError as error:
                LOGGER.warning("could not list our own kinds: %s", error)

    def find_unready(self) -> str | None:
        """Why no round can be planned here yet."""
        return None if self.read.is_set() else "the cluster has not been read yet"


async def run_operator(settings: Settings) -> None:
    """Live until a signal comes; the Lease is given back then."""
    mirror, bell = Mirror(), Bell(time.perf_counter)
    mirror.dirty = bell
    choice = choose_engine(settings.libpacking)
    LOGGER.info("packing with the %s engine: %s", choice.engine.name, choice.why)
    metrics = Metrics(lambda: leader.epoch, choice.engine.name, time.time)
    lease_client = await connect(settings.kubeconfig, concurrency=2, observe=metrics.observe_request)
    leader = Leader(
        ClusterLeases(lease_client, settings.namespace),
        settings.holder,
        steady=time.monotonic,
        wall=lambda: datetime.now(UTC),
    )

    def check_epoch() -> None:
        if leader.epoch != cluster.epoch:
            raise NotLeadingError("this process no longer leads: nothing more is written")

    client = await connect(settings.kubeconfig, guard=check_epoch, observe=metrics.observe_request)
    cluster = LiveCluster(
        client,
        mirror,
        clock=lambda: int(time.time()),
        reserved=settings.reserved,
        home=settings.namespace,
        uncounted=settings.uncounted,
        start_seconds=settings.start_seconds,
        bounds=Bounds(settings.max_min_runtime_seconds, settings.max_grace_seconds),
    )
    source = Source(
        settings.prometheus_url, settings.prometheus_queries, settings.load_seconds, settings.calm_seconds, settings.pods_socket
    )
    stopwatch = Stopwatch(cluster, time.perf_counter)
    operator = Operator(client, mirror, cluster, leader, choice.engine, metrics, Recorder(settings.recordings), bell, stopwatch, source)
    try:
        async with serve_http(
            settings.http_host, settings.http_port, registry=metrics.registry, healthy=lambda: None, ready=operator.find_unready
        ):
            await _live(operator, client)
    finally:
        await leader.release()
        await client.close()
        await lease_client.close()


async def _live(operator: Operator, client: Client) -> None:
    reflectors = operator.mirror.build_reflectors(client)
    operator.metrics.follow({reflector.resource.plural: reflector.tally for reflector in reflectors})
    tasks = [asyncio.create_task(reflector.run(), name=reflector.resource.plural) for reflector in reflectors]
    tasks.append(asyncio.create_task(_watch(operator, client), name="kopf"))
    tasks.append(asyncio.create_task(_lead(operator, reflectors), name="rounds"))
    follower = Follower(operator.mirror, operator.source, time.time, lambda: operator.leader.epoch is not None)
    tasks.append(asyncio.create_task(follower.run(), name="load"))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()  # the one with kopf ends without an error when a signal has come
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _watch(operator: Operator, client: Client) -> None:
    """Our own kinds, until a signal ends the process."""
    await operator.read.wait()
    await wait_any(operator.decided, timeout_seconds=LATEST_WATCH_SECONDS)
    watch = await asyncio.to_thread(import_module, "commonpool.live.watch")
    operator.watching.set()
    await watch.watch(operator.mirror.remember, client.configuration)


async def _lead(operator: Operator, reflectors: Sequence[Reflector[Any]]) -> None:
    """Read everything once, then stand for election and plan."""
    for reflector in reflectors:
        await reflector.synced.wait()
    await _read_own_kinds(operator)
    gc.collect()
    gc.freeze()  # what was read first lives long: the collector need not look at it again
    operator.read.set()
    LOGGER.info("the cluster is read: %d nodes, %d pods", len(operator.mirror.nodes), len(operator.mirror.pods))
    async with asyncio.TaskGroup() as group:
        group.create_task(operator.leader.run(operator.mirror.dirty.set))
        group.create_task(operator.check_what_is_gone())
        group.create_task(operator.run_rounds())


async def _read_own_kinds(operator: Operator) -> None:
    """Before the first round; kopf alone does not say when it has brought everything."""
    attempt = 0
    while True:
        try:
            await remember_all(operator.mirror, operator.client)
        except ApiError as error:
            LOGGER.warning("could not list our own kinds: %s", error)
            await asyncio.sleep(pause_seconds(attempt, 0.5, error))
            attempt += 1
        else:
            return
