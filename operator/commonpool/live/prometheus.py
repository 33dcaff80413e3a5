"""Asks Prometheus, or what answers as it does, for one service's load: one bounded question."""

import logging

import aiohttp
import msgspec

from commonpool.live.answers import LoadUnknownError, read_bounded

LOGGER = logging.getLogger(__name__)

WHO = "the metrics' server"


class _Series(msgspec.Struct):
    value: tuple[float, str]


class _Data(msgspec.Struct):
    result: list[_Series]


class _Answer(msgspec.Struct):
    data: _Data | None = None
    error: str = ""


_ANSWERS = msgspec.json.Decoder(_Answer)


async def ask_prometheus(session: aiohttp.ClientSession, url: str, query: str, metric: str) -> float | None:
    """The load that the query answers; None if no series does. LoadUnknownError if it cannot be read."""
    try:
        async with session.get(f"{url.rstrip('/')}/api/v1/query", params={"query": query}) as response:
            answer = _ANSWERS.decode(await read_bounded(response, WHO))
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        LOGGER.debug("%s: %s", query, error)
        raise LoadUnknownError(f"{WHO} does not answer: ask an administrator") from error
    except msgspec.MsgspecError as error:
        raise LoadUnknownError(f"{WHO} answers something that is no load: ask an administrator") from error
    if answer.data is None:
        raise LoadUnknownError(f"{WHO} refuses the query of metric `{metric}`: ask an administrator")
    if not answer.data.result:
        return None
    if len(answer.data.result) > 1:
        raise LoadUnknownError(f"`{len(answer.data.result)}` series tell of metric `{metric}`, and it takes one: do its pods count it?")
    try:
        total = float(answer.data.result[0].value[1])
    except ValueError as error:
        raise LoadUnknownError(f"the load of metric `{metric}` is no number: ask an administrator") from error
    if not 0 <= total < float("inf"):
        raise LoadUnknownError(f"metric `{metric}` tells of a load of `{total}`, which can be none: ask an administrator")
    return total
