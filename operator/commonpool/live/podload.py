"""A service's load as its own pods count it: the few numbers of their /metrics that say how much they do.

Tenants write what is read here: pods, answers and time are bounded, nothing but a pod's own address is asked, no redirect is followed,
and numbers are all that is taken.
"""

import asyncio
import logging
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

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
"""Pods of one service; nobody waits for another one's."""
MOST_PODS = 64
"""Asking more in one go is work for a Prometheus."""

_KNOWN = "|".join(sorted({name for choices in (*GAUGES.values(), *COUNTERS.values()) for names in choices for name in names}))
_SAMPLE = re.compile(rf"^({_KNOWN})(?:\{{.*\}})?[ \t]+(\S+)(?:[ \t]+-?[0-9]+)?[ \t]*\r?$", re.MULTILINE)

Counts = Mapping[str, float]


@dataclass(slots=True)
class PodLoads:
    """Remembers the last reading of each pod, from which growth is told."""

    _before: dict[str, tuple[float, Counts]] = field(default_factory=dict)

    async def read(self, session: aiohttp.ClientSession, pods: Sequence[PodView], port: int, metric: str, now: float) -> float:
        """What all ready pods of a service do together. LoadUnknownError if one of them cannot be asked: the rest is no whole."""
        asked = [pod for pod in pods if pod.ready and pod.holds and not pod.terminating and pod.address]
        if not asked:
            raise LoadUnknownError("none of its pods is ready to be asked for its load")
        if len(asked) > MOST_PODS:
            told = f"`{len(asked)}` of its pods are ready, and at most `{MOST_PODS}` are asked for their load"
            raise LoadUnknownError(f"{told}: an administrator can let Prometheus tell it")
        slots = asyncio.Semaphore(AT_ONCE)
        try:
            async with asyncio.TaskGroup() as group:  # ends the other questions as soon as one has no answer
                tasks = {pod.uid: group.create_task(_ask(session, pod, port, slots)) for pod in asked}
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        return self.add_up({uid: task.result() for uid, task in tasks.items()}, port, metric, now)

    def add_up(self, counts: Mapping[str, Counts], port: int, metric: str, now: float) -> float:
        """What pods do together that have answered so, by UID: finite and not below zero, or LoadUnknownError."""
        total = self._add_up(counts, port, metric, now)
        if not 0 <= total < math.inf:
            raise LoadUnknownError(f"its pods tell of a load of `{total}`, which can be none: what do they count?")
        return total

    def _add_up(self, counts: Mapping[str, Counts], port: int, metric: str, now: float) -> float:
        choices = {**GAUGES, **COUNTERS}[metric]
        names = next((names for names in choices if any(name in each for each in counts.values() for name in names)), None)
        if names is None:
            told = " or ".join(f"`{name}`" for choice in choices for name in choice)
            raise LoadUnknownError(f"the /metrics of its pods on port {port} do not tell {told}")
        if metric in GAUGES:
            return sum(_sum(each, names) for each in counts.values())
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


async def _ask(session: aiohttp.ClientSession, pod: PodView, port: int, slots: asyncio.Semaphore) -> Counts:
    who = f"its pod `{pod.name}`"
    if not _is_pods_own(pod):
        raise LoadUnknownError(
            f"{who} is not asked for its load: `{pod.address}` is its node's address, or no pod's: is it on `hostNetwork`?"
        )
    host = f"[{pod.address}]" if ":" in pod.address else pod.address
    try:
        async with slots, session.get(f"http://{host}:{port}/metrics", allow_redirects=False) as response:
            if response.status != 200:
                raise LoadUnknownError(f"{who} answers `{response.status}` when it is asked for /metrics on port {port}")
            return parse_counts((await read_bounded(response, who)).decode("utf-8", "replace"))
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        LOGGER.debug("%s: %s", pod.name, error)
        raise LoadUnknownError(f"{who} does not tell its load on port {port}: does it serve /metrics there?") from error


def _is_pods_own(pod: PodView) -> bool:
    """Under its node's address, or one that means the asker himself, the operator would reach what is closed to tenants."""
    try:
        address = ip_address(pod.address)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    no_pods = address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast
    return not no_pods and pod.address != pod.host_address


def parse_counts(text: str) -> dict[str, float]:
    """The samples that are known here, over all their labels; what is no number, or below zero, counts nothing."""
    counts: dict[str, float] = {}
    for found in _SAMPLE.finditer(text):
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
