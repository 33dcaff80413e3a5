"""What all readers of a service's load have in common: bounded answers, and one error whose words are for the service's owner."""

import aiohttp

MOST_BYTES = 1 << 18


class LoadUnknownError(Exception):
    """Why a load could not be read, in words for the service's owner."""


async def read_bounded(response: aiohttp.ClientResponse, who: str) -> bytes:
    """The body, as far as an honest answer can be long; `who` answers, for people."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MOST_BYTES:
            raise LoadUnknownError(f"{who} answers more than a load: ask an administrator")
    return bytes(body)
