"""One kind of object, followed from a list through a watch for as long as the process lives.

The states are two: without a version it lists (in pages), with one it watches from there.
A watch that ends, breaks or falls silent is taken up where it was; a version that the
apiserver no longer keeps (410) means a new list, in which what is missing is gone.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from commonpool.kube import records
from commonpool.kube.client import Client, pause_seconds
from commonpool.kube.errors import ApiError, Gone, Unavailable, translate_status
from commonpool.kube.resources import Key, Resource
from commonpool.kube.store import Seen, Store

LOGGER = logging.getLogger(__name__)

Value = TypeVar("Value")

PAGE = 500
WATCH_SECONDS = 290
INACTIVITY_SECONDS = 120.0

_PAGES = msgspec.json.Decoder(records.Page)
_CHANGES = msgspec.json.Decoder(records.Change)
_BOOKMARKS = msgspec.json.Decoder(records.Bookmark)
_NAMES = msgspec.json.Decoder(records.Named)


class Record(Protocol):
    """A decoded object."""

    @property
    def metadata(self) -> records.Metadata:
        """Its name and version."""
        ...


class Reader(Generic[Value]):
    """How one kind becomes a value: which bytes to read, and what matters of them."""

    def __init__(self, record: type[Any], read: Callable[[Any], Value]) -> None:
        self._decoder = msgspec.json.Decoder(record)
        self._read = read

    def read(self, body: bytes | msgspec.Raw) -> Seen[Value]:
        """Decode one object; msgspec.MsgspecError or ValueError if it is not one."""
        record: Record = self._decoder.decode(body)
        metadata = record.metadata
        return Seen((metadata.namespace, metadata.name), metadata.uid, parse_version(metadata.resource_version), self._read(record))


def parse_version(text: str) -> int:
    """A resourceVersion as a number; 0 if there is none."""
    return int(text) if text.isdigit() else 0


@dataclass(slots=True)
class Tally:
    """What a reflector did since the start, for metrics."""

    lists: int = 0
    events: int = 0
    failures: int = 0
    unreadable: set[Key] = field(default_factory=set)
    """Objects that are there now and could not be read as they are."""


class Reflector(Generic[Value]):
    """Keeps `store` equal to the cluster; run it once."""

    def __init__(
        self,
        client: Client,
        resource: Resource,
        reader: Reader[Value],
        store: Store[Value],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.resource = resource
        self.store = store
        self.synced = asyncio.Event()
        self.tally = Tally()
        self.last_error: ApiError | None = None
        """Why the last attempt failed; None while it works."""
        self._client = client
        self._reader = reader
        self._sleep = sleep
        self._version = ""
        self._attempt = 0
        self._told = 0  # answers that brought us forward

    async def run(self) -> None:
        """List and watch until cancelled; every failure, and a watch that ends without a word, is answered with a pause and another try."""
        while True:
            told = self._told
            error: ApiError | None = None
            try:
                await self.step()
            except Gone as gone:
                self._version, error = "", gone
            except ApiError as failure:
                self.tally.failures += 1
                error = failure
            self.last_error = error
            self._attempt = 0 if self._told != told else self._attempt + 1
            if error is not None or self._told == told:
                await self._sleep(pause_seconds(self._attempt, random.random(), error))  # noqa: S311 spreads load, keeps no secret

    async def step(self) -> None:
        """One list, or one watch until it ends."""
        if not self._version:
            await self._list()
        else:
            await self._watch()

    async def _list(self) -> None:
        listed: list[Seen[Value]] = []
        unreadable: set[Key] = set()
        token = ""
        while True:
            page = _PAGES.decode(await self._client.list_page(self.resource, limit=PAGE, token=token))
            for item in page.items or ():
                seen = self._decode(item)
                if isinstance(seen, Seen):
                    listed.append(seen)
                else:
                    unreadable.add((seen.namespace, seen.name))
            token = page.metadata.continue_ or ""
            if not token:
                break
        self.tally.lists += 1
        self.tally.unreadable = unreadable
        self.store.replace(listed, parse_version(page.metadata.resource_version))
        self._version = page.metadata.resource_version
        self._told += 1
        self.synced.set()

    async def _watch(self) -> None:
        seconds = WATCH_SECONDS + random.randrange(60)  # noqa: S311 spreads reconnects
        async with self._client.watch(
            self.resource, self._version, timeout_seconds=seconds, inactivity_seconds=INACTIVITY_SECONDS
        ) as lines:
            async for line in lines:
                self._take(line)
                self._told += 1

    def _take(self, line: bytes) -> None:
        try:
            change = _CHANGES.decode(line)
        except msgspec.MsgspecError as error:
            raise Unavailable(f"the watch of {self.resource.plural} told nonsense: {error}") from error
        if change.type == "ERROR":
            self._version = ""  # whatever it was, a fresh list cures it
            raise translate_status(bytes(change.object))
        if change.type == "BOOKMARK":
            self._version = _BOOKMARKS.decode(change.object).metadata.resource_version or self._version
            return
        self.tally.events += 1
        self._take_object(change)

    def _take_object(self, change: records.Change) -> None:
        if change.type == "DELETED":
            metadata = _find_metadata(change.object)
            self.tally.unreadable.discard((metadata.namespace, metadata.name))
            self.store.drop((metadata.namespace, metadata.name), metadata.uid)
            self._advance(parse_version(metadata.resource_version))
            return
        seen = self._decode(change.object)
        if isinstance(seen, Seen):
            self.tally.unreadable.discard(seen.key)
            self.store.put(seen)
            self._advance(seen.version)
        else:
            self.tally.unreadable.add((seen.namespace, seen.name))
            self._advance(parse_version(seen.resource_version))

    def _advance(self, version: int) -> None:
        self._version = str(version) if version else self._version

    def _decode(self, item: msgspec.Raw) -> Seen[Value] | records.Metadata:
        """One object, or who it is if it cannot be read: that must not hide all others."""
        try:
            return self._reader.read(item)
        except (msgspec.MsgspecError, ValueError) as error:
            metadata = _find_metadata(item)
            if (metadata.namespace, metadata.name) not in self.tally.unreadable:
                who = f"{self.resource.kind} {metadata.namespace}/{metadata.name}".replace(" /", " ")
                LOGGER.warning("%s cannot be read, and nothing is planned with it: %.200r", who, str(error))
            return metadata


def _find_metadata(item: msgspec.Raw) -> records.Metadata:
    """Whose object it is, whatever else it says; nobody's if not even that can be read."""
    try:
        return _NAMES.decode(item).metadata
    except msgspec.MsgspecError:
        return records.Metadata()
