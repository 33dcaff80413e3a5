"""One at a time: file locks that the kernel takes back from whoever dies."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commonpool.local.teller import Teller


@contextmanager
def hold_lock(path: Path, what: str, teller: Teller) -> Iterator[None]:
    """Hold the lock file; if another process does (it `what`), say so and wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            teller.say(f"another process {what}; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
