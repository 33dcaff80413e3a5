"""How much is written a round, and for whom: one tenant's flood must not keep another waiting for the next decision."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import chain, zip_longest
from typing import TypeVar

from commonpool.kube.errors import Forbidden, Invalid
from commonpool.kube.writer import Failure

Item = TypeVar("Item")

FIRST_PAUSE_SECONDS = 30
LONGEST_PAUSE_SECONDS = 600


def take_turns(items: Iterable[Item], namespace: Callable[[Item], str], most: int) -> list[Item]:
    """At most `most` of the items: one of each namespace, then a second of each, and so on; in a namespace in their order."""
    queues: defaultdict[str, list[Item]] = defaultdict(list)
    for item in items:
        queues[namespace(item)].append(item)
    turns = chain.from_iterable(zip_longest(*(queue for _, queue in sorted(queues.items()))))
    return [item for item in turns if item is not None][:most]


class Pauses:
    """Namespaces in which writing was refused, each left alone for a while that doubles as long as it goes on."""

    def __init__(self) -> None:
        self._until: dict[str, tuple[int, int]] = {}

    def rests(self, namespace: str, now_at: int) -> bool:
        """Whether nothing is to be tried there now."""
        return now_at < self._until.get(namespace, (0, 0))[0]

    def find_next_due(self, now_at: int) -> int | None:
        """When the next pause ends."""
        return min((until_at for until_at, _ in self._until.values() if until_at > now_at), default=None)

    def note(self, namespace: str, failures: list[Failure], now_at: int) -> list[Failure]:
        """Note how it went; of many refusals in one namespace one is told."""
        refused = [failure for failure in failures if isinstance(failure.error, Forbidden | Invalid)]
        if not refused:
            self._until.pop(namespace, None)
            return failures
        pause = min(LONGEST_PAUSE_SECONDS, 2 * self._until.get(namespace, (0, FIRST_PAUSE_SECONDS // 2))[1])
        self._until[namespace] = (now_at + pause, pause)
        return [*(failure for failure in failures if failure not in refused), Failure(f"namespace {namespace}", refused[0].error)]
