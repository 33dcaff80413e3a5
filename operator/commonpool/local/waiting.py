"""Waiting for a condition with a deadline."""

import time
from collections.abc import Callable

from commonpool.errors import ClusterError, SetupError

_POLL_SECONDS = 0.1


def wait_until(condition: Callable[[], bool], what: str, timeout_seconds: float) -> None:
    """Poll until the condition holds; an apiserver that does not answer just now counts as no. `what` is a sentence."""
    deadline = time.monotonic() + timeout_seconds
    last = ""
    while True:
        try:
            if condition():
                return
        except ClusterError as error:
            last = f"\n\nthe last answer: {error.message}"
        if time.monotonic() > deadline:
            raise SetupError(f"waited {timeout_seconds:.0f} s for this in vain: {what}{last}")
        time.sleep(_POLL_SECONDS)
