"""Reads the load of inference services, and notes in the mirror how many pods each needs.

From Prometheus where there is one and it tells; else from the pods themselves. What cannot be read leaves the service
as it is, and is told. What is remembered goes with the process: whose load was not known of late keeps the size that
it has, as if its load had asked for it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp

from commonpool.api import GPUWorkload
from commonpool.kube.children import find_child_key
from commonpool.kube.load import Load, Sample, calm, count_pods
from commonpool.kube.mirror import Mirror
from commonpool.kube.read.needs import count_asked
from commonpool.live.answers import LoadUnknownError
from commonpool.live.podload import WORDS, PodLoads
from commonpool.live.prometheus import ask_prometheus
from commonpool.live.promql import build_query, list_metrics

if TYPE_CHECKING:
    from commonpool.api.inference import Inference
    from commonpool.kube.facts import PodView
    from commonpool.model.ids import ChildKey

TIMEOUT_SECONDS = 5.0
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Source:
    """Where loads are read, and how often."""

    url: str = ""
    """Of Prometheus; empty: there is none."""
    queries: Mapping[str, str] = field(default_factory=dict)
    every_seconds: float = 15.0
    calm_seconds: int = 300
    pods_socket: str = ""
    """Of a proxy by which pods are reached; empty: directly."""


@dataclass(frozen=True, slots=True)
class Ways:
    """Sessions, one for each sort of server."""

    prometheus: aiohttp.ClientSession
    pods: aiohttp.ClientSession


@dataclass(frozen=True, slots=True)
class Reading:
    """A service's whole load, and the least that it keeps whatever that is."""

    total: float
    least: int = 0


class Follower:
    """Asks for every service that has a target; `leading`: whether this process decides anything."""

    def __init__(self, mirror: Mirror, source: Source, clock: Callable[[], float], leading: Callable[[], bool]) -> None:
        self._mirror = mirror
        self._source = source
        self._clock = clock
        self._leading = leading
        self._samples: dict[str, tuple[Sample, ...]] = {}
        self._pod_loads = PodLoads()
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Ask again and again until cancelled."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        door = aiohttp.UnixConnector(self._source.pods_socket) if self._source.pods_socket else None
        async with aiohttp.ClientSession(timeout=timeout) as session, aiohttp.ClientSession(timeout=timeout, connector=door) as pods:
            while True:
                if self._leading():
                    await self.look(Ways(session, pods))
                await asyncio.sleep(self._source.every_seconds)

    async def look(self, ways: Ways) -> None:
        """Ask once for every service."""
        services = {
            own.uid: own.parsed
            for own in self._mirror.workloads
            if own.parsed is not None and own.parsed.spec.inference is not None and own.parsed.spec.inference.target is not None
        }
        pods = self._find_pods(services)
        loads = await asyncio.gather(*(self._read(ways, uid, service, pods.get(uid, [])) for uid, service in services.items()))
        self._samples = {uid: samples for uid, samples in self._samples.items() if uid in services}
        self._pod_loads.retain(pod.uid for members in pods.values() for pod in members)
        self._mirror.follow(dict(zip(services, loads, strict=True)))

    def _find_pods(self, services: Mapping[str, GPUWorkload]) -> "Mapping[str, list[PodView]]":
        """By the UID of the GPUWorkload."""
        owners: dict[ChildKey | None, str] = {find_child_key(service): uid for uid, service in services.items()}
        found: defaultdict[str, list[PodView]] = defaultdict(list)
        for pod in self._mirror.pods if services else ():
            if pod.child in owners:
                found[owners[pod.child]].append(pod)
        return found

    async def _read(self, ways: Ways, uid: str, service: GPUWorkload, pods: "list[PodView]") -> Load:
        inference = service.spec.inference
        if inference is None:
            return Load(None)
        before = self._samples.get(uid, ())
        held = max((sample.pods for sample in before), default=None)
        try:
            async with self._slots:
                reading = await self._ask(ways, service, inference, pods)
        except LoadUnknownError as error:
            return Load(held, str(error))
        now_at = int(self._clock())
        if not before or before[-1].at <= now_at - self._source.calm_seconds:  # what it needed in between nobody knows, but it had pods
            before = self._recall(uid, service, now_at)
        sample = Sample(now_at, max(reading.least, count_pods(inference, reading.total)))
        samples = calm((*before, sample), now_at, self._source.calm_seconds)
        self._samples[uid] = samples
        return Load(max(sample.pods for sample in samples))

    def _recall(self, uid: str, service: GPUWorkload, now_at: int) -> tuple[Sample, ...]:
        """What the load had asked for when it was looked at last, maybe by an operator that is gone: as if it did now."""
        made = self._mirror.find_child("Deployment", service.metadata.namespace or "", service.metadata.name)
        return () if made is None or made.owner_uid != uid else (Sample(now_at, count_asked(made)),)

    async def _ask(self, ways: Ways, service: GPUWorkload, inference: "Inference", pods: "list[PodView]") -> Reading:
        metric = inference.target.metric if inference.target is not None else ""
        query = self._find_query(service, metric)
        total = await ask_prometheus(ways.prometheus, self._source.url, query, metric) if query is not None else None
        if total is not None:
            return Reading(total)
        if metric in WORDS:  # of a service without a pod nobody would ever hear that it is wanted again
            return Reading(await self._pod_loads.read(ways.pods, pods, inference.port, metric, self._clock()), least=1)
        if query is not None:
            raise LoadUnknownError(f"`0` series tell of metric `{metric}`, and it takes one: do its pods count it?")
        known = list_metrics(self._source.queries) if self._source.url else ", ".join(f"`{word}`" for word in sorted(WORDS))
        raise LoadUnknownError(f"nobody has said how metric `{metric}` is read: use one of {known}, or ask an administrator to add it")

    def _find_query(self, service: GPUWorkload, metric: str) -> str | None:
        """What to ask Prometheus; None if there is none, or nobody has said what the metric is."""
        if not self._source.url:
            return None
        return build_query(self._source.queries, metric, service.metadata.namespace or "", service.metadata.name)
