"""`/metrics`, `/healthz`, `/readyz`: what Prometheus and the kubelet ask."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

Probe = Callable[[], str | None]
"""None when all is well, else one line that says what is not."""


@asynccontextmanager
async def serve_http(host: str, port: int, *, registry: CollectorRegistry, healthy: Probe, ready: Probe) -> AsyncIterator[int]:
    """Answer until the block ends; gives the port (of the kernel's choice if `port` is 0)."""

    async def show_metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    def answer(probe: Probe) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(_: web.Request) -> web.Response:
            complaint = probe()
            return web.Response(text=f"{complaint or 'ok'}\n", status=503 if complaint else 200)

        return handler

    app = web.Application()
    app.add_routes([web.get("/metrics", show_metrics), web.get("/healthz", answer(healthy)), web.get("/readyz", answer(ready))])
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
