"""How long work says what it is doing; the command line decides how that looks."""

import logging
from typing import Protocol

_LOG = logging.getLogger("commonpool.local")


class Teller(Protocol):
    """Hears about progress: a sentence a step, and how far a long step is."""

    def say(self, sentence: str) -> None:
        """One step has begun or ended."""

    def advance(self, what: str, done: int, total: int) -> None:
        """Inside a long step: `done` of `total` (0: unknown); called every second, shown as seldom as the listener likes."""


class LogTeller:
    """For callers without a terminal (tests, scripts): sentences go to the log."""

    def say(self, sentence: str) -> None:
        """Log it."""
        _LOG.info("%s", sentence)

    def advance(self, what: str, done: int, total: int) -> None:
        """Log it where someone debugs."""
        _LOG.debug("%s: %d of %d", what, done, total)
