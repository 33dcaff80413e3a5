"""The door by which the apiserver and the operator go into the network of real nodes, on this machine's own loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from commonpool.local.ports import find_free_ports
from commonpool.local.real.network import _dial_inside, _serve


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Path]:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "door"))
    serving = asyncio.create_task(_serve(listener, _dial_inside))
    yield tmp_path / "door"
    serving.cancel()
    connections = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*connections, return_exceptions=True)  # each ends with its ends


@pytest.fixture
async def shouter() -> AsyncIterator[int]:
    """Answers when it has heard all, as one can who notices the end of what is said to him."""

    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read()).upper())
        writer.close()

    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def ask(door: Path, words: str, then: bytes = b"") -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(door))
    writer.write(words.encode())
    head = await reader.readline()
    if then:
        await reader.readline()
        writer.write(then)
        writer.write_eof()
        head = await reader.read()
    writer.close()
    await writer.wait_closed()
    return head


async def test_who_asks_for_an_address_is_connected_with_it(door: Path, shouter: int) -> None:
    assert await ask(door, f"CONNECT 127.0.0.1:{shouter} HTTP/1.1\r\nHost: x\r\n\r\n") == b"HTTP/1.1 200 OK\r\n"
    assert await ask(door, f"CONNECT 127.0.0.1:{shouter} HTTP/1.1\r\n\r\n", then=b"hello") == b"HELLO"


async def test_where_nobody_serves_the_answer_says_so(door: Path) -> None:
    (port,) = find_free_ports(1)
    assert await ask(door, f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n") == b"HTTP/1.1 502 Bad Gateway\r\n"


@pytest.mark.parametrize("words", ["GET / HTTP/1.1\r\n\r\n", "CONNECT\r\n\r\n", "CONNECT here HTTP/1.1\r\n\r\n"])
async def test_whoever_wants_something_else_is_not_heard(door: Path, words: str) -> None:
    assert await ask(door, words) == b""


async def test_a_request_goes_whole_to_the_host_that_it_names(door: Path, shouter: int) -> None:
    request = f"GET /metrics HTTP/1.1\r\nhost: 127.0.0.1:{shouter}\r\n\r\n"
    reader, writer = await asyncio.open_unix_connection(str(door))
    writer.write(request.encode())
    writer.write_eof()
    assert await reader.read() == request.upper().encode()
    writer.close()
    await writer.wait_closed()
