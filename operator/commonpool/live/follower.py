"""Reads the load of inference services from Prometheus, and notes in the mirror how many pods each needs.

One bounded question a service; what cannot be read leaves the service as it is, and is told. What is remembered goes
with the process: whose load was not known of late keeps the size that it has, as if its load had asked for it.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
import msgspec

from commonpool.api import GPUWorkload
from commonpool.kube.load import Load, Sample, calm, count_pods
from commonpool.kube.mirror import Mirror
from commonpool.live.promql import build_query, list_metrics

if TYPE_CHECKING:
    from commonpool.api.inference import Inference

LOGGER = logging.getLogger(__name__)

TIMEOUT_SECONDS = 5.0
MOST_BYTES = 1 << 20
AT_ONCE = 8


class LoadUnknownError(Exception):
    """Why a load could not be read, in words for the service's owner."""


class _Series(msgspec.Struct):
    value: tuple[float, str]


class _Data(msgspec.Struct):
    result: list[_Series]


class _Answer(msgspec.Struct):
    data: _Data | None = None
    error: str = ""


_ANSWERS = msgspec.json.Decoder(_Answer)


@dataclass(frozen=True, slots=True)
class Source:
    """Where loads are read, and how often."""

    url: str
    queries: Mapping[str, str] = field(default_factory=dict)
    every_seconds: float = 15.0
    calm_seconds: int = 300


class Follower:
    """Asks for every service that has a target; `leading`: whether this process decides anything."""

    def __init__(self, mirror: Mirror, source: Source, clock: Callable[[], float], leading: Callable[[], bool]) -> None:
        self._mirror = mirror
        self._source = source
        self._clock = clock
        self._leading = leading
        self._samples: dict[str, tuple[Sample, ...]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Ask again and again until cancelled."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                if self._leading():
                    await self.look(session)
                await asyncio.sleep(self._source.every_seconds)

    async def look(self, session: aiohttp.ClientSession) -> None:
        """Ask once for every service."""
        services = {
            own.uid: own.parsed
            for own in self._mirror.workloads
            if own.parsed is not None and own.parsed.spec.inference is not None and own.parsed.spec.inference.target is not None
        }
        loads = await asyncio.gather(*(self._read(session, uid, service) for uid, service in services.items()))
        self._samples = {uid: samples for uid, samples in self._samples.items() if uid in services}
        self._mirror.follow(dict(zip(services, loads, strict=True)))

    async def _read(self, session: aiohttp.ClientSession, uid: str, service: GPUWorkload) -> Load:
        inference = service.spec.inference
        if inference is None:
            return Load(None)
        before = self._samples.get(uid, ())
        held = max((sample.pods for sample in before), default=None)
        try:
            async with self._slots:
                total = await self._ask(session, service, inference)
        except LoadUnknownError as error:
            return Load(held, str(error))
        now_at = int(self._clock())
        if not before or before[-1].at <= now_at - self._source.calm_seconds:  # what it needed in between nobody knows, but it had pods
            before = self._read_size(service, now_at)
        samples = calm((*before, Sample(now_at, count_pods(inference, total))), now_at, self._source.calm_seconds)
        self._samples[uid] = samples
        return Load(max(sample.pods for sample in samples))

    def _read_size(self, service: GPUWorkload, now_at: int) -> tuple[Sample, ...]:
        """As if its load had asked for just the pods that it has."""
        made = self._mirror.find_child("Deployment", service.metadata.namespace or "", service.metadata.name)
        is_its_own = made is not None and made.owner_uid == service.metadata.uid
        return (Sample(now_at, made.replicas),) if made is not None and is_its_own else ()

    async def _ask(self, session: aiohttp.ClientSession, service: GPUWorkload, inference: "Inference") -> float:
        metric = inference.target.metric if inference.target is not None else ""
        query = build_query(self._source.queries, metric, service.metadata.namespace or "", service.metadata.name)
        if query is None:
            known = list_metrics(self._source.queries)
            raise LoadUnknownError(f"nobody has said how metric `{metric}` is read: use one of {known}, or ask an administrator to add it")
        try:
            async with session.get(f"{self._source.url.rstrip('/')}/api/v1/query", params={"query": query}) as response:
                answer = _ANSWERS.decode(await _read_bounded(response))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            LOGGER.debug("%s: %s", query, error)
            raise LoadUnknownError("the metrics' server does not answer: ask an administrator") from error
        except msgspec.MsgspecError as error:
            raise LoadUnknownError("the metrics' server answers something that is no load: ask an administrator") from error
        if answer.data is None:
            raise LoadUnknownError(f"the metrics' server refuses the query of metric `{metric}`: ask an administrator")
        if len(answer.data.result) != 1:
            raise LoadUnknownError(f"`{len(answer.data.result)}` series tell of metric `{metric}`, and it takes one: do its pods count it?")
        try:
            total = float(answer.data.result[0].value[1])
        except ValueError as error:
            raise LoadUnknownError(f"the load of metric `{metric}` is no number: ask an administrator") from error
        if not 0 <= total < float("inf"):
            raise LoadUnknownError(f"metric `{metric}` tells of a load of `{total}`, which can be none: ask an administrator")
        return total


async def _read_bounded(response: aiohttp.ClientResponse) -> bytes:
    """The body, as far as an honest answer can be long."""
    body = b""
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MOST_BYTES:
            raise LoadUnknownError("the metrics' server answers more than a load: ask an administrator")
    return body
