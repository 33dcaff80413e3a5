"""The objects of one kind as last seen, by namespace and name.

Versions are compared as the numbers they are: an answer to our own write may come before
the watch tells the same, and what the watch tells later must not undo it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from commonpool.kube.resources import Key

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Seen(Generic[Value]):
    """One object at one version."""

    key: Key
    uid: str
    version: int
    value: Value


class Store(Generic[Value]):
    """Values by key; `on_change(old, new)` is called for each that differs from what was known, None for one that is not there."""

    def __init__(self, on_change: Callable[[Value | None, Value | None], None] = lambda _old, _new: None) -> None:
        self._seen: dict[Key, Seen[Value]] = {}
        self._buried: set[str] = set()
        self._on_change = on_change

    def __len__(self) -> int:
        return len(self._seen)

    def __iter__(self) -> Iterator[Value]:
        return (seen.value for seen in self._seen.values())

    def seen(self) -> Iterable[Seen[Value]]:
        """All objects with their UIDs and versions."""
        return self._seen.values()

    def find(self, namespace: str, name: str) -> Value | None:
        """One value by name."""
        seen = self._seen.get((namespace, name))
        return seen.value if seen else None

    def find_uid(self, namespace: str, name: str) -> str:
        """The UID under a name; empty if nothing is there."""
        seen = self._seen.get((namespace, name))
        return seen.uid if seen else ""

    def knows(self, key: Key, uid: str, version: int) -> bool:
        """Whether that very object was seen at this version or later; 0 is no version."""
        seen = self._seen.get(key)
        return seen is not None and seen.uid == uid and 0 < version <= seen.version

    def put(self, new: Seen[Value]) -> None:
        """Note an object as the watch tells it, or as an answer to our own write shows it, unless a later version is known."""
        old = self._seen.get(new.key)
        if new.uid in self._buried or (old is not None and new.version < old.version):
            return
        self._seen[new.key] = new
        if old is None or old.value != new.value:
            self._on_change(old.value if old else None, new.value)

    def drop(self, key: Key, uid: str) -> None:
        """Note that the watch told an object's end."""
        self._buried.discard(uid)
        self._forget(key, uid)

    def bury(self, key: Key, uid: str) -> None:
        """Note that we deleted an object: what the watch still tells of it is the past."""
        self._buried.add(uid)
        self._forget(key, uid)

    def replace(self, listed: Iterable[Seen[Value]], version: int) -> None:
        """Take a whole list as of `version`: what it lacks is gone, unless it was made after the list."""
        present: set[Key] = set()
        uids: set[str] = set()
        for seen in listed:
            present.add(seen.key)
            uids.add(seen.uid)
            self.put(seen)
        for seen in [seen for seen in self._seen.values() if seen.key not in present and seen.version <= version]:
            self._forget(seen.key, seen.uid)
        self._buried &= uids

    def _forget(self, key: Key, uid: str) -> None:
        old = self._seen.get(key)
        if old is not None and old.uid == uid:
            del self._seen[key]
            self._on_change(old.value, None)
