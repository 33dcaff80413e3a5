"""Reads the load of inference services, and notes in the mirror how many pods each needs.

From Prometheus where there is one and it tells; else from the pods themselves. What cannot be read leaves the service
as it is, and is told. What is remembered goes with the process: whose load was not known of late keeps the size that
it has, as if its load had asked for it.
"""

import asyncio
import logging
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
    from commonpool.kube.facts import ChildFact, PodView

LOGGER = logging.getLogger(__name__)

DEADLINE_SECONDS = 5.0
"""Of a service, with all that it waits for: nobody's answers hold up the others' for longer."""
ANSWER_SECONDS = 4.0
"""Of one question: who does not answer it can then be named."""
AT_ONCE = 8
"""Services of one namespace."""


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

    async def run(self) -> None:
        """Ask again and again until cancelled."""
        async with build_session() as session, build_pods_session(self._source.pods_socket) as pods:
            while True:
                if self._leading():
                    await self.look(Ways(session, pods))
                await asyncio.sleep(self._source.every_seconds)

    async def look(self, ways: Ways) -> None:
        """Ask once for every service; over after `DEADLINE_SECONDS`, whoever answers or not."""
        services = {
            own.uid: own.parsed
            for own in self._mirror.workloads
            if own.parsed is not None and own.parsed.spec.inference is not None and own.parsed.spec.inference.target is not None
        }
        pods = self._find_pods(services)
        slots: defaultdict[str | None, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE))
        loads = await asyncio.gather(
            *(self._read(ways, uid, service, pods.get(uid, []), slots[service.metadata.namespace]) for uid, service in services.items())
        )
        self._samples = {uid: samples for uid, samples in self._samples.items() if uid in services}
        self._pod_loads.retain(pod.uid for members in pods.values() for pod in members)
        self._mirror.follow(dict(zip(services, loads, strict=True)))

    def _find_pods(self, services: Mapping[str, GPUWorkload]) -> "Mapping[str, list[PodView]]":
        """By the UID of the GPUWorkload: pods with accelerators of the Deployment that was made for it.

        A ReplicaSet of its tenant's own may bear such a name that its pods seem to be the service's: they hold his quota at least.
        """
        owners = {find_child_key(service): uid for uid, service in services.items() if self._find_made(uid, service) is not None}
        found: defaultdict[str, list[PodView]] = defaultdict(list)
        for pod in self._mirror.pods if owners else ():
            if pod.child in owners and pod.shape.extended and pod.node in self._mirror.pool_nodes:
                found[owners[pod.child]].append(pod)
        return found

    async def _read(self, ways: Ways, uid: str, service: GPUWorkload, pods: "list[PodView]", slots: asyncio.Semaphore) -> Load:
        inference = service.spec.inference
        if inference is None:
            return Load(None)
        held = max((sample.pods for sample in self._samples.get(uid, ())), default=None)
        try:
            async with asyncio.timeout(DEADLINE_SECONDS), slots:
                reading = await self._ask(ways, service, inference, pods)
            return self._note(uid, service, max(reading.least, count_pods(inference, reading.total)))
        except LoadUnknownError as error:
            return Load(held, str(error))
        except TimeoutError:
            return Load(held, f"its load was not told within `{DEADLINE_SECONDS:.0f}` seconds: how soon do its pods answer?")
        except Exception as error:  # tenants write what is read: what nobody has thought of must not end the others' readings
            LOGGER.exception("the load of %s/%s", service.metadata.namespace, service.metadata.name)
            return Load(held, f"its load could not be read: {f'{error!r}':.200}")

    def _note(self, uid: str, service: GPUWorkload, pods: int) -> Load:
        """What the load asks for now, and what it has asked for of late."""
        now_at, before = int(self._clock()), self._samples.get(uid, ())
        if not before or before[-1].at <= now_at - self._source.calm_seconds:  # what it needed in between nobody knows, but it had pods
            made = self._find_made(uid, service)  # as the load had asked when it was looked at last, maybe by an operator that is gone
            before = () if made is None else (Sample(now_at, count_asked(made)),)
        samples = calm((*before, Sample(now_at, pods)), now_at, self._source.calm_seconds)
        self._samples[uid] = samples
        return Load(max(sample.pods for sample in samples))

    def _find_made(self, uid: str, service: GPUWorkload) -> "ChildFact | None":
        made = self._mirror.find_child("Deployment", service.metadata.namespace or "", service.metadata.name)
        return made if made is not None and made.owner_uid == uid else None

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


def build_session() -> aiohttp.ClientSession:
    """To Prometheus."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS))


def build_pods_session(door: str) -> aiohttp.ClientSession:
    """To pods: what they pack is not unpacked, and those that hang take no connection from others (`AT_ONCE` bounds both sorts)."""
    connector = aiohttp.UnixConnector(door, limit=0) if door else aiohttp.TCPConnector(limit=0)
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
        connector=connector,
        auto_decompress=False,
        headers={"Accept-Encoding": "identity"},
    )
