"""Whole lists of our own kinds: the first look of an operator, its every-minute check, and the only look of a command."""

import asyncio

import msgspec

from commonpool.kube.client import Client, decode_plain
from commonpool.kube.mirror import Mirror
from commonpool.kube.records import Named, Page
from commonpool.kube.reflector import PAGE, parse_version
from commonpool.kube.resources import GPU_POOLS, GPU_QUOTAS, GPU_WORKLOADS, TENANTS, Resource

OWN = (GPU_POOLS, TENANTS, GPU_QUOTAS, GPU_WORKLOADS)
"""The kinds that people write; kopf follows them, reflectors all others."""

END_SECONDS = 1
"""So long the other questions have to end when one is refused."""


_PAGES = msgspec.json.Decoder(Page)
_NAMES = msgspec.json.Decoder(Named)


async def survey_cluster(client: Client) -> Mirror:
    """Read every object that a plan may depend on, once; ApiError if one kind cannot be read, and then no request is left open."""
    mirror = Mirror()
    readings = [*(reflector.step() for reflector in mirror.build_reflectors(client)), remember_all(mirror, client)]
    tasks = [asyncio.ensure_future(reading) for reading in readings]
    try:
        read, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        if others:  # one that is called off while it connects would leave its socket open
            await asyncio.wait(others, timeout=END_SECONDS)
        await asyncio.gather(*read)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return mirror


async def remember_all(mirror: Mirror, client: Client) -> None:
    """Hand every object of our own kinds to the mirror."""
    for resource in OWN:
        items, _ = await list_all(client, resource)
        for item in items:
            mirror.remember(resource.plural, decode_plain(item), gone=False)


async def drop_gone(mirror: Mirror, client: Client) -> None:
    """Drop what the cluster no longer has: kopf does not tell of what vanished while its watch was broken."""
    for resource in OWN:
        items, version = await list_all(client, resource)
        mirror.retain(resource.plural, {_NAMES.decode(item).metadata.uid for item in items}, version)


async def list_all(client: Client, resource: Resource, *, selector: str = "") -> tuple[list[msgspec.Raw], int]:
    """Every object of a kind, page by page, and the version of the list; `selector` is about labels."""
    items: list[msgspec.Raw] = []
    token = ""
    while True:
        page = _PAGES.decode(await client.list_page(resource, limit=PAGE, token=token, selector=selector))
        items += page.items or ()
        token = page.metadata.continue_ or ""
        if not token:
            return items, parse_version(page.metadata.resource_version)
