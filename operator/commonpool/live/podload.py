"""A service's load as its own pods count it: the few numbers of their /metrics that say how much they do.

Tenants write what is read here: answers are bounded in size and time, no redirect is followed, and numbers are all that is taken.
"""

import asyncio
import logging
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp

from commonpool.kube.facts import PodView
from commonpool.live.answers import LoadUnknownError, read_bounded

LOGGER = logging.getLogger(__name__)

Names = tuple[str, ...]

GAUGES: Mapping[str, tuple[Names, ...]] = {
    "requestsInFlight": (("vllm:num_requests_running", "vllm:num_requests_waiting"), ("http_requests_in_flight",)),
    "requestsWaiting": (("vllm:num_requests_waiting",),),
}
"""What counts for a word of `target.metric`: of the choices the first that the pods have, all its names added up."""

COUNTERS: Mapping[str, tuple[Names, ...]] = {
    "requestsPerSecond": (("vllm:request_success_total",), ("http_requests_total",)),
    "tokensPerSecond": (("vllm:generation_tokens_total",),),
}
"""The same for what only grows: how much it has grown in a second since the last reading."""

WORDS = frozenset({*GAUGES, *COUNTERS})
AT_ONCE = 8

_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{.*\})?[ \t]+(\S+)(?:[ \t]+-?[0-9]+)?[ \t]*")
_KNOWN = frozenset(name for choices in (*GAUGES.values(), *COUNTERS.values()) for names in choices for name in names)

Counts = Mapping[str, float]


@dataclass(slots=True)
class PodLoads:
    """Remembers the last reading of each pod, from which growth is told."""

    _before: dict[str, tuple[float, Counts]] = field(default_factory=dict)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def read(self, session: aiohttp.ClientSession, pods: Sequence[PodView], port: int, metric: str, now: float) -> float:
        """What all ready pods of a service do together. LoadUnknownError if one of them cannot be asked: the rest is no whole."""
        asked = [pod for pod in pods if pod.ready and pod.holds and not pod.terminating and pod.address]
        if not asked:
            raise LoadUnknownError("none of its pods is ready to be asked for its load")
        answers = await asyncio.gather(*(self._ask(session, pod, port) for pod in asked))
        counts = {pod.uid: answer for pod, answer in zip(asked, answers, strict=True)}
        choices = {**GAUGES, **COUNTERS}[metric]
        names = next((names for names in choices if any(name in each for each in answers for name in names)), None)
        if names is None:
            told = " or ".join(f"`{name}`" for choice in choices for name in choice)
            raise LoadUnknownError(f"the /metrics of its pods on port {port} do not tell {told}")
        if metric in GAUGES:
            return sum(_sum(each, names) for each in answers)
        known = {uid: self._before[uid] for uid in counts if uid in self._before}
        self._before.update({uid: (now, each) for uid, each in counts.items()})
        grown = [_grow(_sum(before, names), _sum(counts[uid], names), now - at) for uid, (at, before) in known.items() if now > at]
        if not grown:
            raise LoadUnknownError("its pods were asked for the first time: the next reading tells what they do in a second")
        return sum(grown)

    def retain(self, uids: Iterable[str]) -> None:
        """Forget pods that are gone."""
        living = set(uids)
        self._before = {uid: reading for uid, reading in self._before.items() if uid in living}

    async def _ask(self, session: aiohttp.ClientSession, pod: PodView, port: int) -> Counts:
        host = f"[{pod.address}]" if ":" in pod.address else pod.address
        who = f"its pod `{pod.name}`"
        try:
            async with self._slots, session.get(f"http://{host}:{port}/metrics", allow_redirects=False) as response:
                if response.status != 200:
                    raise LoadUnknownError(f"{who} answers `{response.status}` when it is asked for /metrics on port {port}")
                return parse_counts((await read_bounded(response, who)).decode("utf-8", "replace"))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            LOGGER.debug("%s: %s", pod.name, error)
            raise LoadUnknownError(f"{who} does not tell its load on port {port}: does it serve /metrics there?") from error


def parse_counts(text: str) -> dict[str, float]:
    """The samples that are known here, over all their labels; what is no number, or below zero, counts nothing."""
    counts: dict[str, float] = {}
    for line in text.splitlines():
        found = _SAMPLE.fullmatch(line)
        if found is None or found[1] not in _KNOWN:
            continue
        try:
            value = float(found[2])
        except ValueError:
            continue
        counts[found[1]] = counts.get(found[1], 0.0) + (value if math.isfinite(value) and value > 0 else 0.0)
    return counts


def _sum(counts: Counts, names: Names) -> float:
    return sum(counts.get(name, 0.0) for name in names)


def _grow(before: float, now: float, seconds: float) -> float:
    """A counter that has fallen began anew."""
    return (now - before if now >= before else now) / seconds
