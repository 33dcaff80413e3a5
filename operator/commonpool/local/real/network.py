"""`python -m commonpool.local.real.network ROOT APISERVER_PORT SOCKET`: the switch that real nodes are plugged into, and its two doors.

The switch is a bridge in a network namespace of this process, which has no other way out or in than these: nodes and pods reach the
apiserver, which serves on 127.0.0.1 of the machine, at the fabric's own address; through SOCKET the apiserver reaches kubelets and pods, by
HTTP CONNECT (its egress selector), and the operator the metrics of pods, by the host that its request names. One thread a namespace: a
socket belongs to that of the thread which makes it.
"""

import asyncio
import os
import signal
import socket
import sys
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from commonpool.local.real.addresses import API_PORT, FABRIC, PREFIX, build_routes
from commonpool.local.real.iproute import run_ip
from commonpool.local.real.namespaces import NETWORK, enter_network, own_network, unshare

BRIDGE = "nodes"
_CHUNK_BYTES = 65536
_DIAL_SECONDS = 5
_MOST_HEADERS_BYTES = 4096

Dial = Callable[[StreamReader, StreamWriter], Awaitable[tuple[StreamReader, StreamWriter]]]


def main() -> None:
    """Make the switch and serve both doors until a signal comes."""
    root, port, path = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    outside = own_network()
    unshare(NETWORK)
    run_ip(root, _build_switch())
    listener = socket.create_server((FABRIC, API_PORT))

    async def dial_apiserver(_reader: StreamReader, _writer: StreamWriter) -> tuple[StreamReader, StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", port)

    def serve_apiserver() -> None:
        try:
            enter_network(outside)
            asyncio.run(_serve(listener, dial_apiserver))
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=serve_apiserver, daemon=True).start()
    path.unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX)
    door.bind(str(path))
    asyncio.run(_serve(door, _dial_inside))


def _build_switch() -> list[str]:
    return [
        "link set lo up",
        f"link add {BRIDGE} type bridge",
        f"addr add {FABRIC}/{PREFIX} dev {BRIDGE}",
        f"link set {BRIDGE} up",
        *build_routes(),
    ]


async def _serve(listener: socket.socket, dial: Dial) -> None:
    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.wait_for(dial(reader, writer), _DIAL_SECONDS)
        except (OSError, ValueError, EOFError, asyncio.LimitOverrunError, TimeoutError):
            writer.close()
            return
        await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))
        for each in (writer, far_writer):
            each.close()

    listen = asyncio.start_unix_server if listener.family == socket.AF_UNIX else asyncio.start_server
    server = await listen(handle, sock=listener, limit=_MOST_HEADERS_BYTES)
    await server.serve_forever()


async def _dial_inside(reader: StreamReader, writer: StreamWriter) -> tuple[StreamReader, StreamWriter]:
    """Hear `CONNECT host:port` and go there; or any other request, and take it to the host and port that it names."""
    head = await reader.readuntil(b"\r\n\r\n")
    method, target, *_ = head.decode("latin-1").split()
    if method != "CONNECT":
        target = _find_host(head)
    host, _, port = target.rpartition(":")
    try:
        far = await asyncio.open_connection(host.strip("[]"), int(port))
    except OSError:
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
        raise
    if method == "CONNECT":
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    else:
        far[1].write(head)
    return far


def _find_host(head: bytes) -> str:
    fields = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return next((value.strip() for name, _, value in fields if name.lower() == "host"), "")


async def _pass_on(reader: StreamReader, writer: StreamWriter) -> None:
    """Pass bytes on until there are no more; an end of one direction is not yet one of the other."""
    with suppress(OSError):
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()


if __name__ == "__main__":
    main()
