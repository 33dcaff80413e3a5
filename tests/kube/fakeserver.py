"""An apiserver that says what a script tells it to: just enough HTTP to list and to watch one kind."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from commonpool.kube.client import Client


@dataclass
class Listing:
    """An answer to one list request."""

    items: list[dict[str, Any]] = field(default_factory=list)
    version: str = "1"
    more: str = ""
    status: int = 200

    def respond(self) -> web.Response:
        if self.status != 200:
            return web.json_response({"kind": "Status", "code": self.status, "message": "no"}, status=self.status)
        metadata = {"resourceVersion": self.version, "continue": self.more}
        return web.json_response({"metadata": metadata, "items": self.items})


@dataclass
class Watching:
    """An answer to one watch request: lines, then its end, or silence."""

    lines: list[bytes] = field(default_factory=list)
    status: int = 200
    hangs: bool = False


def change(kind: str, body: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": body}).encode() + b"\n"


def bookmark(version: str) -> bytes:
    return change("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": version}, "spec": {"containers": None}})


EXPIRED = change("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"})


class FakeServer:
    """Answers in the order of the script; when that is over, watches stay silent. `asked` are the queries that came."""

    def __init__(self, *script: Listing | Watching) -> None:
        self.asked: list[dict[str, str]] = []
        self.came = asyncio.Event()
        self._script = list(script)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(dict(request.query))
        self.came.set()
        answer = self._script.pop(0) if self._script else Watching(hangs=True)
        assert isinstance(answer, Watching) == ("watch" in request.query), f"{answer} for {dict(request.query)}"
        if isinstance(answer, Listing):
            return answer.respond()
        if answer.status != 200:
            return Listing(status=answer.status).respond()
        response = web.StreamResponse()
        await response.prepare(request)
        for line in answer.lines:
            await response.write(line)
        if answer.hangs:
            await asyncio.Event().wait()
        return response

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Client]:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        configuration = Configuration()
        [address] = runner.addresses
        configuration.host = f"http://127.0.0.1:{address[1]}"
        client = Client(ApiClient(configuration))
        try:
            yield client
        finally:
            await client.close()
            await runner.cleanup()
